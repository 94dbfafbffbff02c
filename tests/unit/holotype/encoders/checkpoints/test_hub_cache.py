"""What a path in the Hub's cache is of, and which links are the cache's own."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.hub_cache import fetch_again, find_snapshot
from holotype.errors import CheckpointError

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SHARED = "ab" + "0" * 62


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "hub/models--org--a--b/snapshots" / COMMIT
    made.mkdir(parents=True)
    (tmp_path / "hub/models--org--a--b/blobs").mkdir()
    return made


def test_a_snapshot_names_its_repository_and_its_commit(folder: Path) -> None:
    found = find_snapshot(folder)
    assert found is not None
    assert (found.huggingface_id, found.commit) == ("org/a--b", COMMIT)


@pytest.mark.parametrize("name", ["models--a--b/snapshots/v1", f"a/snapshots/{COMMIT}", "plain"])
def test_other_folders_are_no_snapshots(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir(parents=True)
    assert find_snapshot(tmp_path / name) is None


@pytest.mark.parametrize(
    ("path", "is_owned"),
    [
        ("models--org--a--b/blobs/" + "0" * 64, True),
        (f"blobs/ab/{SHARED}", True),
        (f"blobs/cd/{SHARED}", False),
        ("blobs/ab/other", False),
        ("blobs/.huggingface-shared-blobs", False),
        ("models--org--other/blobs/" + "0" * 64, False),
        (f"models--org--a--b/snapshots/{'f' * 40}/config.json", False),
        ("models--org--a--b/refs/main", False),
        ("../elsewhere", False),
    ],
)
def test_a_snapshot_owns_its_blobs_and_those_that_are_shared(
    folder: Path, path: str, is_owned: bool
) -> None:
    found = find_snapshot(folder)
    assert found is not None
    assert found.owns((folder.parents[2] / path).resolve()) is is_owned


def test_the_digest_of_a_shared_file_is_that_of_its_own_repository(folder: Path) -> None:
    digest = hashlib.sha256(b"weights").hexdigest()
    blob, shared = folder.parents[1] / "blobs" / digest, folder.parents[2] / "blobs/ab" / SHARED
    shared.parent.mkdir(parents=True)
    shared.write_bytes(b"weights")
    blob.symlink_to(f"../../blobs/ab/{SHARED}")
    (folder / "model.safetensors").symlink_to(f"../../blobs/{digest}")
    found = find_snapshot(folder)
    assert found is not None
    assert found.digest("model.safetensors") == digest
    assert found.owns((folder / "model.safetensors").resolve())


def test_a_file_that_is_no_link_has_no_digest(folder: Path) -> None:
    (folder / "config.json").write_text("{}")
    found = find_snapshot(folder)
    assert found is not None
    assert found.digest("config.json") is None


def test_what_replaces_a_damaged_file_of_the_cache_is_named(folder: Path) -> None:
    blob = folder.parents[1] / "blobs" / ("0" * 40)
    blob.write_text("{")
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling/config.json").symlink_to(f"../../../blobs/{blob.name}")
    with pytest.raises(CheckpointError) as caught:
        Checkpoint(folder).json("1_Pooling/config.json")
    assert str(caught.value).endswith(
        "the file is damaged; a download would return it as it is; replace it with: hf download "
        f"org/a--b 1_Pooling/config.json --revision {COMMIT} --force-download; or delete "
        f"{blob.resolve()} and fetch it again"
    )


def test_a_damaged_file_elsewhere_is_to_be_fetched_again(tmp_path: Path) -> None:
    assert fetch_again(tmp_path / "config.json") == "fetch it again"
