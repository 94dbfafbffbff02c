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
from tests.parity_table import Measurement, Subject, record

from holotype.encoders.colbert import ColbertEncoder
from holotype.encoders.dense import DenseEncoder
from holotype.encoders.encoder import Encoder
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


def subject(
    encoder: Encoder[Any], folder: Path, reference: str = "sentence-transformers"
) -> Subject:
    """Return what a comparison compares, as the checkpoint's files tell."""
    return Subject(
        kind=encoder.record.type,
        architecture=architecture_of(folder),
        format=format_of(folder),
        reference=reference,
    )


def architecture_of(folder: Path) -> str:
    """Return the model types of a checkpoint's transformers."""
    files = sorted({folder / "config.json", *folder.glob("*Transformer/config.json")})
    files += folder.glob("*/*Transformer/config.json")
    found = [read(file.parent, file.name).get("model_type") for file in files if file.is_file()]
    names = dict.fromkeys(name for name in found if name not in (None, "model2vec"))
    return "+".join(names) or "static"


def format_of(folder: Path) -> str:
    """Return the library whose format a checkpoint has."""
    kinds = [module["type"].rpartition(".")[2] for module in _optional(folder, "modules.json", [])]
    library = _optional(folder, "config_sentence_transformers.json", {})
    if {"Router", "Asym"} & {*kinds}:
        return "sentence-transformers, routed"
    if library.get("model_type") == "ColBERT" or "query_prefix" in library:
        return "pylate"
    if kinds or library:
        return "sentence-transformers"
    config = _optional(folder, "config.json", {})
    if config.get("model_type") == "model2vec":
        return "model2vec"
    return "stanford" if "HF_ColBERT" in config.get("architectures", []) else "transformers"


def _optional(folder: Path, name: str, otherwise: Any) -> Any:
    return read(folder, name) if (folder / name).is_file() else otherwise


def assert_same(ours: Vectors, theirs: Vectors, *, of: Subject | None = None) -> None:
    """Assert that vectors ``[n, dim]`` are equal to rounding in float32.

    Args:
        ours: the vectors.
        theirs: the reference's.
        of: what is compared, where it belongs into the parity matrix.
    """
    assert ours.dtype == np.float32
    assert ours.shape == theirs.shape
    largest = max(1.0, float(np.abs(theirs).max(initial=0)))
    difference = float(np.abs(ours - theirs).max(initial=0)) / largest
    cosine = lowest_cosine(ours, theirs)
    if of is not None:
        record(of, Measurement(vectors=difference, cosine=cosine))
    assert difference <= 1e-5
    assert cosine >= 1 - 1e-6


def lowest_cosine(ours: Vectors, theirs: Vectors) -> float:
    """Return the lowest cosine of vectors of the last axis; that of two zeros is 1."""
    left, right = ours.astype(np.float64), theirs.astype(np.float64)
    lengths = np.linalg.norm(left, axis=-1) * np.linalg.norm(right, axis=-1)
    both_zero = ~(left.any(axis=-1) | right.any(axis=-1))
    products = np.where(both_zero, 1, (left * right).sum(axis=-1))
    return float((products / np.where(both_zero, 1, lengths)).min(initial=1))


def assert_scores_same(ours: Vectors, theirs: Vectors, *, of: Subject | None = None) -> None:
    """Assert that scores are equal to rounding in float32, by the scale of the largest."""
    assert ours.dtype == np.float32
    assert ours.shape == theirs.shape
    largest = max(1.0, float(np.abs(theirs).max(initial=0)))
    difference = float(np.abs(ours - theirs).max(initial=0)) / largest
    if of is not None:
        record(of, Measurement(scores=difference))
    assert difference <= 1e-5


def assert_ranks_same(ours: Vectors, theirs: Vectors) -> None:
    """Assert that scores ``[n_queries, n_documents]`` rank as the reference's do.

    By our order theirs never rise, but for the rounding between documents that tie.
    """
    ranked = np.take_along_axis(theirs, np.argsort(-ours, axis=1), axis=1)
    largest = max(1.0, float(np.abs(theirs).max(initial=0)))
    assert np.diff(ranked, axis=1).max(initial=0) <= 1e-5 * largest


def assert_all_same(
    ours: Sequence[Vectors], theirs: Sequence[Vectors], *, of: Subject | None = None
) -> None:
    """Assert that the token vectors of several texts are equal to rounding in float32."""
    assert [vectors.shape for vectors in ours] == [vectors.shape for vectors in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        assert_same(mine, other, of=of)


def assert_dense_parity(encoder: DenseEncoder, folder: Path, texts: list[str]) -> None:
    """Assert that all three ways to encode give the reference's vectors, scores and rankings."""
    reference, of = dense_reference(folder), subject(encoder, folder)
    assert_same(encoder.encode(texts, on_overflow="truncate"), reference.encode(texts), of=of)
    queries = encoder.encode_query(texts, on_overflow="truncate")
    their_queries = reference.encode_query(texts)
    assert_same(queries, their_queries, of=of)
    documents = encoder.encode_document(texts, batch_size=3, on_overflow="truncate")
    their_documents = reference.encode_document(texts)
    assert_same(documents, their_documents, of=of)
    theirs = reference.similarity(their_queries, their_documents).numpy()
    scores = encoder.similarity(queries, documents)
    assert_scores_same(scores, theirs, of=of)
    assert_ranks_same(scores, theirs)


def assert_colbert_parity(encoder: ColbertEncoder, folder: Path, texts: list[str]) -> None:
    """Assert that queries, documents, their scores and rankings are the reference's."""
    reference, of = colbert_reference(folder), subject(encoder, folder)
    queries = encoder.encode_query(texts, batch_size=3, on_overflow="truncate")
    their_queries = list(reference.encode_query(texts, convert_to_numpy=True))
    assert_all_same(queries, their_queries, of=of)
    documents = encoder.encode_document(texts, batch_size=5, on_overflow="truncate")
    their_documents = list(reference.encode_document(texts, convert_to_numpy=True))
    assert_all_same(documents, their_documents, of=of)
    scores = encoder.similarity(queries, documents)
    theirs = reference.similarity(their_queries, their_documents).numpy()
    assert_scores_same(scores, theirs, of=of)
    assert_ranks_same(scores, theirs)


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
