"""Names that follow the active version of a kind: what is loaded, when it switches, and undoing."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from tests.unit.holotype.pool.fakes import FakeModel, TestEngine
from tests.unit.holotype.pool.serving import Kitchen

from holotype.deployment.document import (
    InferenceSettings,
    ModelSpec,
    RegistrySource,
    VariantSpec,
)
from holotype.errors import InvalidArgumentError
from holotype.pool import (
    ContradictionError,
    Pool,
    PoolClosedError,
    PoolError,
    PreparedSwap,
    RegisteredModel,
    Replacement,
    Sizes,
    UnknownNameError,
    opening,
)
from holotype.references.ref import ModelRef


class Registry:
    """Knows versions of the kind ``text``, and makes models whose numbers are theirs."""

    def __init__(self, kitchen: Kitchen) -> None:
        """Begin without an active version."""
        self.kitchen = kitchen
        self.active: RegisteredModel | None = None
        self.known: dict[str, RegisteredModel] = {}
        self.orders: dict[str, dict[str, Any]] = {}
        self.options: list[dict[str, Any]] = []

    def __call__(self, source: RegistrySource) -> RegisteredModel | None:
        assert source.kind == "text"
        return self.active if source.version is None else self.known[source.version]

    def version(self, number: int, *, name: str = "", **more: Any) -> RegisteredModel:
        made = RegisteredModel(
            name=name or f"model/v{number}",
            digest=f"sha256:{number}",
            fetch=lambda: ModelRef(scheme="local", location=f"/versions/{number}"),
            **{"fingerprint": "same", "options": {}, **more},
        )
        self.known[made.name] = made
        return made

    def load(self, found: RegisteredModel, device: str, options: dict[str, Any]) -> FakeModel:
        self.options.append(options)
        number = int(Path(found.fetch().location).name)
        order = {"number": number, "n_bytes": 10, **self.orders.get(str(number), {})}
        return FakeModel(self.kitchen.machine, **order)

    def spec(self, name: str = "search", **more: Any) -> ModelSpec:
        more.setdefault("variants", (self.variant(),))
        return ModelSpec(name=name, **{"memory_bytes": 10, **more})

    @staticmethod
    def variant(name: str = "default", **inference: Any) -> VariantSpec:
        return VariantSpec(
            name=name,
            source=RegistrySource(kind="text"),
            inference=InferenceSettings(device="cpu", **inference),
        )

    def pool(self, *specs: ModelSpec, **settings: Any) -> Pool:
        return Pool(
            self.kitchen.deployment(*(specs or (self.spec(),)), **settings),
            factories=self.kitchen.factories(),
            sizes=Sizes(None),
            registry=self,
            engine=partial(TestEngine, self.kitchen.machine),
        )

    def prepare(self, pool: Pool, version: RegisteredModel) -> PreparedSwap:
        source = RegistrySource(kind="text", version=version.name)
        return pool.prepare(
            [
                Replacement(name=name, variant="default", source=source)
                for name in pool.following("text")
            ]
        )


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    registry = Registry(Kitchen())
    monkeypatch.setattr(opening, "_load_registered", registry.load)
    monkeypatch.setattr(opening, "_import_backend", lambda _: None)
    yield registry
    assert registry.kitchen.machine.alive == []


def served(pool: Pool, name: str = "search") -> tuple[float, str | None]:
    answer = pool.call(name, "encode", ["x"])
    return float(answer.value[0][0]), answer.version.reference.partition("@")[2] or None


def test_a_name_serves_the_active_version_and_says_which(registry: Registry) -> None:
    registry.active = registry.version(1)
    with registry.pool() as pool:
        assert served(pool) == (1.0, "model/v1")
        answer = pool.call("search", "encode", ["x"])
        assert answer.version.reference == "registry:text@model/v1"
        assert pool.following("text") == ("search",)
        assert pool.following("image") == ()


def test_without_an_active_version_the_call_says_what_to_do(registry: Registry) -> None:
    with registry.pool() as pool:
        with pytest.raises(PoolError, match="registry activate text"):
            pool.call("search", "encode", ["x"])
        registry.active = registry.version(1)
        assert pool.refresh("text").changed == ("search",)
        assert served(pool) == (1.0, "model/v1")


def test_without_a_registry_the_deployment_is_refused(registry: Registry) -> None:
    with pytest.raises(PoolError, match="start the server with --database"):
        registry.kitchen.pool(registry.spec())


def test_a_switch_of_the_registry_is_followed_without_a_gap(registry: Registry) -> None:
    registry.active = registry.version(1)
    with registry.pool(registry.spec(), registry.kitchen.spec("a")) as pool:
        lease = pool.acquire("search")
        pool.call("a", "encode", ["x"])
        registry.active = registry.version(2)
        assert pool.refresh("text").swapped == ("search",)
        assert served(pool) == (2.0, "model/v2")
        assert lease.model.encode(["x"])[0, 0] == 1
        lease.end()
        assert pool.refresh("text").swapped == ()
        assert pool.metrics.value("loads", "a") == 1


def test_other_vectors_are_the_registrys_decision_but_not_beside_a_variant(
    registry: Registry,
) -> None:
    registry.active = registry.version(1)
    registry.orders["2"] = {"fingerprint": "another"}
    both = (
        VariantSpec(name="fixed", weight=0.5, source=registry.kitchen.source("a")),
        VariantSpec(name="live", weight=0.5, source=RegistrySource(kind="text")),
    )
    with registry.pool(registry.spec(), registry.spec("mixed", variants=both)) as pool:
        assert served(pool) == (1.0, "model/v1")
        pool.load("mixed")
        registry.active = registry.version(2, fingerprint="another")
        applied = pool.refresh("text")
        assert applied.swapped == ("search",)
        assert "fingerprint" in applied.failed["mixed"]
        assert served(pool) == (2.0, "model/v2")


def test_a_version_that_is_not_what_was_registered_never_serves(registry: Registry) -> None:
    registry.active = registry.version(1)
    with registry.pool() as pool:
        served(pool)
        with pytest.raises(ContradictionError, match="was registered with the first"):
            registry.prepare(pool, registry.version(2, fingerprint="what was measured"))
        assert served(pool) == (1.0, "model/v1")
        # The failure has let go of the pool.
        assert pool.refresh().swapped == ()


def test_options_of_the_version_are_used_and_must_not_contradict(registry: Registry) -> None:
    registry.active = registry.version(
        1, options={"dtype": "float16", "dim": 2, "max_length": None}
    )
    with registry.pool() as pool:
        served(pool)
        options = registry.options[-1]
        assert (options["dim"], options["dtype"], options["max_length"]) == (2, "float16", None)
    with pytest.raises(ContradictionError, match="leave dtype out of the deployment"):
        registry.pool(registry.spec(variants=(registry.variant(dtype="bfloat16"),)))
    registry.active = registry.version(1, options={"trust_remote_code": True})
    with pytest.raises(PoolError, match="trust_remote_code: true"):
        registry.pool()


def test_a_prepared_version_switches_at_the_word(registry: Registry) -> None:
    registry.active = registry.version(1)
    with registry.pool(registry.spec("one"), registry.spec("two"), registry.spec("cold")) as pool:
        served(pool, "one"), served(pool, "two")
        second = registry.version(2)
        with registry.prepare(pool, second) as prepared:
            assert served(pool, "one") == (1.0, "model/v1")
            assert [one.version.name for one in prepared.generations] == ["one", "two", "cold"]
            registry.active = second
            prepared.commit()
        assert [served(pool, name)[0] for name in ("one", "two", "cold")] == [2.0] * 3
        assert pool.metrics.value("swaps") == 2
        with pytest.raises(InvalidArgumentError, match="is over"):
            prepared.commit()
        # What the registry says now is what serves.
        assert pool.refresh("text").swapped == ()
        assert pool.metrics.value("loads") == 5


def test_a_prepared_version_that_is_not_wanted_leaves_nothing(registry: Registry) -> None:
    registry.active = registry.version(1)
    with registry.pool() as pool:
        served(pool)
        with registry.prepare(pool, registry.version(2)):
            assert len(registry.kitchen.machine.alive) == 2
        assert served(pool) == (1.0, "model/v1")
        engine: Any = pool._engine
        engine.settle()
        assert [model.number for model in registry.kitchen.machine.alive] == [1]


def test_a_version_that_cannot_be_loaded_changes_nothing(registry: Registry) -> None:
    registry.active = registry.version(1)
    registry.orders["2"] = {"fingerprint": "nobody knows"}
    with registry.pool(registry.spec("one"), registry.spec("two")) as pool:
        served(pool, "one"), served(pool, "two")
        with pytest.raises(ContradictionError):
            registry.prepare(pool, registry.version(2))
        assert served(pool, "one") == served(pool, "two") == (1.0, "model/v1")


def test_a_replacement_of_an_unknown_variant_is_refused_with_the_known_ones(
    registry: Registry,
) -> None:
    registry.active = registry.version(1)
    with registry.pool() as pool:
        served(pool)
        other = Replacement(name="search", variant="v2", source=RegistrySource(kind="text"))
        with pytest.raises(UnknownNameError, match=r"no variant of 'search'.*'default'"):
            pool.prepare([other])
        # Nothing is held up by that.
        assert pool.refresh("text").swapped == ()


def test_replacing_serves_at_once_and_discarding_brings_the_old_back(registry: Registry) -> None:
    registry.active = registry.version(1)
    with registry.pool(swap="replace") as pool:
        served(pool)
        with registry.prepare(pool, registry.version(2)):
            assert served(pool) == (2.0, "model/v2")
        assert served(pool) == (1.0, "model/v1")
        with registry.prepare(pool, registry.version(2)) as prepared:
            assert [one.version.number for one in prepared.generations] == [4]
            prepared.commit()
        assert served(pool) == (2.0, "model/v2")


def test_a_deployment_waits_for_the_end_of_a_prepared_switch(registry: Registry) -> None:
    registry.active = registry.version(1)
    with registry.pool() as pool:
        served(pool)
        second = registry.version(2)
        prepared = registry.prepare(pool, second)
        done = Event()

        def refresh() -> None:
            pool.refresh("text")
            done.set()

        other = Thread(target=refresh)
        other.start()
        assert not done.wait(0.05)
        registry.active = second
        prepared.commit()
        other.join(30)
        assert done.is_set()
        assert served(pool) == (2.0, "model/v2")
        assert pool.metrics.value("loads") == 2


def test_a_switch_of_a_pool_that_has_been_closed_changes_nothing(registry: Registry) -> None:
    registry.active = registry.version(1)
    pool = registry.pool()
    served(pool)
    prepared = registry.prepare(pool, registry.version(2))
    assert pool.close()
    with pytest.raises(PoolClosedError):
        prepared.commit()


def test_the_same_files_under_another_name_answer_under_that_name(registry: Registry) -> None:
    registry.active = registry.version(1)
    with registry.pool() as pool:
        assert served(pool) == (1.0, "model/v1")
        registry.active = registry.version(1, name="model/final")
        pool.refresh("text")
        assert served(pool) == (1.0, "model/final")


def test_a_plan_of_a_version_counts_it_beside_the_one_that_serves(registry: Registry) -> None:
    registry.active = registry.version(1)
    registry.kitchen.machine.total_bytes = 30
    with registry.pool(registry.spec(), registry.kitchen.spec("a", memory_bytes=15)) as pool:
        served(pool)
        pool.call("a", "encode", ["x"])
        registry.version(2)
        plan = pool.plan("search", RegistrySource(kind="text", version="model/v2"))
        assert (plan.fits, plan.would_unload) == ("after_unloading", ("a",))
        assert (plan.need_bytes, plan.free_bytes) == (10, 5)
        assert len(registry.kitchen.machine.alive) == 2
