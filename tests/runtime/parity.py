"""What it means to be equal to the reference, and small changes to checkpoints."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from sentence_transformers import MultiVectorEncoder, SentenceTransformer

from holotype.encoders.colbert import ColbertEncoder
from holotype.encoders.dense import DenseEncoder
from holotype.records import ColbertModel, DenseModel, SparseModel

Vectors: TypeAlias = NDArray[np.float32]
DenseRecord: TypeAlias = Callable[..., DenseModel[Any]]
ColbertRecord: TypeAlias = Callable[..., ColbertModel[Any]]
SparseRecord: TypeAlias = Callable[..., SparseModel]
Save: TypeAlias = Callable[..., Path]


def dense_reference(folder: Path, **options: Any) -> SentenceTransformer:
    """Return a dense checkpoint in the library that wrote it."""
    return SentenceTransformer(str(folder), device="cpu", **options)


def colbert_reference(folder: Path) -> MultiVectorEncoder:
    """Return a late-interaction checkpoint in the library that reads all three formats."""
    return MultiVectorEncoder(str(folder), device="cpu")


def assert_same(ours: Vectors, theirs: Vectors) -> None:
    """Assert that vectors ``[n, dim]`` are equal to rounding in float32."""
    assert ours.dtype == np.float32
    assert ours.shape == theirs.shape
    largest = max(1.0, float(np.abs(theirs).max(initial=0)))
    assert np.abs(ours - theirs).max(initial=0) <= 1e-5 * largest
    lengths = np.linalg.norm(ours, axis=-1) * np.linalg.norm(theirs, axis=-1)
    assert ((ours * theirs).sum(-1) / lengths).min(initial=1) >= 1 - 1e-6


def assert_all_same(ours: Sequence[Vectors], theirs: Sequence[Vectors]) -> None:
    """Assert that the token vectors of several texts are equal to rounding in float32."""
    assert [vectors.shape for vectors in ours] == [vectors.shape for vectors in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        assert_same(mine, other)


def assert_dense_parity(encoder: DenseEncoder, folder: Path, texts: list[str]) -> None:
    """Assert that all three ways to encode give the reference's vectors."""
    reference = dense_reference(folder)
    assert_same(encoder.encode(texts, on_overflow="truncate"), reference.encode(texts))
    assert_same(encoder.encode_query(texts, on_overflow="truncate"), reference.encode_query(texts))
    assert_same(
        encoder.encode_document(texts, batch_size=3, on_overflow="truncate"),
        reference.encode_document(texts),
    )


def assert_colbert_parity(encoder: ColbertEncoder, folder: Path, texts: list[str]) -> None:
    """Assert that queries, documents and their scores are the reference's."""
    reference = colbert_reference(folder)
    queries = encoder.encode_query(texts, batch_size=3, on_overflow="truncate")
    their_queries = list(reference.encode_query(texts, convert_to_numpy=True))
    assert_all_same(queries, their_queries)
    documents = encoder.encode_document(texts, batch_size=5, on_overflow="truncate")
    their_documents = list(reference.encode_document(texts, convert_to_numpy=True))
    assert_all_same(documents, their_documents)
    scores = encoder.similarity(queries, documents)
    assert scores.dtype == np.float32
    theirs = reference.similarity(their_queries, their_documents).numpy()
    np.testing.assert_allclose(scores, theirs, rtol=1e-5, atol=1e-4)


def read(folder: Path, name: str) -> Any:
    """Return what a JSON file of a checkpoint holds."""
    return json.loads((folder / name).read_text())


def write(folder: Path, name: str, values: object) -> None:
    """Replace a JSON file of a checkpoint."""
    (folder / name).write_text(json.dumps(values))


def change(folder: Path, name: str, **values: object) -> None:
    """Change some values in a JSON file of a checkpoint."""
    write(folder, name, read(folder, name) | values)


def change_tensors(folder: Path, name: str, **tensors: torch.Tensor | None) -> None:
    """Replace tensors, with ``__`` for the dots in their names; None takes one away."""
    changed = load_file(folder / name)
    for key, tensor in tensors.items():
        changed.pop(key.replace("__", "."), None)
        if tensor is not None:
            changed[key.replace("__", ".")] = tensor
    save_file(changed, folder / name, metadata={"format": "pt"})
