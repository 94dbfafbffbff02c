"""Good copies of deployments from stores are kept on disk."""

from __future__ import annotations

import errno
import importlib
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.unit.holotype.deployment.made import one

from holotype.deployment.files import FileSource
from holotype.deployment.last_good import LastGood
from holotype.deployment.problems import DeploymentError
from holotype.deployment.reading import Document
from holotype.deployment.snapshots import Snapshot, snapshot
from holotype.deployment.sources import keep_in, take
from holotype.errors import MissingExtraError

TEXT = one("source: 's3://bucket/prefix'")


@dataclass
class Store:
    """A source without a folder."""

    text: str = TEXT
    location: str = "store:/a"
    folder: None = None
    allow_code: bool = False
    asked: list[str] = field(default_factory=list)

    def fetch(self) -> Snapshot:
        self.asked.append(self.text)
        return snapshot([Document(name="a", text=self.text, allow_code=False)], "7")


def test_a_copy_has_its_texts_version_and_time(tmp_path: Path) -> None:
    store, kept = Store(), LastGood(tmp_path / "kept")
    loaded = take(store.location, store.fetch(), keep_in(store, kept))
    assert kept.read(store) == (store.fetch(), loaded.fetched_at)


def test_a_copy_is_for_its_user_only(tmp_path: Path) -> None:
    store = Store()
    take(store.location, store.fetch(), LastGood(tmp_path / "kept"))
    assert stat.S_IMODE((tmp_path / "kept").stat().st_mode) == 0o700


def test_what_is_wrong_does_not_replace_a_copy(tmp_path: Path) -> None:
    store, kept = Store(), LastGood(tmp_path)
    take(store.location, store.fetch(), kept)
    store.text = "models: 5"
    with pytest.raises(DeploymentError):
        take(store.location, store.fetch(), kept)
    copy = kept.read(store)
    assert copy is not None
    assert copy[0].documents[0].text == TEXT


def test_a_copy_does_not_allow_code_that_its_source_does_not(tmp_path: Path) -> None:
    store, kept = Store(), LastGood(tmp_path)
    take(store.location, store.fetch(), kept)
    copy = kept.read(store)
    assert copy is not None
    assert not copy[0].documents[0].allow_code


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-20],
        lambda data: data.replace(b"bucket", b"basket"),
        lambda data: b"[]",
        lambda data: b"\xff",
        lambda data: data.replace(b'"store:/a"', b'"store:/b"'),
        lambda data: data.replace(b'"documents"', b'"texts"'),
        lambda data: data.replace(b'"fetched_at": ', b'"fetched_at": "x", "y": '),
    ],
)
def test_a_damaged_copy_is_none(tmp_path: Path, damage: Any, caplog: Any) -> None:
    store, kept = Store(), LastGood(tmp_path)
    take(store.location, store.fetch(), kept)
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    assert kept.read(store) is None
    assert "is damaged" in caplog.text


def test_without_a_copy_there_is_none(tmp_path: Path) -> None:
    assert LastGood(tmp_path / "none").read(Store()) is None


def test_a_full_disk_does_not_keep_a_deployment_from_being_loaded(
    tmp_path: Path, caplog: Any
) -> None:
    def refuse(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    store = Store()
    loaded = take(store.location, store.fetch(), LastGood(tmp_path, write=refuse))
    assert loaded.deployment.names == ("m",)
    assert "cannot be kept" in caplog.text


def test_copies_of_the_user_are_where_the_system_keeps_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    store = Store()
    take(store.location, store.fetch(), LastGood.of_user())
    assert len(list((tmp_path / "holotype/deployments").iterdir())) == 1


def test_without_platformdirs_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(name: str) -> Any:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(importlib, "import_module", refuse)
    with pytest.raises(MissingExtraError, match=r"pip install 'holotype\[pool\]'"):
        LastGood.of_user()


def test_a_file_source_keeps_nothing(tmp_path: Path) -> None:
    assert keep_in(FileSource(tmp_path), LastGood(tmp_path)) is None
