"""BGE-M3's late interaction: one linear layer beside a dense model, as its authors compute it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.runtime.bge_m3 import COLBERT, COLBERT_DIM, DENSE, WIDTH, AuthorsModel, save_bge_m3
from tests.runtime.bge_m3 import sparse_model as sparse_model_of

from holotype.encoders import load
from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.kinds.planning import make_plan
from holotype.errors import CheckpointError, TensorError, UnsafeCheckpointError
from holotype.hub.checkpoint_files import open_folder
from holotype.hub.reading import compare_with_checkpoint


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save_bge_m3(tmp_path)


def test_token_vectors_are_those_of_the_authors(folder: Path, texts: list[str]) -> None:
    encoder = load(COLBERT, checkpoint=folder, device="cpu")
    authors = AuthorsModel(folder)
    found = encoder.encode_document(texts, on_overflow="truncate", batch_size=3)
    queries = encoder.encode_query(texts, on_overflow="truncate")
    for text, document, query in zip(texts, found, queries, strict=True):
        expected = authors.encode(text).colbert
        # Every token but the first, which stands for the text as a whole.
        assert document.shape == expected.shape
        np.testing.assert_allclose(document, expected, atol=1e-5)
        np.testing.assert_allclose(query, expected, atol=1e-5)


def test_length_and_encoding_are_those_of_the_dense_model(folder: Path) -> None:
    encoder = load(COLBERT, checkpoint=folder, device="cpu")
    assert encoder.document_length == load(DENSE, checkpoint=folder, device="cpu").max_length
    assert encoder.query_length == encoder.max_length == encoder.document_length
    assert make_plan(COLBERT, Checkpoint(folder)).encoding == encoder.encoding


def test_the_record_is_verified_against_the_layer(folder: Path) -> None:
    reading = compare_with_checkpoint(COLBERT, open_folder(folder))
    assert reading.refusal is None
    assert not [found for found in reading.comparisons if not found.agrees]
    wider = replace(COLBERT, embedding_dim=64, projection_dims=64)
    reading = compare_with_checkpoint(wider, open_folder(folder))
    differing = {found.field for found in reading.comparisons if not found.agrees}
    assert differing == {"embedding_dim", "projection_dims"}


@pytest.mark.parametrize("stem", ["colbert_linear", "sparse_linear"])
def test_another_layer_gives_another_fingerprint(folder: Path, stem: str) -> None:
    record = COLBERT if stem == "colbert_linear" else sparse_model_of(folder)
    with load(record, checkpoint=folder, device="cpu") as encoder:
        before = encoder.fingerprint
    with load(DENSE, checkpoint=folder, device="cpu") as encoder:
        dense_before = encoder.fingerprint
    path = folder / f"{stem}.safetensors"
    save_file({name: tensor + 1 for name, tensor in load_file(path).items()}, path)
    with load(record, checkpoint=folder, device="cpu") as encoder:
        assert encoder.fingerprint != before
    with load(DENSE, checkpoint=folder, device="cpu") as encoder:
        assert encoder.fingerprint == dense_before


def test_a_pickled_projection_is_refused(folder: Path) -> None:
    (folder / "colbert_linear.safetensors").rename(folder / "colbert_linear.pt")
    with pytest.raises(UnsafeCheckpointError, match=r"torch\.load\('colbert_linear\.pt'"):
        load(COLBERT, checkpoint=folder)


def test_a_checkpoint_without_the_layer_is_no_late_interaction_model(folder: Path) -> None:
    (folder / "colbert_linear.safetensors").unlink()
    with pytest.raises(CheckpointError, match="is no late-interaction model"):
        load(COLBERT, checkpoint=folder)


def test_something_else_than_a_linear_layer_is_refused(folder: Path) -> None:
    path = folder / "colbert_linear.safetensors"
    save_file({"weight": torch.ones(COLBERT_DIM, WIDTH), "scale": torch.ones(1)}, path)
    with pytest.raises(TensorError) as caught:
        load(COLBERT, checkpoint=folder)
    assert caught.value.missing == ("bias",)
    assert caught.value.unexpected == ("scale",)
