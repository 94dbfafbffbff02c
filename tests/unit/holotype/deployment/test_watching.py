"""A watch notices what changes, whatever way it changes, and outlives what goes wrong."""

from __future__ import annotations

import importlib
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.unit.holotype.deployment.made import one

from holotype.deployment.last_good import LastGood
from holotype.deployment.problems import DeploymentError
from holotype.deployment.reading import Document
from holotype.deployment.snapshots import (
    DeploymentSource,
    DeploymentSourceError,
    Snapshot,
    snapshot,
)
from holotype.deployment.sources import Loaded, open_source
from holotype.deployment.watching import Watch, look_again_on_hangup
from holotype.errors import HolotypeError, MissingExtraError

SOON_S = 30.0
"""How long a test waits for what must happen; it goes on at once when it does."""
NEVER_S = 3_600.0


def text(name: str) -> str:
    return one(f"source: 's3://bucket/{name}'")


class Seen:
    """What a watch has told, in order."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.changes: queue.Queue[Loaded] = queue.Queue()
        self.failures: queue.Queue[Exception] = queue.Queue()

    def next_change(self) -> str:
        """The prefix that the next deployment's only model has."""
        (model,) = self.changes.get(timeout=SOON_S).deployment.models
        return str(getattr(model.variants[0].source, "ref", "")).rpartition("/")[2]

    def next_failure(self) -> str:
        return str(self.failures.get(timeout=SOON_S))

    @property
    def is_quiet(self) -> bool:
        return self.changes.empty() and self.failures.empty()


class Store:
    """A source without a folder, whose answers the test decides."""

    location = "store:/a"
    folder = None

    def __init__(self, *answers: str | HolotypeError) -> None:
        """Keep the answers."""
        self.answers = list(answers)
        self.n_fetched = 0
        self.fetched = threading.Semaphore(0)

    def fetch(self) -> Snapshot:
        """Return the next answer; the last one stays."""
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.n_fetched += 1
        self.fetched.release()
        if isinstance(answer, HolotypeError):
            raise answer
        return snapshot([Document(name="a", text=answer)])

    def wait(self, number: int = 1) -> None:
        """Wait until it was asked so often."""
        for _ in range(number):
            assert self.fetched.acquire(timeout=SOON_S)


@contextmanager
def watching(
    source: DeploymentSource | Path,
    *,
    poll_s: float = NEVER_S,
    settle_s: float = 0.05,
    **options: Any,
) -> Iterator[tuple[Watch, Seen]]:
    """A watch that has told what was there at its start."""
    seen = Seen()
    opened = open_source(source) if isinstance(source, Path) else source
    watch = Watch(
        opened,
        options.pop("on_change", seen.changes.put),
        seen.failures.put,
        poll_s=poll_s,
        settle_s=settle_s,
        **options,
    )
    with watch:
        yield watch, seen


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "conf"
    folder.mkdir()
    (folder / "d.yaml").write_text(text("v0"))
    return folder / "d.yaml"


def test_a_watch_begins_with_what_is_there(file: Path) -> None:
    with watching(file) as (watch, seen):
        assert seen.next_change() == "v0"
    assert watch.last_success_at is not None
    assert seen.is_quiet


def test_a_watch_does_not_tell_what_runs_already(file: Path) -> None:
    digest = open_source(file).fetch().digest
    with watching(file, current=digest) as (watch, seen):
        file.write_text(text("v1"))
        assert seen.next_change() == "v1"
        watch.look_again()
    assert seen.is_quiet


def test_a_file_that_is_written_anew_is_noticed(file: Path) -> None:
    with watching(file) as (_, seen):
        for name in ("v0", "v1", "v2"):
            file.write_text(text(name))
            assert seen.next_change() == name


def test_a_file_that_another_one_replaces_is_noticed_again_and_again(file: Path) -> None:
    with watching(file) as (_, seen):
        assert seen.next_change() == "v0"
        for name in ("v1", "v2", "v3"):
            other = file.with_name(f"{name}.tmp")
            other.write_text(text(name))
            other.replace(file)
            assert seen.next_change() == name


@pytest.fixture
def config_map(tmp_path: Path) -> Callable[[str], Path]:
    """Write a ConfigMap as Kubernetes does: a new folder, then a link to it that is renamed."""
    volume = tmp_path / "volume"
    volume.mkdir()
    versions: list[Path] = []

    def write(content: str) -> Path:
        folder = volume / f"..2026_{len(versions)}"
        folder.mkdir()
        (folder / "d.yaml").write_text(content)
        (volume / "..data_tmp").symlink_to(folder.name)
        (volume / "..data_tmp").rename(volume / "..data")
        file = volume / "d.yaml"
        if not versions:
            file.symlink_to("..data/d.yaml")
        for old in versions[-1:]:
            (old / "d.yaml").unlink()
            old.rmdir()
        versions.append(folder)
        return file

    return write


@pytest.mark.parametrize("what", ["the file", "the folder"])
def test_every_swap_of_a_config_map_is_noticed_once(
    config_map: Callable[[str], Path], what: str
) -> None:
    file = config_map(text("v0"))
    with watching(file if what == "the file" else file.parent) as (_, seen):
        assert seen.next_change() == "v0"
        for number in range(1, 6):
            config_map(text(f"v{number}"))
            assert seen.next_change() == f"v{number}"
    assert seen.is_quiet


def test_a_file_that_is_written_byte_by_byte_is_read_once_it_is_whole(file: Path) -> None:
    whole = text("v1") + "".join(f"  m{n}: {{source: 's3://bucket/x{n}'}}\n" for n in range(4))
    pace = threading.Event()
    with watching(file, settle_s=1.0) as (_, seen):
        assert seen.next_change() == "v0"
        with file.open("wb", buffering=0) as stream:
            for byte in whole.encode():
                stream.write(bytes([byte]))
                # The writer is slow; whatever is half of a file is there for a while.
                pace.wait(0.005)
        loaded = seen.changes.get(timeout=SOON_S)
    assert len(loaded.deployment.models) == 5
    assert seen.is_quiet


def test_files_that_come_and_go_in_a_folder_are_noticed(file: Path) -> None:
    with watching(file.parent) as (_, seen):
        assert seen.next_change() == "v0"
        other = file.with_name("e.yaml")
        other.write_text(one("source: 's3://bucket/x'").replace("m:", "n:"))
        assert seen.changes.get(timeout=SOON_S).deployment.names == ("m", "n")
        other.unlink()
        assert seen.next_change() == "v0"


def test_another_folder_of_the_same_name_is_watched_on(file: Path) -> None:
    with watching(file) as (_, seen):
        assert seen.next_change() == "v0"
        for name in ("v1", "v2"):
            new = file.parent.with_name("new")
            new.mkdir()
            (new / "d.yaml").write_text(text(name))
            file.parent.rename(file.parent.with_name(f"old-{name}"))
            new.rename(file.parent)
            assert seen.next_change() == name
        file.write_text(text("v3"))
        assert seen.next_change() == "v3"


def test_a_folder_that_is_gone_is_watched_when_it_is_back(file: Path) -> None:
    with watching(file) as (watch, seen):
        assert seen.next_change() == "v0"
        away = file.parent.rename(file.parent.with_name("away"))
        watch.look_again()
        assert "does not exist" in seen.next_failure()
        (away / "d.yaml").write_text(text("v1"))
        away.rename(file.parent)
        assert seen.next_change() == "v1"
        file.write_text(text("v2"))
        assert seen.next_change() == "v2"


def test_a_wrong_file_is_told_once_and_the_next_right_one_is_taken(file: Path) -> None:
    with watching(file) as (_, seen):
        assert seen.next_change() == "v0"
        file.write_text("models: 5")
        assert '"models" is the number 5' in seen.next_failure()
        file.write_text(text("v1"))
        assert seen.next_change() == "v1"
    assert seen.is_quiet


def test_a_file_that_is_gone_is_told_and_awaited(file: Path) -> None:
    with watching(file) as (_, seen):
        assert seen.next_change() == "v0"
        file.unlink()
        assert "does not exist" in seen.next_failure()
        file.write_text(text("v1"))
        assert seen.next_change() == "v1"


def test_a_store_is_asked_again_and_again() -> None:
    store = Store(text("v0"), text("v0"), text("v1"), text("v2"))
    with watching(store, poll_s=0.01) as (_, seen):
        assert [seen.next_change() for _ in range(3)] == ["v0", "v1", "v2"]
        store.wait(8)
    assert seen.is_quiet


def test_a_store_that_fails_is_told_once_until_it_answers() -> None:
    down = DeploymentSourceError("store:/a", "does not answer")
    store = Store(text("v0"), down, down, down, text("v0"), down, text("v1"))
    with watching(store, poll_s=0.01) as (_, seen):
        assert [seen.next_change() for _ in range(2)] == ["v0", "v1"]
        store.wait(8)
    assert [seen.next_failure() for _ in range(2)] == ["store:/a: does not answer"] * 2
    assert seen.is_quiet


def test_a_wrong_deployment_of_a_store_is_told_once_and_keeps_the_good_copy(tmp_path: Path) -> None:
    store = Store(text("v0"), "models: 5")
    kept = LastGood(tmp_path)
    with watching(store, poll_s=0.01, last_good=kept) as (watch, seen):
        assert seen.next_change() == "v0"
        assert isinstance(seen.failures.get(timeout=SOON_S), DeploymentError)
        succeeded_at = watch.last_success_at
        store.wait(8)
        assert watch.last_success_at == succeeded_at
    assert seen.is_quiet
    copy = kept.read(store)
    assert copy is not None
    assert copy[0].documents[0].text == text("v0")


def test_what_could_not_be_applied_is_tried_again_when_somebody_asks() -> None:
    applied: queue.Queue[str] = queue.Queue()
    failures = [HolotypeError("no memory"), HolotypeError("no memory")]

    def apply(loaded: Loaded) -> None:
        if failures:
            raise failures.pop()
        applied.put(loaded.digest)

    store = Store(text("v0"))
    with watching(store, poll_s=0.01, on_change=apply) as (watch, seen):
        assert seen.next_failure() == "no memory"
        # Polls alone do not try again: loading costs.
        store.wait(8)
        assert len(failures) == 1
        watch.look_again()
        assert seen.next_failure() == "no memory"
        watch.look_again()
        assert applied.get(timeout=SOON_S)


def test_who_asks_also_asks_for_what_the_same_text_names() -> None:
    told, failures = queue.Queue[int](), [ValueError("the alias is gone")]

    def on_same() -> None:
        told.put(len(failures))
        if failures:
            raise failures.pop()

    store = Store(text("v0"))
    with watching(store, poll_s=0.01, on_same=on_same) as (watch, seen):
        assert seen.next_change() == "v0"
        # Polls do not ask for that.
        store.wait(8)
        assert told.empty()
        watch.look_again()
        assert told.get(timeout=SOON_S) == 1
        assert seen.next_failure() == "the alias is gone"
        watch.look_again()
        assert told.get(timeout=SOON_S) == 0
    assert seen.is_quiet


def test_changes_during_a_call_are_one_change_the_newest(file: Path) -> None:
    entered, leave = threading.Event(), threading.Event()
    seen = Seen()

    def apply(loaded: Loaded) -> None:
        seen.changes.put(loaded)
        entered.set()
        assert leave.wait(timeout=SOON_S)

    with watching(file, on_change=apply) as (watch, _):
        assert entered.wait(timeout=SOON_S)
        for number in range(1, 6):
            file.write_text(text(f"v{number}"))
            watch.look_again()
        leave.set()
        assert [seen.next_change() for _ in range(2)] == ["v0", "v5"]
    assert seen.is_quiet


def test_a_watch_outlives_a_caller_that_cannot_take_failures() -> None:
    store = Store("models: 5", text("v0"))
    seen = Seen()

    def refuse(error: Exception) -> None:
        seen.failures.put(error)
        raise RuntimeError("broken")

    with Watch(store, seen.changes.put, refuse, poll_s=0.01):
        assert "models" in seen.next_failure()
        assert seen.next_change() == "v0"


def test_a_watch_ends_at_once_and_may_be_ended_by_its_own_call() -> None:
    watches: list[Watch] = []
    ended = threading.Event()

    def end(loaded: Loaded) -> None:
        watches[0].stop()
        ended.set()

    store = Store(text("v0"))
    watches.append(Watch(store, end, lambda _: None))
    watches[0].start()
    assert ended.wait(timeout=SOON_S)
    with watching(Store(text("v0"))) as (watch, seen):
        assert seen.next_change() == "v0"
        watch.stop()
        watch.look_again()
    assert seen.is_quiet


def test_a_folder_that_cannot_be_watched_is_polled(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def refuse(*_: object, **__: object) -> Iterator[Any]:
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr(importlib.import_module("watchfiles"), "watch", refuse)
    with watching(file, poll_s=0.01) as (_, seen):
        assert seen.next_change() == "v0"
        file.write_text(text("v1"))
        assert seen.next_change() == "v1"
    assert "cannot be watched, only polled" in caplog.text


@pytest.fixture
def hangup() -> Iterator[list[int]]:
    """What an earlier handler of SIGHUP got; afterwards, the signal is as it was."""
    got: list[int] = []
    before = signal.signal(signal.SIGHUP, lambda number, _: got.append(number))
    yield got
    signal.signal(signal.SIGHUP, before)


def test_a_hangup_makes_a_watch_look_again(hangup: list[int]) -> None:
    store = Store(text("v0"), text("v1"))
    earlier = signal.getsignal(signal.SIGHUP)
    with watching(store) as (watch, seen):
        assert seen.next_change() == "v0"
        restore = look_again_on_hangup(watch)
        os.kill(os.getpid(), signal.SIGHUP)
        assert seen.next_change() == "v1"
        assert hangup == [signal.SIGHUP]
        restore()
    assert signal.getsignal(signal.SIGHUP) is earlier


def test_a_hangup_is_for_systems_that_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(signal, "SIGHUP")
    with pytest.raises(ValueError, match=r"call look_again\(\)"):
        look_again_on_hangup(Watch(Store(text("v0")), lambda _: None, lambda _: None))


def test_without_watchfiles_the_error_says_what_to_install(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str) -> Any:
        raise ModuleNotFoundError(name=name)

    watch = Watch(open_source(file), lambda _: None, lambda _: None)
    monkeypatch.setattr(importlib, "import_module", refuse)
    with pytest.raises(MissingExtraError, match=r"pip install 'holotype\[pool\]'"):
        watch.start()
