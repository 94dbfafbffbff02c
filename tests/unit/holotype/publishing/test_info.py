from __future__ import annotations

from pathlib import Path

import huggingface_hub.constants
import pytest
from tests.unit.holotype.hub.checkpoints import N_PARAMETERS, classifier, dense, saved
from tests.unit.holotype.hub.server import BROKEN, REPOSITORY, REVISION, HubState

from holotype.errors import CheckpointError, MissingExtraError, ModelNotFoundError
from holotype.models import BGE_M3
from holotype.publishing import create_artifact, get_model_info, load_labels
from holotype.references import ArtifactError, ArtifactNotFoundError, InvalidReferenceError


def test_a_folder_is_described_without_reading_its_tensors(checkpoint: Path) -> None:
    info = get_model_info(f"local:{checkpoint}")
    assert (info.availability, info.is_artifact) == ("local", False)
    assert (info.record.type, info.record.embedding_dim) == ("dense", 32)
    assert (info.parameters, info.dtype, info.memory_bytes) == (
        N_PARAMETERS,
        "float32",
        4 * N_PARAMETERS,
    )
    assert info.record.license == "mit"
    assert info.commit is info.fingerprint is None


def test_an_artifact_is_described_by_its_manifest(checkpoint: Path, tmp_path: Path) -> None:
    manifest = create_artifact(f"local:{checkpoint}", tmp_path / "artifact")
    info = get_model_info(f"local:{tmp_path}/artifact")
    assert info.is_artifact
    assert info.size_bytes == manifest.size
    assert info.fingerprint == manifest.fingerprint
    assert info.record == manifest.record
    plain = get_model_info(f"local:{checkpoint}")
    assert (info.parameters, info.dtype, info.size_bytes) == (
        plain.parameters,
        plain.dtype,
        plain.size_bytes,
    )


def test_a_repository_is_described_without_fetching_its_weights(hub: HubState) -> None:
    info = get_model_info(f"hf:{REPOSITORY}")
    assert (info.availability, info.commit) == ("remote", REVISION)
    assert (info.parameters, info.dtype, info.record.embedding_dim) == (N_PARAMETERS, "float32", 32)
    files = hub.repositories[REPOSITORY][REVISION]
    needed = [name for name in files if not name.endswith((".bin", ".py"))]
    assert info.size_bytes == sum(len(files[name]) for name in needed)
    asked = [each for each in hub.requests if each.path.endswith(".safetensors")]
    assert all(each.range for each in asked)


def test_a_commit_in_the_cache_needs_no_connection(
    hub: HubState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = tmp_path / "cache/models--tests--tiny/snapshots" / REVISION
    saved(snapshot, dense())
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    info = get_model_info(f"hf:{REPOSITORY}@{REVISION}")
    assert (info.availability, info.commit, info.parameters) == ("cached", REVISION, N_PARAMETERS)
    assert not hub.requests


def test_the_catalogue_answers_where_the_hub_does_not(
    hub: HubState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    info = get_model_info("catalogue:bge-m3")
    assert info.availability == "unreachable"
    assert info.problem is not None
    assert info.record is BGE_M3
    assert info.commit == BGE_M3.revision
    assert info.memory_bytes == (BGE_M3.parameters or 0) * 4
    assert info.size_bytes is None


def test_what_names_nothing_is_an_error(hub: HubState, tmp_path: Path) -> None:
    with pytest.raises(ArtifactNotFoundError):
        get_model_info(f"local:{tmp_path}/nowhere")
    with pytest.raises(ModelNotFoundError):
        get_model_info("catalogue:no-such-model")
    with pytest.raises(ModelNotFoundError, match="write 'hf:tests/tiny'"):
        get_model_info("tests/tiny")
    with pytest.raises(InvalidReferenceError):
        get_model_info("huggingface:tests/tiny")
    hub.fault("/api/", BROKEN)
    with pytest.raises(CheckpointError):
        get_model_info(f"hf:{REPOSITORY}")


def test_labels_come_in_the_order_of_the_outputs(hub: HubState, tmp_path: Path) -> None:
    saved(tmp_path / "folder", classifier())
    expected = ("first", "second", "last")
    assert load_labels(f"local:{tmp_path}/folder") == expected
    create_artifact(f"local:{tmp_path}/folder", tmp_path / "artifact")
    assert load_labels(f"local:{tmp_path}/artifact") == expected
    hub.repositories[REPOSITORY][REVISION] = classifier()
    assert load_labels(f"hf:{REPOSITORY}") == expected


def test_a_model_without_labels_is_named_by_its_kind(checkpoint: Path) -> None:
    with pytest.raises(ArtifactError, match="is a dense model, which has no labels"):
        load_labels(f"local:{checkpoint}")


def test_without_huggingface_hub_a_repository_needs_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("holotype.publishing.info.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'holotype\[hub\]'"):
        get_model_info(f"hf:{REPOSITORY}@{REVISION}")
    assert get_model_info("catalogue:bge-m3").problem == "huggingface_hub is not installed"
