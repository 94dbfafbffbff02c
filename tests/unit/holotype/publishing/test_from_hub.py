from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub.constants
import pytest
from tests.unit.holotype.hub import server
from tests.unit.holotype.hub.server import (
    BROKEN,
    ENDLESS,
    NEWER,
    OTHER_BYTES,
    REPOSITORY,
    REVISION,
    TRUNCATED,
    HubState,
)

from holotype.errors import (
    CheckpointError,
    CheckpointNotFoundError,
    HubUnreachableError,
    ModelNotFoundError,
)
from holotype.publishing import CreationOptions, create_artifact, open_artifact
from holotype.references import ArtifactError, UnsafePathError

WEIGHTS = "model.safetensors"


def resolved(hub: HubState, name: str) -> list[str | None]:
    """The ranges that were asked for of a file."""
    return [each.range for each in hub.requests if each.path.endswith(f"/{REVISION}/{name}")]


def test_a_repository_is_fetched_at_its_exact_commit(hub: HubState, tmp_path: Path) -> None:
    manifest = create_artifact(f"hf:{REPOSITORY}", tmp_path / "artifact")
    assert manifest.commit == REVISION
    assert manifest.record.revision == REVISION
    assert manifest.record.huggingface_id == REPOSITORY
    names = {file.path for file in manifest.files}
    assert WEIGHTS in names
    assert not {name for name in names if name.endswith((".bin", ".py"))}
    assert open_artifact(tmp_path / "artifact", verify="full") == manifest
    assert sorted(path.name for path in tmp_path.iterdir()) == ["artifact"]


def test_a_commit_that_is_named_is_the_one_that_is_fetched(hub: HubState, tmp_path: Path) -> None:
    hub.repositories[REPOSITORY][NEWER] = {}
    manifest = create_artifact(f"hf:{REPOSITORY}@{REVISION}", tmp_path / "artifact")
    assert manifest.commit == REVISION
    assert not hub.paths(NEWER)


def test_a_second_run_fetches_only_what_is_missing(hub: HubState, tmp_path: Path) -> None:
    hub.fault(f"/resolve/{REVISION}/{WEIGHTS}", BROKEN)
    with pytest.raises(CheckpointError, match="the Hub answers 500"):
        create_artifact(f"hf:{REPOSITORY}", tmp_path / "artifact")
    assert not (tmp_path / "artifact").exists()
    staging = tmp_path / ".artifact.partial"
    kept = {path.relative_to(staging).as_posix() for path in staging.rglob("*.json")}
    assert "modules.json" in kept
    hub.faults.clear()
    hub.requests.clear()
    manifest = create_artifact(f"hf:{REPOSITORY}", tmp_path / "artifact")
    fetched = {path.partition(f"{REVISION}/")[2] for path in hub.paths("/resolve/")}
    assert WEIGHTS in fetched
    assert not fetched & kept
    assert open_artifact(tmp_path / "artifact", verify="full") == manifest


def test_a_file_that_came_half_is_gone_on_with(hub: HubState, tmp_path: Path) -> None:
    body = hub.repositories[REPOSITORY][REVISION][WEIGHTS]
    staging = tmp_path / ".artifact.partial"
    staging.mkdir()
    digest = hashlib.sha256(body).hexdigest()
    (staging / f"{WEIGHTS}.{digest[:16]}.part").write_bytes(body[:50])
    create_artifact(f"hf:{REPOSITORY}", tmp_path / "artifact")
    assert resolved(hub, WEIGHTS) == ["bytes=50-"]
    assert (tmp_path / "artifact" / WEIGHTS).read_bytes() == body


@pytest.mark.parametrize("is_stated", [True, False], ids=["digests", "sizes only"])
def test_what_an_earlier_commit_left_gets_into_no_artifact_of_a_later_one(
    hub: HubState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_stated: bool
) -> None:
    if not is_stated:
        # As a mirror that states no digests.
        monkeypatch.setattr(server, "_listed", lambda name, body: sized(name, body))
    older = hub.repositories[REPOSITORY][REVISION]
    hub.fault(f"/resolve/{REVISION}/{WEIGHTS}", TRUNCATED)
    with pytest.raises(CheckpointError, match=r"try again|cannot be reached"):
        create_artifact(f"hf:{REPOSITORY}", tmp_path / "artifact")
    assert [path.name for path in (tmp_path / ".artifact.partial").glob("*.part")]
    # Other bytes of the same sizes.
    numbers = bytearray(older[WEIGHTS])
    for at in (len(numbers) // 3, len(numbers) - 100):
        numbers[at] ^= 1
    settings = {"sentence_bert_config.json": b'{"max_seq_length": 47}'}
    hub.repositories[REPOSITORY][NEWER] = older | settings | {WEIGHTS: bytes(numbers)}
    manifest = create_artifact(f"hf:{REPOSITORY}", tmp_path / "artifact")
    assert manifest.commit == NEWER
    for file in manifest.files:
        found = (tmp_path / "artifact" / file.path).read_bytes()
        assert found == hub.repositories[REPOSITORY][NEWER][file.path], file.path


def sized(name: str, body: bytes) -> dict[str, object]:
    return {"rfilename": name, "size": len(body)}


def test_a_connection_that_breaks_is_gone_on_with(hub: HubState, tmp_path: Path) -> None:
    hub.fault(f"/resolve/{REVISION}/{WEIGHTS}", TRUNCATED, times=1)
    create_artifact(f"hf:{REPOSITORY}", tmp_path / "artifact")
    first, second = resolved(hub, WEIGHTS)
    assert first is None
    assert second is not None
    assert open_artifact(tmp_path / "artifact", verify="full")


@pytest.mark.parametrize("name", [WEIGHTS, "config.json"])
def test_other_bytes_than_the_hub_announced_are_refused(
    hub: HubState, tmp_path: Path, name: str
) -> None:
    hub.fault(f"/resolve/{REVISION}/{name}", OTHER_BYTES)
    with pytest.raises(CheckpointError, match="has other bytes than the Hub says"):
        create_artifact(f"hf:{REPOSITORY}", tmp_path / "artifact")
    assert not (tmp_path / "artifact").exists()
    hub.faults.clear()
    create_artifact(f"hf:{REPOSITORY}", tmp_path / "artifact")


@pytest.mark.parametrize("damage", [b"damaged", None])
def test_what_an_earlier_run_left_is_verified_before_it_is_used(
    hub: HubState, tmp_path: Path, damage: bytes | None
) -> None:
    staging = tmp_path / ".artifact.partial"
    staging.mkdir()
    body = hub.repositories[REPOSITORY][REVISION]["config.json"]
    (staging / "config.json").write_bytes(damage or body[::-1])
    (staging / "evil.json").write_bytes(b"{}")
    manifest = create_artifact(f"hf:{REPOSITORY}", tmp_path / "artifact")
    assert (tmp_path / "artifact/config.json").read_bytes() == body
    assert open_artifact(tmp_path / "artifact", verify="full") == manifest


def test_a_server_that_never_stops_is_cut_off(hub: HubState, tmp_path: Path) -> None:
    hub.fault(f"/resolve/{REVISION}/{WEIGHTS}", ENDLESS)
    with pytest.raises(CheckpointError, match=r"sent more than the expected \d+ bytes"):
        create_artifact(f"hf:{REPOSITORY}", tmp_path / "artifact")


def test_a_disk_without_room_is_told_before_anything_large_is_fetched(
    hub: HubState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_bytes = len(hub.repositories[REPOSITORY][REVISION][WEIGHTS])
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=n_bytes))
    with pytest.raises(ArtifactError, match=f"has {n_bytes:,} bytes free, and .* make room, or"):
        create_artifact(f"hf:{REPOSITORY}", tmp_path / "artifact")
    assert not resolved(hub, WEIGHTS)
    # What an earlier run left need not be fetched again.
    staging = tmp_path / ".artifact.partial"
    body = hub.repositories[REPOSITORY][REVISION][WEIGHTS]
    digest = hashlib.sha256(body).hexdigest()
    (staging / f"{WEIGHTS}.{digest[:16]}.part").write_bytes(body[:5000])
    assert create_artifact(f"hf:{REPOSITORY}", tmp_path / "artifact").commit == REVISION


def test_a_repository_that_is_too_large_is_not_fetched(hub: HubState, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="more than the 100 that are allowed"):
        create_artifact(f"hf:{REPOSITORY}", tmp_path / "a", CreationOptions(max_bytes=100))
    assert not resolved(hub, WEIGHTS)


@pytest.mark.parametrize("name", ["NUL.json", "a:b.json", "A\\b.json", "CONFIG.json"])
def test_names_that_are_traps_are_refused(hub: HubState, tmp_path: Path, name: str) -> None:
    hub.repositories[REPOSITORY][REVISION][name] = b"{}"
    with pytest.raises(UnsafePathError):
        create_artifact(f"hf:{REPOSITORY}", tmp_path / "artifact")
    assert not (tmp_path / "artifact").exists()


def test_names_that_lead_out_of_the_repository_are_never_taken(
    hub: HubState, tmp_path: Path
) -> None:
    files = hub.repositories[REPOSITORY][REVISION]
    files["../outside.json"] = files["/absolute.json"] = b"{}"
    manifest = create_artifact(f"hf:{REPOSITORY}", tmp_path / "artifact")
    assert not [file for file in manifest.files if "outside" in file.path or "abs" in file.path]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["artifact"]


def test_what_the_hub_does_not_have_is_said(hub: HubState, tmp_path: Path) -> None:
    with pytest.raises(CheckpointNotFoundError, match="there is no such repository"):
        create_artifact("hf:tests/other", tmp_path / "artifact")
    with pytest.raises(ModelNotFoundError):
        create_artifact("catalogue:no-such-model", tmp_path / "artifact")
    assert not list(tmp_path.glob("*artifact*"))


def test_a_commit_in_the_cache_needs_no_connection_and_a_branch_does(
    hub: HubState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = tmp_path / "cache/models--tests--tiny/snapshots" / REVISION
    for name, body in hub.repositories[REPOSITORY][REVISION].items():
        (snapshot / name).parent.mkdir(parents=True, exist_ok=True)
        (snapshot / name).write_bytes(body)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    manifest = create_artifact(f"hf:{REPOSITORY}@{REVISION}", tmp_path / "artifact")
    assert manifest.commit == REVISION
    assert not hub.requests
    with pytest.raises(HubUnreachableError):
        create_artifact(f"hf:{REPOSITORY}@main", tmp_path / "other")


def test_a_damaged_cache_is_noticed(
    hub: HubState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = hub.repositories[REPOSITORY][REVISION]
    cache = tmp_path / "cache/models--tests--tiny"
    snapshot = cache / "snapshots" / REVISION
    for name, body in files.items():
        (snapshot / name).parent.mkdir(parents=True, exist_ok=True)
        (snapshot / name).write_bytes(body)
    (cache / "blobs").mkdir()
    (cache / "blobs" / ("0" * 64)).write_bytes(files[WEIGHTS])
    (snapshot / WEIGHTS).unlink()
    (snapshot / WEIGHTS).symlink_to(cache / "blobs" / ("0" * 64))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(CheckpointError, match="is damaged: its digest is"):
        create_artifact(f"hf:{REPOSITORY}@{REVISION}", tmp_path / "artifact")


def test_what_the_cache_has_is_not_fetched_again(hub: HubState, tmp_path: Path) -> None:
    snapshot = tmp_path / "cache/models--tests--tiny/snapshots" / REVISION
    snapshot.mkdir(parents=True)
    body = hub.repositories[REPOSITORY][REVISION][WEIGHTS]
    (snapshot / WEIGHTS).write_bytes(body)
    create_artifact(f"hf:{REPOSITORY}@{REVISION}", tmp_path / "artifact")
    assert not resolved(hub, WEIGHTS)
    assert (tmp_path / "artifact" / WEIGHTS).read_bytes() == body


def cached_with_shared_weights(hub: HubState, cache: Path) -> Path:
    """A snapshot as huggingface_hub 1.32 lays it; the weights are shared between repositories."""
    repository = cache / "models--tests--tiny"
    snapshot = repository / "snapshots" / REVISION
    (repository / "blobs").mkdir(parents=True)
    for name, body in hub.repositories[REPOSITORY][REVISION].items():
        blob = repository / "blobs" / hashlib.sha256(body).hexdigest()
        if name == WEIGHTS:
            shared = hashlib.blake2b(body, digest_size=32).hexdigest()
            kept = cache / "blobs" / shared[:2] / shared
            kept.parent.mkdir(parents=True)
            kept.write_bytes(body)
            blob.symlink_to(os.path.relpath(kept, blob.parent))
        elif not blob.exists():
            blob.write_bytes(body)
        (snapshot / name).parent.mkdir(parents=True, exist_ok=True)
        (snapshot / name).symlink_to(os.path.relpath(blob, (snapshot / name).parent))
    return snapshot


@pytest.mark.parametrize("link", [False, True])
@pytest.mark.parametrize("source", [f"hf:{REPOSITORY}@{REVISION}", "local:{snapshot}"])
def test_weights_that_the_cache_shares_between_repositories_are_taken(
    hub: HubState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, link: bool
) -> None:
    snapshot = cached_with_shared_weights(hub, tmp_path / "cache")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    ref = source.format(snapshot=snapshot)
    manifest = create_artifact(ref, tmp_path / "artifact", CreationOptions(link=link))
    body = hub.repositories[REPOSITORY][REVISION][WEIGHTS]
    assert (tmp_path / "artifact" / WEIGHTS).read_bytes() == body
    assert not (tmp_path / "artifact" / WEIGHTS).is_symlink()
    assert open_artifact(tmp_path / "artifact", verify="full") == manifest


def test_shared_weights_that_are_damaged_are_noticed(hub: HubState, tmp_path: Path) -> None:
    snapshot = cached_with_shared_weights(hub, tmp_path / "cache")
    shared = (snapshot / WEIGHTS).resolve()
    shared.write_bytes(shared.read_bytes()[:-1] + b"x")
    with pytest.raises(CheckpointError) as caught:
        create_artifact(f"local:{snapshot}", tmp_path / "artifact")
    assert ", and the Hub says " in str(caught.value)
    assert f"--revision {REVISION} --force-download" in str(caught.value)


def test_links_of_a_snapshot_that_lead_out_of_its_cache_are_refused(
    hub: HubState, tmp_path: Path
) -> None:
    snapshot = cached_with_shared_weights(hub, tmp_path / "cache")
    secrets = [
        tmp_path / "secret.json",
        tmp_path / "cache" / "blobs" / "ab" / "secret.json",
        tmp_path / "cache" / "models--tests--other" / "blobs" / ("0" * 64),
        tmp_path / "cache" / "models--tests--tiny" / "refs" / "secret.json",
    ]
    for secret in secrets:
        secret.parent.mkdir(parents=True, exist_ok=True)
        secret.write_text("{}")
        (snapshot / "extra.json").unlink(missing_ok=True)
        (snapshot / "extra.json").symlink_to(secret)
        with pytest.raises(UnsafePathError, match="a link that leads out of the folder"):
            create_artifact(f"local:{snapshot}", tmp_path / "artifact")


@pytest.mark.parametrize("name", [f"models/snapshots/{REVISION}", "models--a--b/snapshots/v1"])
def test_a_folder_that_is_no_snapshot_may_not_link_as_one_does(
    hub: HubState, tmp_path: Path, name: str
) -> None:
    snapshot = cached_with_shared_weights(hub, tmp_path / "cache")
    (tmp_path / name).mkdir(parents=True)
    for file in snapshot.iterdir():
        (tmp_path / name / file.name).symlink_to(file)
    with pytest.raises(UnsafePathError, match="a link that leads out of the folder"):
        create_artifact(f"local:{tmp_path / name}", tmp_path / "artifact")


def test_a_mirror_that_answers_with_another_commit_makes_no_artifact(
    hub: HubState, tmp_path: Path
) -> None:
    described = {"id": REPOSITORY, "sha": NEWER, "siblings": []}
    hub.fault("/api/", (200, {}), body=json.dumps(described).encode())
    with pytest.raises(CheckpointError, match=f"it describes commit {NEWER}"):
        create_artifact(f"hf:{REPOSITORY}@{REVISION}", tmp_path / "artifact")
    assert not (tmp_path / "artifact").exists()
