"""What holotype 0.1.0 wrote is read as it was: an artifact, a store, a lock, an export, fingerprints."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.unit.holotype.hub import checkpoints

from holotype.encoders import load
from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.dense import DenseEncoder
from holotype.encoders.fingerprint import fingerprint
from holotype.encoders.kinds.derived_record import derive_record
from holotype.encoders.kinds.planning import make_plan
from holotype.errors import DifferentVectorsError
from holotype.publishing import create_artifact
from holotype.publishing.alias_switching import rollback_alias, set_alias
from holotype.references import read_manifest

MADE = Path(__file__).parent.parent / "fixtures/made_by_0_1_0"
KINDS = {
    "dense": checkpoints.dense,
    "stanford": checkpoints.colbert_stanford,
    "pylate": checkpoints.colbert_pylate,
    "multi-vector": checkpoints.colbert_multi_vector,
    "sparse": checkpoints.sparse,
    "cross-encoder": checkpoints.cross_encoder,
    "classifier": checkpoints.classifier,
}


def as_then(name: str) -> checkpoints.Files:
    """The files of a kind as 0.1.0 had them: no tokenizer that could be read, and few tensors."""
    files = KINDS[name]() | {"tokenizer.json": b"{}"}
    config = json.loads(files["config.json"])
    del config["num_attention_heads"], config["intermediate_size"]
    tensors: checkpoints.Shapes = {
        "embeddings.word_embeddings.weight": ("F32", [100, 32]),
        "embeddings.position_ids": ("I64", [1, 64]),
    }
    if name == "stanford":
        tensors = {"bert.weight": ("F32", [100, 32]), "linear.weight": ("F32", [16, 32])}
    if name == "multi-vector":
        del files["1_Dense/model.safetensors"]
    weights = checkpoints.safetensors(tensors)
    return files | {"config.json": checkpoints.as_json(config), "model.safetensors": weights}


def weights_then(content: bytes) -> bytes:
    """Weights as the tests of 0.1.0 wrote them: 64 bytes in the place of all tensors."""
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    for name in header.keys() - {"__metadata__"}:
        header[name]["data_offsets"] = [0, 0]
    text = checkpoints.as_json(header)
    return len(text).to_bytes(8, "little") + text + b"\0" * 64


@pytest.fixture(scope="module")
def made() -> Any:
    return json.loads((MADE / "made.json").read_text())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy, since reading may leave files of its own; what is relative is relative to it."""
    shutil.copytree(MADE, tmp_path / "made")
    monkeypatch.chdir(tmp_path / "made")
    return tmp_path / "made"


def assert_as_made(encoder: object, made: Any, fingerprint: str) -> None:
    assert isinstance(encoder, DenseEncoder)
    assert encoder.fingerprint == fingerprint
    query = encoder.encode_query(["what is late interaction?"])
    document = encoder.encode_document(["Paris is the capital of France."])
    np.testing.assert_allclose(query, made["vectors"]["query"], atol=1e-6)
    np.testing.assert_allclose(document, made["vectors"]["document"], atol=1e-6)


@pytest.mark.parametrize(
    "reference", ["local:store/tiny-v1", "local:store@production", "local:checkpoint"]
)
def test_references_load_as_they_did(reference: str, folder: Path, made: Any) -> None:
    encoder: object = load(reference, device="cpu")
    assert_as_made(encoder, made, made["fingerprints"]["artifact"])


def test_a_lock_holds(folder: Path, made: Any) -> None:
    encoder: object = load("local:store@production", lock="holotype.lock", device="cpu")
    assert_as_made(encoder, made, made["fingerprints"]["artifact"])


def test_an_export_runs(folder: Path, made: Any) -> None:
    record = derive_record(Checkpoint(folder / "checkpoint"), name="tiny")
    encoder: object = load(record, checkpoint=folder / "export-onnx", backend="onnx")
    assert_as_made(encoder, made, made["fingerprints"]["export"])


@pytest.mark.parametrize("name", KINDS)
def test_fingerprints_of_every_kind_are_what_they_were(
    name: str, tmp_path: Path, made: Any
) -> None:
    files = as_then(name)
    checkpoints.saved(tmp_path, files)
    checkpoint = Checkpoint(tmp_path)
    record = derive_record(checkpoint, name=name)
    plan = make_plan(record, checkpoint)
    digests = {
        path: hashlib.sha256(weights_then(content)).hexdigest()
        for path, content in files.items()
        if path.endswith(".safetensors")
    }
    found = fingerprint(plan, dim=record.embedding_dim, digests=digests)
    assert found == made["fingerprints"][name]


def test_a_fingerprint_that_covered_idle_files_is_accepted(folder: Path, made: Any) -> None:
    then = made["fingerprints"]["artifact-with-vocabulary"]
    (folder / "checkpoint/vocab.txt").write_text("[PAD]\n[UNK]\n")
    encoder: object = load("local:checkpoint", device="cpu")
    assert isinstance(encoder, DenseEncoder)
    assert encoder.fingerprint == made["fingerprints"]["artifact"]
    assert encoder.has_fingerprint(then)
    assert encoder.has_fingerprint(encoder.fingerprint)
    (folder / "checkpoint/vocab.txt").write_text("[PAD]\n")
    assert not encoder.has_fingerprint(then)


def test_an_alias_goes_on_from_an_artifact_of_0_1_0_and_back(folder: Path, made: Any) -> None:
    then = made["fingerprints"]["artifact-with-vocabulary"]
    (folder / "checkpoint/vocab.txt").write_text("[PAD]\n[UNK]\n")
    store = folder / "store"
    create_artifact("local:checkpoint", store / "tiny-v2")
    shutil.copytree(store / "tiny-v2", store / "tiny-old")
    manifest = replace(read_manifest(store / "tiny-old"), fingerprint=then)
    (store / "tiny-old/artifact.json").write_text(manifest.to_json())
    for artifact in ("tiny-old", "tiny-v2", "tiny-old"):
        set_alias(store, "staging", artifact)
    assert rollback_alias(store, "staging").current.artifact == "tiny-v2"
    forged = replace(manifest, fingerprint=f"sha256:{'0' * 64}")
    (store / "tiny-old/artifact.json").write_text(forged.to_json())
    with pytest.raises(DifferentVectorsError):
        set_alias(store, "staging", "tiny-old")
