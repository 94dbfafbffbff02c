"""Score queries against documents: cosine, dot product and MaxSim."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.vectors.finite import (
    NOT_REAL,
    refuse_infinite,
    require_finite_scores,
)
from holotype.encoders.vectors.ragged import Ragged
from holotype.errors import InvalidArgumentError

# A block of this many document tokens keeps its scores in the processor's cache.
_TOKENS_AT_ONCE = 8192

# So many numbers of stored documents are in float32 at a time: 4 MB.
_VALUES_AT_ONCE = 1 << 20

# Shorter vectors lose digits when their values are squared in float32.
_SHORT = 1e-12


def refuse_texts(vectors: object) -> None:
    """Refuse texts in the place of their vectors.

    Raises:
        InvalidArgumentError: it is a text, or a list that begins with one.
    """
    first = vectors[0] if isinstance(vectors, list | tuple) and vectors else vectors
    if isinstance(first, str | bytes):
        raise InvalidArgumentError(
            f"similarity compares vectors, not texts such as {first[:40]!r}; write "
            "encoder.similarity(encoder.encode_query(...), encoder.encode_document(...))"
        )


def as_array(vectors: object) -> NDArray[Any]:
    """Return an array of numbers of what may be a list, or an array of another library.

    Raises:
        InvalidArgumentError: it is something else (a text, a dict, None), or its rows differ in
            length.
    """
    refuse_texts(vectors)
    try:
        found = np.asarray(vectors)
        if found.dtype.kind == "O" and found.ndim:
            found = found.astype(np.float32)
    except (TypeError, ValueError, OverflowError):
        found = np.asarray(None)
    # Arrays of other libraries that are part of a gradient, or on a device.
    except RuntimeError as error:
        raise InvalidArgumentError(
            f"similarity cannot read the numbers of {shown(vectors)}: {error}"
        ) from error
    if found.dtype.kind in NOT_REAL:
        raise InvalidArgumentError(
            f"similarity compares arrays of real numbers, as the encoder returns them, not "
            f"{shown(vectors)}"
        )
    return found


def as_vectors(vectors: object) -> NDArray[Any]:
    """Return one vector or several as ``[n_vectors, dim]``.

    Raises:
        InvalidArgumentError: there are more axes, or see `as_array`.
    """
    found = np.atleast_2d(as_array(vectors))
    if found.ndim > 2:
        raise InvalidArgumentError(
            f"the vectors have {found.ndim} axes, {list(found.shape)}; expected one vector [dim], or "
            "several [n_vectors, dim]"
        )
    return found


def shown(vectors: object) -> str:
    """Return what an error calls an argument that holds no vectors."""
    if vectors is None:
        return "None"
    kind = getattr(vectors, "dtype", None)
    return type(vectors).__name__ + ("" if kind is None else f" of {kind}")


def maxsim(queries: Ragged[np.float32], documents: Ragged[np.float32]) -> NDArray[np.float32]:
    """Score every query against every document by MaxSim.

    Args:
        queries: their token vectors.
        documents: their token vectors.

    Returns:
        float32 ``[n_queries, n_documents]``. A document without tokens ranks below all others:
        its score is -inf.

    Raises:
        ValueError: a vector has NaN or infinity.
    """
    scores = np.full((len(queries), len(documents)), -np.inf, dtype=np.float32)
    empty = documents.lengths == 0
    probed = next((row for row, query in enumerate(queries) if len(query)), None)
    for first, last in _spans(documents.offsets):
        start, end = documents.offsets[first], documents.offsets[last]
        tokens = documents.values[start:end]
        columns = first + np.flatnonzero(documents.lengths[first:last])
        starts = documents.offsets[columns] - start
        with np.errstate(invalid="ignore", over="ignore"):
            for row, query in enumerate(queries):
                products = query @ tokens.T
                best = np.maximum.reduceat(products, starts, axis=1)
                scores[row, columns] = best.sum(axis=0)
                if row == probed and not np.isfinite(products[0]).all():
                    # The maximum leaves out -inf, which another token of the document may hold.
                    refuse_infinite("documents", documents)
    return require_finite_scores(scores, queries, documents, absent=empty)


def maxsim_pairwise(
    queries: Ragged[np.float32], documents: Ragged[np.float32]
) -> NDArray[np.float32]:
    """Score each query against the document at the same position: float32 ``[n_queries]``.

    Raises:
        ValueError: the numbers of queries and documents differ, or a vector has NaN or infinity.
    """
    _require_pairs(len(queries), len(documents))
    scores = np.full(len(queries), -np.inf, dtype=np.float32)
    with np.errstate(invalid="ignore", over="ignore"):
        for at, (query, document) in enumerate(zip(queries, documents, strict=True)):
            if len(document):
                products = query @ document.T
                scores[at] = products.max(axis=1).sum()
                if not np.isfinite(products[:1]).all():
                    refuse_infinite("documents", documents)
    return require_finite_scores(scores, queries, documents, absent=documents.lengths == 0)


def _spans(offsets: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield ranges of documents, first and past-the-end, with a bounded number of tokens.

    A document over the bound gets a range of its own, with the empty documents around it.
    """
    first, n_documents = 0, len(offsets) - 1
    while first < n_documents:
        limit = max(offsets[first] + _TOKENS_AT_ONCE, offsets[first + 1])
        last = int(np.searchsorted(offsets, limit, side="right")) - 1
        if offsets[last] > offsets[first]:
            yield first, last
        first = last


Vectors: TypeAlias = NDArray[np.float32]


def stored_pairs(
    queries: Vectors,
    documents: NDArray[Any],
    to_floats: Callable[[NDArray[Any]], Vectors],
    *,
    function: str,
) -> Vectors:
    """Score every query against every stored document, of which few are in float32 at a time.

    Args:
        queries: one vector for each query, ``[n_queries, dim]``.
        documents: the documents as they are stored, ``[n_documents, width]``, such as the bytes of
            quantised vectors; the array may be a file that is mapped into memory.
        to_floats: returns the float32 vectors of some documents, ``[n, dim]``.
        function: ``"cosine"`` or ``"dot"``.

    Returns:
        float32 ``[n_queries, n_documents]``.

    Raises:
        ValueError: a vector has NaN or infinity.
    """
    scores = np.empty((len(queries), len(documents)), dtype=np.float32)
    at_once = max(1, _VALUES_AT_ONCE // max(1, queries.shape[-1]))
    # An empty array is converted, too, so that a wrong width is refused.
    for first in range(0, max(1, len(documents)), at_once):
        block = to_floats(documents[first : first + at_once])
        scores[:, first : first + at_once] = all_pairs(
            queries, block, function=function, first=first
        )
    return scores


def all_pairs(queries: Vectors, documents: Vectors, *, function: str, first: int = 0) -> Vectors:
    """Score every query ``[n_queries, dim]`` against every document: ``[n_queries, n_documents]``.

    Args:
        queries: one vector for each query.
        documents: one vector for each document.
        function: ``"cosine"`` or ``"dot"``.
        first: the index of the first document in errors.

    Raises:
        ValueError: a vector has NaN or infinity.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        left, right = _scale(queries, documents, function)
        scores = np.asarray(left @ right.T, dtype=np.float32)
    return require_finite_scores(scores, queries, documents, first=first)


def pairwise(queries: Vectors, documents: Vectors, *, function: str) -> Vectors:
    """Score each query against the document at the same position: ``[n_queries]``.

    Raises:
        ValueError: the numbers of queries and documents differ, or a vector has NaN or infinity.
    """
    _require_pairs(len(queries), len(documents))
    with np.errstate(invalid="ignore", over="ignore"):
        left, right = _scale(queries, documents, function)
        scores: Vectors = np.einsum("nd,nd->n", left, right)
    return require_finite_scores(scores, queries, documents)


def _scale(queries: Vectors, documents: Vectors, function: str) -> tuple[Vectors, Vectors]:
    if function != "cosine":
        return queries, documents
    return _normalize(queries), _normalize(documents)


def _normalize(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    extreme = ((lengths < _SHORT) | np.isinf(lengths))[..., 0]
    if extreme.any():
        # A power of two rounds nothing, and the lengths of what it leaves are in range.
        exponents = np.frexp(np.abs(vectors[extreme]).max(axis=-1, keepdims=True, initial=0))[1]
        vectors = vectors.copy()
        vectors[extreme] = np.ldexp(vectors[extreme], -exponents)
        lengths[extreme] = np.linalg.norm(vectors[extreme], axis=-1, keepdims=True)
    unit: Vectors = vectors / np.maximum(lengths, _SHORT)
    return unit


def _require_pairs(n_queries: int, n_documents: int) -> None:
    if n_queries != n_documents:
        raise ValueError(
            f"{n_queries} queries and {n_documents} documents make no pairs; expected as many of "
            "both"
        )
