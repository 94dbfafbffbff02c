"""Pools that are built step by step, from files and without any."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tests.golden import small_models as small

from holotype.deployment.document import (
    EnsembleSpec,
    MemberSpec,
    MemoryLimit,
    ModelSpec,
    PoolSettings,
)
from holotype.errors import HolotypeError, InvalidArgumentError, InvalidReferenceError
from holotype.pool import (
    Limits,
    ModelLoadError,
    Pool,
    PoolError,
    QueueFullError,
    Sizes,
    UnknownNameError,
)
from holotype.pool.opening import Opener

needs_reader = pytest.mark.skipif(
    find_spec("holotype.deployment.reading") is None, reason="there is no reader of files"
)
HERE = "tests.unit.holotype.pool.test_builder:Toy"


class Toy:
    """An encoder of text lengths."""

    dim, fingerprint, memory_bytes = 1, "toy", 0

    def __init__(self, scale: float = 1.0) -> None:
        """Remember the scale."""
        self.scale = scale

    def encode(self, sentences: list[str]) -> list[list[float]]:
        return [[self.scale * len(text)] for text in sentences]


def builder() -> Any:
    return Pool.builder().remember_sizes_in(Sizes(None))


def test_a_pool_of_classes_and_builtins_needs_no_file() -> None:
    made = builder().with_custom("toy", Toy, scale=2.0).with_builtin("pii", "pii")
    with made.preload("toy").pin("pii").build() as pool:
        pool.wait_until_ready(30)
        assert pool.encoder("toy").encode("abc").tolist() == [6]
        assert pool.classifier("pii").classify("a@example.org")[0].label == "email"
        assert [(one.name, one.pinned) for one in pool.status().models] == [
            ("toy", False),
            ("pii", True),
        ]
        assert repr(pool) == "Pool(toy, pii)"
        assert repr(pool.encoder("toy")) == "DenseHandle('toy')"


def test_what_is_preloaded_must_be_served() -> None:
    with pytest.raises(UnknownNameError, match="'tyo' is no model"):
        builder().with_custom("toy", Toy).preload("tyo").build()


def test_a_text_that_is_no_reference_is_refused_at_once() -> None:
    with pytest.raises(InvalidReferenceError):
        builder().with_model("m", "models/mine")


def test_fallbacks_ensembles_and_limits_can_be_given() -> None:
    members = (MemberSpec(name="one", weight=0.5), MemberSpec(name="two", weight=0.5))
    made = (
        builder()
        .with_custom("one", Toy, fallback=("two",))
        .with_custom("two", Toy, scale=3.0)
        .with_ensemble("both", EnsembleSpec(members=members))
        .with_settings(PoolSettings(memory=(MemoryLimit(n_bytes=10**9),)))
        .with_limits(Limits(queued_requests=0))
    )
    with made.build() as pool:
        assert pool.encoder("both").encode("ab").tolist() == [4]
        assert pool.status().ensembles == ("both",)
        assert pool.status().devices[0].budget_bytes == 10**9
        with pytest.raises(QueueFullError):
            pool.encoder("one").with_options(batched=True).encode("ab")


def test_names_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(PoolError, match="falls back to 'nobody'"):
        builder().with_custom("one", Toy, fallback=("nobody",)).build()


FILE = f"""
version: "1.0"
pool: {{memory: 1GiB, min_resident: 0s}}
models:
  toy: {{source: {{type: custom, factory: "{HERE}", options: {{scale: 2}}}}, preload: true}}
  pii: {{source: {{type: builtin, name: pii}}}}
"""


@needs_reader
def test_a_file_is_served_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "deployment.yaml"
    path.write_text(FILE)
    with Pool.from_file(path, allow={HERE}) as pool:
        assert pool.names == ("toy", "pii")
        assert pool.encoder("toy").encode("abc").tolist() == [6]
        path.write_text(FILE.replace("scale: 2", "scale: 5"))
        applied = pool.reload()
        assert applied.swapped == ("toy",)
        assert pool.encoder("toy").encode("abc").tolist() == [15]
        assert pool.status().devices[0].budget_bytes == 2**30
        path.write_text("models: [")
        with pytest.raises(HolotypeError):
            pool.reload()
        assert pool.encoder("toy").encode("abc").tolist() == [15]
        assert pool.events.last(kind="deployment_failed")


@needs_reader
def test_a_reload_says_which_models_cannot_be_loaded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "deployment.yaml"
    path.write_text(FILE)
    with Pool.from_file(path, allow={HERE}) as pool:
        path.write_text(f"{FILE}  gone: {{source: 'local:{tmp_path}/gone'}}\n")
        problem = f"local:{tmp_path}/gone: there is no such folder; no other place is tried"
        applied = pool.reload()
        assert (applied.added, applied.failed) == (("gone",), {})
        assert applied.missing == {"gone": problem}
        assert f"'gone' cannot be loaded until its files are there: {problem}" in caplog.text
        assert pool.events.last(kind="deployment_applied")[-1].values["missing"] == ("gone",)
        # It says so again as long as that is so.
        assert pool.reload().missing == {"gone": problem}
        with pytest.raises(ModelLoadError) as told:
            pool.encoder("gone").encode("a text")
        assert str(told.value) == f"'gone' could not be loaded from {problem}"
        (tmp_path / "gone").mkdir()
        assert pool.reload().missing == {}


@needs_reader
def test_a_file_cannot_allow_its_own_code(tmp_path: Path) -> None:
    path = tmp_path / "deployment.yaml"
    path.write_text(FILE)
    with pytest.raises(PoolError, match="A deployment cannot allow code itself"):
        Pool.from_file(path)


@needs_reader
def test_a_change_of_the_file_is_noticed_and_what_is_wrong_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "deployment.yaml"
    path.write_text(FILE)
    with Pool.from_file(path, allow={HERE}) as pool, pool.events.subscribe() as events:

        def wait_for(kind: str) -> Any:
            while (event := events.next(60)) is not None:
                if event.kind == kind:
                    return event
            pytest.fail(f"no {kind}")

        pool.watch()
        wait_for("deployment_applied")
        path.write_text(FILE.replace("pii:", "personal:"))
        assert wait_for("deployment_applied").values["added"] == ("personal",)
        path.write_text("models: [")
        wait_for("deployment_failed")
        assert pool.names == ("toy", "personal")
        path.write_text(FILE)
        assert wait_for("deployment_applied").values["added"] == ("pii",)


@needs_reader
def test_what_is_added_by_hand_comes_on_top_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "deployment.yaml"
    path.write_text(FILE)
    made = builder().with_file(path).allow(HERE).with_custom("mine", Toy)
    with made.build() as pool:
        assert pool.names == ("toy", "pii", "mine")
        pool.reload()
        assert pool.names == ("toy", "pii", "mine")
    made.with_spec(ModelSpec(name="toy"))
    with pytest.raises(PoolError, match="and was added by hand; rename one"):
        made.build()


def test_a_record_of_any_catalogue_is_served() -> None:
    own = replace(small.TINY_DENSE_V2, query_prompt="find: ")
    made = builder().with_model("a", small.TINY_DENSE_V2).with_model("b", own)
    named = builder().with_catalogue(small.CATALOGUE).with_model("a", "catalogue:tiny-dense-v2")
    with made.build() as pool, named.build() as other:
        a, b = (spec.variants[0].source.ref.record for spec in pool.deployment.models)
        assert (a, b) == (small.TINY_DENSE_V2, own)
        assert other.deployment.models[0] == pool.deployment.models[0]
        units = [
            Opener(sizes=Sizes(None)).unit(spec, spec.variants[0])
            for spec in pool.deployment.models
        ]
    assert units[0].identity != units[1].identity, "they have the same id and other prompts"


@needs_reader
def test_a_file_is_read_with_the_catalogue_again_and_again(tmp_path: Path) -> None:
    file = tmp_path / "d.yaml"
    file.write_text('version: "1.0"\nmodels: {a: {source: "catalogue:tiny-dense-v2"}}\n')
    with Pool.from_file(file, catalogue=small.CATALOGUE) as pool:
        source: Any = pool.deployment.models[0].variants[0].source
        assert source.ref.record is small.TINY_DENSE_V2
        assert not pool.reload().failed


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="expected a record, an id, a reference"):
        builder().with_model("a", 7)
