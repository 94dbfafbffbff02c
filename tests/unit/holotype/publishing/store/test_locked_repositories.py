"""Locks of repositories on the Hub: the commit counts, not the branch that led to it."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.holotype.hub.checkpoints import record
from tests.unit.holotype.hub.server import REPOSITORY, HubState

from holotype.encoders.opening import open_reference
from holotype.errors import ArtifactDamagedError, ArtifactError, LockFileError
from holotype.publishing import LockMismatchError, fetch_locked, lock_model, open_artifact
from holotype.references import ModelRef
from holotype.references.entry import entry_of
from holotype.references.lock_file import LockFile, read_lock


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOLOTYPE_CACHE", str(tmp_path / "holotype"))
    return tmp_path / "holotype"


@pytest.fixture
def ref(hub: HubState) -> ModelRef:
    return ModelRef.parse(f"hf:{REPOSITORY}")


def test_a_repository_is_locked_to_its_commit(ref: ModelRef) -> None:
    locked = lock_model(ref)
    assert locked.commit is not None
    assert {file.path for file in locked.files} >= {"config.json", "model.safetensors"}


def test_a_cache_that_cannot_be_written_is_named(
    ref: ModelRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HOLOTYPE_CACHE", str(tmp_path / "file"))
    with pytest.raises(ArtifactError) as caught:
        lock_model(ref)
    assert str(caught.value) == (
        f"{tmp_path}/file/artifacts: cannot be written: Not a directory; see that the cache has room "
        "and may be written, or name another folder: HOLOTYPE_CACHE=FOLDER"
    )


def test_locking_twice_gives_the_same(ref: ModelRef) -> None:
    assert lock_model(ref) == lock_model(ref)


def test_a_locked_repository_is_fetched_at_its_commit(ref: ModelRef, cache: Path) -> None:
    locked = lock_model(ref)
    shutil.rmtree(cache)
    folder = fetch_locked(locked)
    manifest = open_artifact(folder, verify="full")
    assert (manifest.digest, str(manifest.reference)) == (locked.digest, str(ref))
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_what_is_in_the_cache_is_not_asked_for(ref: ModelRef, hub: HubState) -> None:
    locked = lock_model(ref)
    n_requests = len(hub.requests)
    fetch_locked(locked)
    assert len(hub.requests) == n_requests


def test_a_cache_that_was_damaged_is_an_error(ref: ModelRef) -> None:
    locked = lock_model(ref)
    config = fetch_locked(locked) / "config.json"
    config.write_bytes(config.read_bytes()[::-1])
    with pytest.raises(ArtifactDamagedError, match=r"changed: config\.json"):
        fetch_locked(locked)


def test_a_lock_of_other_files_is_refused(ref: ModelRef, cache: Path) -> None:
    locked = lock_model(ref)
    shutil.rmtree(cache)
    changed = replace(locked.files[0], sha256="0" * 64)
    other = replace(locked, files=(changed, *locked.files[1:]), digest=f"sha256:{'0' * 64}")
    with pytest.raises(LockMismatchError, match=f"changed: {changed.path}"):
        fetch_locked(other)


def test_what_an_interrupted_run_has_left_is_made_anew(ref: ModelRef, cache: Path) -> None:
    locked = lock_model(ref)
    name = hashlib.sha256(str(ref).encode()).hexdigest()[:16]
    (left,) = (cache / "artifacts").iterdir()
    making = left.rename(left.with_name(f"making-{name}"))
    (making / "config.json").write_bytes(b"half")
    assert lock_model(ref) == locked
    assert list((cache / "artifacts").iterdir()) == [left]


def test_a_locked_record_of_another_catalogue_is_fetched_and_loaded_without_it(
    hub: HubState, tmp_path: Path
) -> None:
    own = record(id="acme-tiny", query_prompt="find: ")
    file = tmp_path / "holotype.lock"
    file.write_text(LockFile(models=(lock_model(own),)).to_json())
    shutil.rmtree(tmp_path / "holotype")
    (locked,) = read_lock(file).models
    assert locked.reference.record == own
    assert open_artifact(fetch_locked(locked), verify="full").record == own
    opened = open_reference(ModelRef.parse("catalogue:acme-tiny"), lock=file)
    assert opened.record == own
    assert LockFile(models=(locked,)).to_json() == file.read_text()


def test_only_what_a_catalogue_describes_has_an_entry_in_a_lock(tmp_path: Path) -> None:
    values: dict[str, Any] = {
        "reference": "local:models/mine",
        "entry": entry_of(record()),
        "commit": None,
        "digest": f"sha256:{'0' * 64}",
        "fingerprint": None,
        "files": [],
    }
    file = tmp_path / "holotype.lock"
    file.write_text(json.dumps({"format": 1, "models": [values]}))
    with pytest.raises(LockFileError, match="'local:models/mine' an entry of a catalogue"):
        read_lock(file)
