"""How near vectors are to each other, by the function that a dense model is made for."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Vectors: TypeAlias = NDArray[np.float32]


def all_pairs(queries: Vectors, documents: Vectors, *, function: str) -> Vectors:
    """Score every query ``[n_queries, dim]`` against every document: ``[n_queries, n_documents]``.

    Args:
        queries: one vector for each query.
        documents: one vector for each document.
        function: ``"cosine"`` or ``"dot"``.
    """
    left, right = _prepared(queries, documents, function)
    scores: Vectors = np.asarray(left @ right.T, dtype=np.float32)
    return scores


def pairwise(queries: Vectors, documents: Vectors, *, function: str) -> Vectors:
    """Score every query against the document at its own position: ``[n_queries]``.

    Raises:
        ValueError: there are not as many documents as queries.
    """
    if len(queries) != len(documents):
        raise ValueError(
            f"{len(queries)} queries and {len(documents)} documents make no pairs; expected as "
            "many of both"
        )
    left, right = _prepared(queries, documents, function)
    scores: Vectors = np.einsum("nd,nd->n", left, right)
    return scores


def _prepared(queries: Vectors, documents: Vectors, function: str) -> tuple[Vectors, Vectors]:
    return (_unit(queries), _unit(documents)) if function == "cosine" else (queries, documents)


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: Vectors = vectors / np.maximum(lengths, 1e-12)
    return unit
