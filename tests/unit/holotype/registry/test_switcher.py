"""A switch where models run: checked, loaded, recorded, or nothing at all."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.unit.holotype.registry.loadable import make_classifier

from holotype.errors import DifferentVectorsError
from holotype.registry import (
    Activation,
    DatabaseUnavailableError,
    LoadedVersion,
    MemoryPlan,
    ModelRegistry,
    ModelSwitcher,
    ModelValidator,
    ModelVersion,
    RequestReusedError,
    StaleGenerationError,
    Step,
    SwitchFailedError,
    VersionNotFoundError,
    VersionRejectedError,
)
from holotype.registry.checks import last_checks
from holotype.registry.resolving import load_version

KIND = "text_embedding"
FITS = MemoryPlan(fits="now", need_bytes=1, free_bytes=2)


@dataclass
class Shelf:
    """What serves, in the place of a pool: one model under one name.

    Attributes:
        fails: what a step raises, by the name of the step.
        serves: the version that serves.
        n_open: how many models are open.
        memory: what a plan says of memory.
        n_loads: how many were loaded.
    """

    fails: dict[str, Exception] = field(default_factory=dict)
    serves: ModelVersion | None = None
    memory: MemoryPlan = FITS
    n_open: int = 0
    n_loads: int = 0

    def followers(self, kind: str) -> Sequence[str]:
        return ("search",) if kind == KIND else ()

    def plan_memory(self, version: ModelVersion) -> MemoryPlan | None:
        return self.memory

    def serves_version(self, version: ModelVersion) -> bool:
        return self.serves == version

    def prepare(self, version: ModelVersion) -> Beside:
        if "load" in self.fails:
            raise self.fails["load"]
        return Beside(self, version)


class Beside:
    """A version that waits beside what serves."""

    def __init__(self, shelf: Shelf, version: ModelVersion) -> None:
        """Load it."""
        began_s = time.perf_counter()
        self._shelf, self._version = shelf, version
        self._model = load_version(version, device="cpu")
        self._load_s = time.perf_counter() - began_s
        shelf.n_open += 1
        shelf.n_loads += 1

    @property
    def loaded(self) -> Sequence[LoadedVersion]:
        one = LoadedVersion(model=self._model, load_s=self._load_s, memory_bytes=7)
        return (one,)

    def commit(self, activation: Activation) -> None:
        assert activation.version == self._version
        if "switch" in self._shelf.fails:
            self.discard()
            raise self._shelf.fails["switch"]
        self._shelf.n_open -= self._shelf.serves is not None
        self._shelf.serves = self._version

    def discard(self) -> None:
        self._model.close()
        self._shelf.n_open -= 1


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def switcher(registry: ModelRegistry, shelf: Shelf, loadable: Path) -> ModelSwitcher:
    """A switcher of a registry with the loadable versions."""
    for name in ("v1", "v2", "v3", "other", "wide"):
        registry.register(KIND, name, loadable / name, actor="alice")
    return ModelSwitcher(registry, serving=shelf)


def serves(shelf: Shelf) -> str | None:
    return None if shelf.serves is None else shelf.serves.version_id


def active(registry: ModelRegistry) -> tuple[int, str] | None:
    found = registry.active(KIND)
    return None if found is None else (found.generation, found.version.version_id)


def test_a_version_is_loaded_checked_recorded_and_takes_over(
    switcher: ModelSwitcher, registry: ModelRegistry, shelf: Shelf
) -> None:
    steps: list[Step] = []
    done = switcher.switch(KIND, "v1", actor="alice", reason="first", on_step=steps.append)
    assert (done.generation, done.version.version_id, done.reason) == (1, "v1", "first")
    assert registry.active(KIND) == done
    assert (serves(shelf), shelf.n_open) == ("v1", 1)
    names = ("load", "check", "record", "switch")
    states = ("running", "succeeded")
    assert [(each.name, each.state) for each in steps] == [(n, s) for n in names for s in states]
    check = last_checks(registry.database, [done.version.id])[done.version.id]
    assert check.outcome == "passed"
    assert [each.name for each in check.checks] == [
        *("files", "load", "type", "memory", "dimension", "fingerprint", "probe"),
    ]
    facts = check.facts
    assert (facts["dim"], facts["memory_bytes"], facts["type"]) == (16, 7, "dense")
    assert facts["fingerprint"] == done.version.fingerprint
    assert facts["probe_ms"] > 0


def test_a_rollback_loads_the_version_before(
    switcher: ModelSwitcher, registry: ModelRegistry, shelf: Shelf
) -> None:
    for name in ("v1", "v2"):
        switcher.switch(KIND, name, actor="alice")
    done = switcher.rollback(KIND, actor="bob", reason="slow", expected_generation=2)
    assert (done.generation, done.action, done.version.version_id) == (3, "rollback", "v1")
    assert (serves(shelf), shelf.n_open, active(registry)) == ("v1", 1, (3, "v1"))
    with pytest.raises(VersionNotFoundError, match="no version before"):
        switcher.rollback(KIND, actor="bob")


@pytest.mark.parametrize("version", ["other", "wide"])
def test_other_vectors_are_refused_before_anything_is_loaded(
    switcher: ModelSwitcher, registry: ModelRegistry, shelf: Shelf, version: str
) -> None:
    switcher.switch(KIND, "v1", actor="alice")
    with pytest.raises(DifferentVectorsError):
        switcher.switch(KIND, version, actor="alice")
    assert (shelf.n_loads, serves(shelf), active(registry)) == (1, "v1", (1, "v1"))
    done = switcher.switch(KIND, version, actor="alice", allow_different_vectors=True)
    assert done.new_vector_space
    assert serves(shelf) == version


def damage(folder: Path) -> None:
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)


def test_files_that_changed_are_refused_and_nothing_changes(
    registry: ModelRegistry, switcher: ModelSwitcher, shelf: Shelf, loadable: Path
) -> None:
    switcher.switch(KIND, "v1", actor="alice")
    damage(loadable / "v2")
    alone = ModelSwitcher(registry)
    with pytest.raises(VersionRejectedError, match=r"files: .*model.safetensors") as caught:
        alone.switch(KIND, "v2", actor="alice")
    assert [name for name, _ in caught.value.problems] == ["files"]
    assert active(registry) == (1, "v1")
    version = registry.get(KIND, "v2")
    check = last_checks(registry.database, [version.id])[version.id]
    assert (check.outcome, [each.name for each in check.problems]) == ("failed", ["files"])


class Broken:
    """A model that is not what was registered."""

    device, dtype, dim, memory_bytes = "cpu", "float32", 16, 8
    fingerprint = "sha256:" + "0" * 64

    def __init__(self, record: Any) -> None:
        """Take the record of a real one."""
        self.record = record

    def encode_query(self, texts: list[str], **_: Any) -> Any:
        import numpy as np

        return np.full((len(texts), self.dim), np.nan, dtype=np.float32)


def test_every_check_that_fails_is_named(registry: ModelRegistry, loadable: Path) -> None:
    version = registry.register(KIND, "v1", loadable / "v1", actor="alice")
    with load_version(version, device="cpu") as model:
        loaded = LoadedVersion(model=Broken(model.record), load_s=0.1, memory_bytes=8)
    check = ModelValidator(registry).validate(version, loaded=loaded)
    assert [each.name for each in check.problems] == ["fingerprint", "probe"]
    assert "NaN" in check.problems[1].message
    assert last_checks(registry.database, [version.id]) == {version.id: check}


def test_what_cannot_be_loaded_changes_nothing(
    switcher: ModelSwitcher, registry: ModelRegistry, shelf: Shelf
) -> None:
    switcher.switch(KIND, "v1", actor="alice")
    shelf.fails["load"] = MemoryError("no room")
    steps: list[Step] = []
    with pytest.raises(MemoryError):
        switcher.switch(KIND, "v2", actor="alice", on_step=steps.append)
    assert [(each.name, each.state) for each in steps][-1] == ("load", "failed")
    assert steps[-1].message == "no room"
    assert (serves(shelf), active(registry), shelf.n_open) == ("v1", (1, "v1"), 1)


def test_a_version_that_is_loaded_is_closed_if_it_cannot_be_recorded(
    switcher: ModelSwitcher,
    registry: ModelRegistry,
    shelf: Shelf,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    switcher.switch(KIND, "v1", actor="alice")

    def refuse(*_: object, **__: object) -> Activation:
        raise DatabaseUnavailableError("db", "does not answer")

    monkeypatch.setattr(registry, "activate", refuse)
    with pytest.raises(DatabaseUnavailableError):
        switcher.switch(KIND, "v2", actor="alice")
    assert (serves(shelf), active(registry), shelf.n_open) == ("v1", (1, "v1"), 1)


@pytest.mark.parametrize("back", [False, True])
def test_a_record_is_undone_if_the_version_does_not_take_over(
    switcher: ModelSwitcher, registry: ModelRegistry, shelf: Shelf, back: bool
) -> None:
    for name in ("v1", "v2"):
        switcher.switch(KIND, name, actor="alice")
    shelf.fails["switch"] = RuntimeError("the pool is closed")
    with pytest.raises(SwitchFailedError, match=r"generation 3 .* the pool is closed") as caught:
        if back:
            switcher.rollback(KIND, actor="alice")
        else:
            switcher.switch(KIND, "v3", actor="alice")
    assert caught.value.undone
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert (serves(shelf), active(registry), shelf.n_open) == ("v2", (4, "v2"), 1)
    _, target = registry.rollback_target(KIND)
    assert target.version.version_id == "v1"


def test_an_undo_that_fails_says_what_is_active_and_what_serves(
    switcher: ModelSwitcher,
    registry: ModelRegistry,
    shelf: Shelf,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    switcher.switch(KIND, "v1", actor="alice")
    shelf.fails["switch"] = RuntimeError("the pool is closed")

    def refuse(*_: object, **__: object) -> Activation:
        raise DatabaseUnavailableError("db", "does not answer")

    monkeypatch.setattr(registry, "rollback", refuse)
    with pytest.raises(
        SwitchFailedError, match=r"could not be undone either: .*v1 goes on"
    ) as error:
        switcher.switch(KIND, "v2", actor="alice")
    assert not error.value.undone
    assert (serves(shelf), active(registry)) == ("v1", (2, "v2"))


def test_the_first_version_has_nothing_to_return_to(
    switcher: ModelSwitcher, registry: ModelRegistry, shelf: Shelf
) -> None:
    shelf.fails["switch"] = RuntimeError("the pool is closed")
    with pytest.raises(SwitchFailedError, match="no version was active before") as caught:
        switcher.switch(KIND, "v1", actor="alice")
    assert not caught.value.undone
    assert active(registry) == (1, "v1")


def test_the_same_request_again_loads_nothing_and_is_the_same_activation(
    switcher: ModelSwitcher, shelf: Shelf
) -> None:
    first = switcher.switch(KIND, "v1", actor="alice", request_id="r1")
    switcher.switch(KIND, "v2", actor="bob")
    assert switcher.switch(KIND, "v1", actor="alice", request_id="r1") == first
    assert (shelf.n_loads, serves(shelf)) == (2, "v2")
    back = switcher.rollback(KIND, actor="bob", request_id="r2")
    assert switcher.rollback(KIND, actor="bob", request_id="r2") == back
    with pytest.raises(RequestReusedError):
        switcher.switch(KIND, "v3", actor="alice", request_id="r1")
    with pytest.raises(RequestReusedError):
        switcher.rollback(KIND, actor="alice", request_id="r1")


def test_what_is_active_and_serves_is_not_loaded_again(
    switcher: ModelSwitcher, registry: ModelRegistry, shelf: Shelf
) -> None:
    first = switcher.switch(KIND, "v1", actor="alice")
    steps: list[Step] = []
    assert switcher.switch(KIND, "v1", actor="bob", on_step=steps.append) == first
    assert steps[-1].message == "nothing has changed: generation 1 is tiny-dense/v1 already"
    assert (shelf.n_loads, active(registry)) == (1, (1, "v1"))
    with pytest.raises(StaleGenerationError):
        switcher.switch(KIND, "v1", actor="bob", expected_generation=0)
    # With an id it is recorded: only a record tells its repetition.
    again = switcher.switch(KIND, "v1", actor="bob", request_id="deploy-1")
    assert again.generation == 2


def test_what_is_active_and_does_not_serve_is_switched_to(
    switcher: ModelSwitcher, registry: ModelRegistry, shelf: Shelf
) -> None:
    switcher.switch(KIND, "v1", actor="alice")
    registry.activate(KIND, "v2", actor="bob")
    assert serves(shelf) == "v1"
    switcher.switch(KIND, "v2", actor="alice", reason="the pool had no memory")
    assert serves(shelf) == "v2"


def test_of_two_operators_at_once_one_is_told_of_the_other(
    registry: ModelRegistry, loadable: Path
) -> None:
    """Both have loaded their versions before either is recorded, on servers of their own."""
    for name in ("v1", "v2", "v3"):
        registry.register(KIND, name, loadable / name, actor="alice")
    go = threading.Barrier(2)

    class Together(ModelValidator):
        def validate(self, *arguments: Any, **options: Any) -> Any:
            check = super().validate(*arguments, **options)
            go.wait()
            return check

    shelves = [Shelf(), Shelf()]
    outcomes: list[object] = []

    def run(number: int, actor: str) -> None:
        switcher = ModelSwitcher(registry, serving=shelves[number], validator=Together(registry))
        try:
            outcomes.append(switcher.switch(KIND, f"v{number + 2}", actor=actor).actor)
        except StaleGenerationError as error:
            outcomes.append(error)

    threads = [threading.Thread(target=run, args=each) for each in ((0, "alice"), (1, "bob"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = (each for each in outcomes if isinstance(each, str))
    (refused,) = (each for each in outcomes if isinstance(each, StaleGenerationError))
    assert f"made by {winner!r}" in str(refused)
    assert [shelf.n_open for shelf in shelves] == ([1, 0] if winner == "alice" else [0, 1])
    assert len(registry.history(KIND)) == 1


def test_a_plan_says_what_a_switch_would_do_and_changes_nothing(
    switcher: ModelSwitcher, registry: ModelRegistry, shelf: Shelf, loadable: Path
) -> None:
    switcher.switch(KIND, "v1", actor="alice")
    shelf.memory = MemoryPlan(
        fits="after_unloading", need_bytes=9, free_bytes=3, would_unload=("other",)
    )
    plan = switcher.plan(KIND, "other", expected_generation=7)
    found = {each.name: each for each in plan.checks}
    assert {name: each.outcome for name, each in found.items()} == {
        "generation": "failed",
        "files": "passed",
        "vectors": "failed",
        "labels": "skipped",
        "memory": "passed",
        "last check": "skipped",
    }
    assert "made by 'alice'" in found["generation"].message
    assert "other would be unloaded" in found["memory"].message
    assert plan.current is not None
    assert (plan.current.version_id, plan.version.version_id) == ("v1", "other")
    assert (plan.different_vectors, plan.serving, plan.memory) == (True, ("search",), shelf.memory)
    assert plan.comparison is not None
    assert plan.comparison.metrics == ()
    assert (shelf.n_loads, active(registry)) == (1, (1, "v1"))
    allowed = switcher.plan(KIND, "wide", allow_different_vectors=True)
    vectors = next(each for each in allowed.checks if each.name == "vectors")
    assert vectors.outcome == "passed"
    assert "of 32 instead of 16 numbers" in vectors.message
    (loadable / "v3").rename(loadable / "elsewhere")
    shelf.memory = MemoryPlan(fits="never", need_bytes=9, free_bytes=3)
    missing = {each.name: each.outcome for each in switcher.plan(KIND, "v3").checks}
    assert (missing["files"], missing["memory"]) == ("failed", "failed")


def test_a_classifier_with_other_labels_is_refused_unless_that_is_meant(
    registry: ModelRegistry, tmp_path: Path
) -> None:
    for name, labels in (("v1", "no yes"), ("v2", "no yes"), ("v3", "bad good")):
        folder = make_classifier(tmp_path / name, labels.split(), seed=len(name + labels))
        registry.register("sentiment", name, folder, actor="alice")
    switcher = ModelSwitcher(registry)
    switcher.switch("sentiment", "v1", actor="alice")
    switcher.switch("sentiment", "v2", actor="alice")
    planned = next(e for e in switcher.plan("sentiment", "v3").checks if e.name == "labels")
    assert planned.outcome == "failed"
    assert "bad, good instead of no, yes" in planned.message
    with pytest.raises(VersionRejectedError, match="labels: bad, good instead of no, yes"):
        switcher.switch("sentiment", "v3", actor="alice")
    done = switcher.switch("sentiment", "v3", actor="alice", allow_different_vectors=True)
    assert done.version.version_id == "v3"
    assert last_checks(registry.database, [done.version.id])[done.version.id].facts["labels"] == [
        *("bad", "good"),
    ]
