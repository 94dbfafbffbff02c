"""Several copies of one model: on which devices, who is called, and how they change together."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from tests.unit.holotype.pool.fakes import FakeModel
from tests.unit.holotype.pool.serving import Kitchen

from holotype.deployment.document import (
    BuiltinSource,
    InferenceSettings,
    ModelSpec,
    RegistrySource,
    VariantSpec,
)
from holotype.pool import (
    ContradictionError,
    ModelLoadError,
    Pool,
    PoolError,
    RegisteredModel,
    Sizes,
    opening,
)
from holotype.pool.opening import Opener
from holotype.references.ref import ModelRef


@pytest.fixture
def kitchen() -> Iterator[Kitchen]:
    kitchen = Kitchen()
    yield kitchen
    assert kitchen.machine.alive == []


def settle(pool: Pool) -> None:
    engine: Any = pool._engine
    engine.settle()


def loaded(pool: Pool) -> list[int]:
    return [one.copy for one in pool.status().of("a") if one.version is not None]


def test_another_copy_is_loaded_when_all_are_busy_and_calls_go_to_the_idlest(
    kitchen: Kitchen,
) -> None:
    with kitchen.pool(kitchen.spec("a", copies=3)) as pool:
        first = pool.acquire("a")
        assert loaded(pool) == [1]
        # It is answered by the busy one; meanwhile, another one is loaded.
        second = pool.acquire("a")
        assert second.version.copy == 1
        settle(pool)
        assert loaded(pool) == [1, 2]
        third = pool.acquire("a")
        assert third.version.copy == 2
        assert pool.call("a", "encode", ["x"]).version.copy == 2
        for lease in (first, second):
            lease.end()
        assert pool.call("a", "encode", ["x"]).version.copy == 1
        third.end()
        assert pool.status().of("a")[0].n_leases == 0


def test_preloading_loads_all_copies_and_each_is_counted(kitchen: Kitchen) -> None:
    with kitchen.pool(kitchen.spec("a", copies=3, preload=True)) as pool:
        pool.wait_until_ready(30)
        assert loaded(pool) == [1, 2, 3]
        (device,) = pool.status().devices
        assert device.held_bytes == 30
        pool.unload("a")
        settle(pool)
        assert loaded(pool) == []


def test_a_copy_for_which_there_is_no_room_is_not_tried_at_every_call(kitchen: Kitchen) -> None:
    kitchen.machine.total_bytes = 15
    with kitchen.pool(kitchen.spec("a", copies=2)) as pool:
        pool.acquire("a").end()
        pool.pin("a")
        with pool.acquire("a"):
            for _ in range(5):
                assert pool.call("a", "encode", ["x"]).version.copy == 1
                settle(pool)
            assert pool.metrics.value("load_failures") == 1
            kitchen.machine.now_s += 31
            pool.call("a", "encode", ["x"])
            settle(pool)
            assert pool.metrics.value("load_failures") == 2


def test_copies_swap_together_or_not_at_all(kitchen: Kitchen) -> None:
    with kitchen.pool(kitchen.spec("a", copies=2, preload=True)) as pool:
        pool.wait_until_ready(30)
        assert pool.swap("a", kitchen.source("b", 2)).number == 2
        assert [one.version.number for one in pool.status().of("a") if one.version] == [2, 2]
        kitchen.orders["c"] = {"fingerprint": "another"}
        with pytest.raises(ContradictionError):
            pool.swap("a", kitchen.source("c", 3))
        # Between them, copies may differ from each other no more than from what they were.
        pool.swap("a", kitchen.source("c", 3), allow_different_vectors=True)
        assert {one.version.fingerprint for one in pool.status().of("a") if one.version} == {
            "another"
        }


def test_copies_that_are_replaced_one_by_one_come_back_if_one_fails(kitchen: Kitchen) -> None:
    inner = kitchen.make

    def make(name: str, version: int = 1) -> FakeModel:
        if name == "b" and name in kitchen.made:
            raise OSError("damaged")
        return inner(name, version)

    kitchen.make = make  # type: ignore[method-assign]
    with kitchen.pool(kitchen.spec("a", copies=2, preload=True), swap="replace") as pool:
        pool.wait_until_ready(30)
        with pytest.raises(ModelLoadError, match="damaged"):
            pool.swap("a", kitchen.source("b", 2))
        pool.load("a")
        settle(pool)
        assert [model.number for model in kitchen.machine.alive] == [1, 1]


def test_a_deployment_adds_and_removes_copies(kitchen: Kitchen) -> None:
    with kitchen.pool(kitchen.spec("a", copies=2, preload=True)) as pool:
        pool.wait_until_ready(30)
        applied = pool.apply(kitchen.deployment(kitchen.spec("a", copies=3, preload=True)))
        assert (applied.changed, applied.swapped) == (("a",), ())
        pool.wait_until_ready(30)
        assert loaded(pool) == [1, 2, 3]
        pool.apply(kitchen.deployment(kitchen.spec("a", version=2, copies=1)))
        settle(pool)
        assert loaded(pool) == [1]
        assert [model.number for model in kitchen.machine.alive] == [2]
        assert pool.metrics.value("loads") == 4


def test_batches_run_on_as_many_copies_at_once(kitchen: Kitchen) -> None:
    with kitchen.pool(kitchen.spec("a", copies=2, preload=True)) as pool:
        pool.wait_until_ready(30)
        both = Barrier(2)
        for model in kitchen.machine.alive:
            inner = model.encode

            def encode(texts: Any, inner: Any = inner, **more: Any) -> Any:
                # Nobody goes on before both copies run.
                both.wait(30)
                return inner(texts, **more)

            model.encode = encode  # type: ignore[method-assign]
        with ThreadPoolExecutor(2) as threads:
            answers = list(
                threads.map(
                    lambda option: pool.call("a", "encode", "x", batched=True, prompt=option),
                    ("one", "two"),
                )
            )
        assert {answer.version.copy for answer in answers} == {1, 2}


def test_what_loads_no_weights_has_no_copies(kitchen: Kitchen) -> None:
    pii = VariantSpec(source=BuiltinSource(name="pii"))
    with pytest.raises(PoolError, match="leave copies out"):
        kitchen.pool(ModelSpec(name="pii", variants=(pii,), copies=2))


@pytest.mark.parametrize(
    ("device", "n_devices", "expected"),
    [
        ("cpu", 2, ["cpu"] * 3),
        ("cuda", 2, ["cuda:0", "cuda:1", "cuda:0"]),
        ("cuda", 4, ["cuda:0", "cuda:1", "cuda:2"]),
        ("cuda:1", 4, ["cuda:1"] * 3),
    ],
)
def test_copies_go_round_the_devices(
    device: str, n_devices: int, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_count_cuda", lambda: n_devices)
    version = RegisteredModel(
        name="m/v", digest="d", options={}, fetch=lambda: ModelRef(scheme="local", location="m")
    )
    opener = Opener(sizes=Sizes(None), registry=lambda _: version)
    inference = InferenceSettings(device=device)
    variant = VariantSpec(source=RegistrySource(kind="text"), inference=inference)
    spec = ModelSpec(name="a", variants=(variant,), copies=3)
    assert [opener.unit(spec, variant, number).device for number in (1, 2, 3)] == expected
