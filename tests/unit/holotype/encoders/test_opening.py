from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from tests.unit.holotype.hub.checkpoints import (
    classifier,
    colbert_pylate,
    cross_encoder,
    dense,
    model2vec,
    saved,
    sparse,
    static,
)

from holotype.encoders import load, load_from_env
from holotype.encoders.artifact import open_artifact
from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.kinds.derived_record import derive_record
from holotype.encoders.opening import open_reference
from holotype.errors import CheckpointError, ModelNotFoundError
from holotype.models import BGE_BASE_EN_V1_5
from holotype.publishing import create_artifact
from holotype.references import (
    ArtifactDamagedError,
    ArtifactError,
    ArtifactNotFoundError,
    InvalidReferenceError,
    ManifestError,
    ModelRef,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    saved(tmp_path / "Tiny Model", dense())
    return tmp_path / "Tiny Model"


@pytest.fixture
def artifact(folder: Path, tmp_path: Path) -> Path:
    create_artifact(f"local:{folder}", tmp_path / "artifact")
    return tmp_path / "artifact"


def opened(text: str, **options: Any) -> Any:
    return open_reference(ModelRef.parse(text), **options)


def test_an_id_of_the_catalogue_names_its_record() -> None:
    found = opened("catalogue:bge-base-en-v1.5")
    assert found.record is BGE_BASE_EN_V1_5
    assert found.checkpoint is None
    with pytest.raises(ModelNotFoundError, match=r"bge-base-en-v1\.5"):
        opened("catalogue:bge-base-en-v1.6")


def test_a_plain_folder_tells_what_it_is(folder: Path) -> None:
    found = opened(f"local:{folder}")
    assert found.checkpoint == Checkpoint(folder)
    assert found.manifest is None
    assert (found.record.id, found.record.name) == ("tiny-model", "Tiny Model")
    assert (found.record.type, found.record.embedding_dim) == ("dense", 32)


def test_the_record_of_an_artifact_is_the_one_that_it_keeps(artifact: Path) -> None:
    found = opened(f"local:{artifact}")
    assert found.manifest is not None
    assert found.record is found.manifest.record
    assert found.record.license == "mit"


def test_contents_are_compared_unless_sizes_are_asked_for(artifact: Path) -> None:
    weights = artifact / "model.safetensors"
    body = weights.read_bytes()
    weights.write_bytes(body[:-1] + bytes([body[-1] ^ 1]))
    with pytest.raises(ArtifactDamagedError, match=r"changed: model\.safetensors \(sha256"):
        opened(f"local:{artifact}")
    found = opened(f"local:{artifact}", verify="sizes")
    assert found.checkpoint == Checkpoint(artifact)
    weights.write_bytes(body[:-1])
    for verify in ("full", "sizes"):
        with pytest.raises(
            ArtifactDamagedError,
            match=rf"changed: model\.safetensors \({len(body) - 1} bytes, expected {len(body)}\)",
        ):
            opened(f"local:{artifact}", verify=verify)


def test_a_damaged_manifest_is_not_passed_over(artifact: Path) -> None:
    (artifact / "artifact.json").write_text("{}")
    with pytest.raises(ManifestError):
        opened(f"local:{artifact}")


def test_no_other_place_is_tried(tmp_path: Path) -> None:
    with pytest.raises(ArtifactNotFoundError, match="no other place is tried"):
        opened(f"local:{tmp_path}/bge-base-en-v1.5")
    with pytest.raises(ArtifactError):
        opened(f"local:{tmp_path}@production")
    with pytest.raises(ArtifactNotFoundError, match="there is no such folder"):
        open_artifact(tmp_path / "nowhere")


def test_an_unknown_way_to_verify_is_refused(artifact: Path) -> None:
    with pytest.raises(ValueError, match="expected 'sizes' or 'full'"):
        opened(f"local:{artifact}", verify="all")


@pytest.mark.parametrize(
    ("files", "kind", "dim"),
    [
        (dense(), "dense", 32),
        (model2vec(), "dense", 8),
        (static(), "dense", 8),
        (colbert_pylate(), "colbert", 16),
        (sparse(), "sparse", 100),
        (cross_encoder(), "cross-encoder", None),
        (classifier(), "classifier", None),
    ],
)
def test_a_checkpoint_of_every_kind_gives_a_record(
    tmp_path: Path, files: dict[str, bytes], kind: str, dim: int | None
) -> None:
    saved(tmp_path / "model", files)
    record = derive_record(
        Checkpoint(tmp_path / "model"), name="Some_Model", huggingface_id="a/Some_Model"
    )
    assert (record.type, record.embedding_dim, record.id) == (kind, dim, "some-model")
    assert record.multi_vector == (kind == "colbert")


def test_a_folder_that_tells_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="holds no model"):
        opened(f"local:{tmp_path}")


@pytest.mark.parametrize("text", ["hf:model", "models\\one", "s4:bucket/model"])
def test_what_is_almost_a_reference_is_not_taken_for_an_id(text: Any) -> None:
    with pytest.raises(InvalidReferenceError):
        load(text)


def test_a_reference_says_itself_where_the_files_are(artifact: Path) -> None:
    with pytest.raises(TypeError, match="leave checkpoint= out"):
        load(ModelRef.parse(f"local:{artifact}"), checkpoint=artifact)


def test_only_references_are_verified() -> None:
    anything: Any = BGE_BASE_EN_V1_5
    with pytest.raises(TypeError, match="verify='sizes' is for references"):
        load(anything, verify="sizes")


def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ML_MODEL_REF", raising=False)
    with pytest.raises(InvalidReferenceError, match="ML_MODEL_REF is not set"):
        load_from_env()
    monkeypatch.setenv("OTHER", "org/model")
    with pytest.raises(InvalidReferenceError, match="did you mean 'hf:org/model'"):
        load_from_env("OTHER")


def test_a_file_that_is_exchanged_after_it_was_compared_is_noticed(artifact: Path) -> None:
    model = opened(f"local:{artifact}").artifact
    model.require_unchanged()
    weights = artifact / "model.safetensors"
    status, body = weights.stat(), weights.read_bytes()
    (artifact / "new").write_bytes(body[:-1] + b"x")
    (artifact / "new").replace(weights)
    os.utime(weights, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(ArtifactDamagedError, match=r"changed: model\.safetensors \(while it was"):
        model.require_unchanged()
