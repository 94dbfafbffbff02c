"""Sparse vectors: weights for some words of a vocabulary."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, SupportsIndex, cast, overload

import numpy as np
from numpy.typing import NDArray

from holotype.atomic_file import writing_file
from holotype.encoders.vectors.finite import NOT_REAL, refuse_infinite, require_finite_scores
from holotype.encoders.vectors.npz_file import read_npz
from holotype.encoders.vectors.ragged import Positions, PositionT, choose_parts
from holotype.errors import MissingExtraError

# The most products of a query weight and a document weight in memory at once.
_PRODUCTS_AT_ONCE = 4_000_000


@dataclass(frozen=True, slots=True, eq=False)
class SparseVector:
    """One sparse vector.

    Attributes:
        indices: the weighted words, ascending: int64 ``[n_active]``.
        values: their weights: float32 ``[n_active]``.
        dim: the size of the vocabulary.
    """

    indices: NDArray[np.int64]
    values: NDArray[np.float32]
    dim: int

    def __len__(self) -> int:
        """Return the number of weighted words."""
        return len(self.indices)

    def to_dense(self) -> NDArray[np.float32]:
        """Return the vector with its zeros: float32 ``[dim]``."""
        dense = np.zeros(self.dim, dtype=np.float32)
        dense[self.indices] = self.values
        return dense


@dataclass(frozen=True, slots=True, eq=False)
class SparseVectors(Sequence[SparseVector]):
    """Several sparse vectors as one compressed matrix (CSR), and a sequence of its rows.

    Attributes:
        indptr: the start of each row, then the end of the last one: int64 ``[n_rows + 1]``.
        indices: the weighted words, ascending within a row: int64 ``[n_active]``.
        values: their weights: float32 ``[n_active]``.
        shape: the number of rows and the size of the vocabulary.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int64]
    values: NDArray[np.float32]
    shape: tuple[int, int]

    @classmethod
    def from_dense(cls, dense: NDArray[np.float32], *, top_k: int | None = None) -> SparseVectors:
        """Keep the nonzero weights.

        Args:
            dense: ``[n_rows, dim]``.
            top_k: how many of the largest weights to keep in each row; None keeps all.
        """
        rows, indices = np.nonzero(dense)
        counts = np.bincount(rows, minlength=len(dense))
        found = cls(
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            indices.astype(np.int64),
            dense[rows, indices].astype(np.float32),
            (dense.shape[0], dense.shape[1]),
        )
        return found if top_k is None else found.top_k(top_k)

    @classmethod
    def from_rows(cls, rows: Sequence[SparseVector], *, dim: int) -> SparseVectors:
        """Stack rows over one vocabulary of `dim` words."""
        no_indices, no_values = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        return cls(
            np.cumsum([0, *map(len, rows)], dtype=np.int64),
            np.concatenate([no_indices, *(row.indices for row in rows)]),
            np.concatenate([no_values, *(row.values for row in rows)]),
            (len(rows), dim),
        )

    @classmethod
    def from_scipy(cls, matrix: Any) -> SparseVectors:
        """Take a sparse matrix or array of scipy, ``[n_rows, dim]``, of any format.

        Weights become float32, zeros are dropped, and weights of one place are added up.

        Raises:
            TypeError: it is no sparse matrix of scipy.
            ValueError: it has not two dimensions, its weights are no finite numbers of float32, or
                its indices are out of range.
        """
        if not hasattr(matrix, "tocsr"):
            raise TypeError(
                f"from_scipy() takes a sparse matrix of scipy, not {type(matrix).__name__}; take "
                "from_dense() for arrays"
            )
        if len(matrix.shape) != 2:
            raise ValueError(f"has the shape {matrix.shape}; expected [n_rows, dim]")
        if matrix.dtype.kind in NOT_REAL:
            raise ValueError(f"has weights of the type {matrix.dtype}; expected real numbers")
        if hasattr(matrix, "check_format"):
            # scipy writes beyond its arrays where indices lead out of the matrix.
            matrix.check_format(full_check=True)
        rows = matrix.tocsr(copy=True)
        rows.sum_duplicates()
        rows.eliminate_zeros()
        with np.errstate(over="ignore"):
            values = rows.data.astype(np.float32)
        if not np.isfinite(values).all():
            at = int(np.argmin(np.isfinite(values)))
            row = int(np.searchsorted(rows.indptr, at, side="right")) - 1
            raise ValueError(
                f"has the weight {rows.data[at]} in row {row}, column {rows.indices[at]}; expected "
                "finite numbers of float32"
            )
        return cls(
            rows.indptr.astype(np.int64),
            rows.indices.astype(np.int64),
            values,
            (int(rows.shape[0]), int(rows.shape[1])),
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> SparseVectors:
        """Read a file that `save` wrote.

        Raises:
            OSError: the file cannot be opened.
            ValueError: the file is damaged, holds something else, or its arrays do not belong
                together.
        """
        indptr, indices, values, shape = read_npz(path, ("indptr", "indices", "values", "shape"))
        problem = _problem(indptr, indices, values, shape)
        if problem is not None:
            raise ValueError(f"{os.fspath(path)} holds no sparse vectors: {problem}")
        return cls(indptr, indices, values, (int(shape[0]), int(shape[1])))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the arrays as NumPy ``.npz``, atomically; no suffix is added to `path`.

        Raises:
            OSError: the file cannot be written; what was there is left.
        """
        with writing_file(Path(path)) as file:
            np.savez(
                file,
                indptr=self.indptr,
                indices=self.indices,
                values=self.values,
                shape=np.array(self.shape, dtype=np.int64),
            )

    @classmethod
    def concatenate(cls, parts: Sequence[SparseVectors]) -> SparseVectors:
        """Stack the rows of several parts, at least one."""
        if len(parts) == 1:
            return parts[0]
        counts = np.concatenate([np.diff(part.indptr) for part in parts])
        return cls(
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            np.concatenate([part.indices for part in parts]),
            np.concatenate([part.values for part in parts]),
            (len(counts), parts[0].shape[1]),
        )

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.shape[0]

    @overload
    def __getitem__(self, index: int | np.integer[Any]) -> SparseVector: ...
    @overload
    def __getitem__(self, index: slice | Positions[PositionT]) -> SparseVectors: ...
    def __getitem__(
        self, index: int | np.integer[Any] | slice | list[Any] | NDArray[Any]
    ) -> SparseVector | SparseVectors:
        """Return one row, or the rows of a slice, of positions or of a mask, as NumPy names them.

        Raises:
            IndexError: there is no such row, or the mask has another length.
        """
        if isinstance(index, slice):
            return self[np.arange(len(self))[index]]
        if isinstance(index, list | np.ndarray) and np.ndim(index):
            members, indptr = choose_parts(self.indptr, index)
            shape = (len(indptr) - 1, self.shape[1])
            return SparseVectors(indptr, self.indices[members], self.values[members], shape)
        # An array without axes is one position.
        at = range(len(self))[cast(SupportsIndex, index)]
        part = slice(self.indptr[at], self.indptr[at + 1])
        return SparseVector(self.indices[part], self.values[part], self.shape[1])

    def __iter__(self) -> Iterator[SparseVector]:
        """Yield every row."""
        return (self[at] for at in range(len(self)))

    def top_k(self, k: int) -> SparseVectors:
        """Keep only the `k` largest weights of each vector.

        Raises:
            ValueError: `k` is not positive.
        """
        if k < 1:
            raise ValueError(f"top_k is {k!r}; expected at least 1")
        rows = []
        for row in self:
            if len(row) > k:
                kept = np.sort(np.argpartition(-row.values, k - 1)[:k])
                row = SparseVector(row.indices[kept], row.values[kept], row.dim)
            rows.append(row)
        return SparseVectors.from_rows(rows, dim=self.shape[1])

    def to_dense(self) -> NDArray[np.float32]:
        """Return the matrix with its zeros: float32 ``[n_rows, dim]``."""
        dense = np.zeros(self.shape, dtype=np.float32)
        dense[np.repeat(np.arange(len(self)), np.diff(self.indptr)), self.indices] = self.values
        return dense

    def to_scipy(self) -> Any:
        """Return a `scipy.sparse.csr_array` that shares the weights.

        Raises:
            MissingExtraError: scipy is not installed.
        """
        try:
            sparse = importlib.import_module("scipy.sparse")
        except ModuleNotFoundError as error:
            raise MissingExtraError("scipy", "scipy", "to_scipy()") from error
        return sparse.csr_array((self.values, self.indices, self.indptr), shape=self.shape)

    def equals(self, other: SparseVectors) -> bool:
        """Whether every weight is the same."""
        return self.shape == other.shape and all(
            np.array_equal(ours, theirs)
            for ours, theirs in (
                (self.indptr, other.indptr),
                (self.indices, other.indices),
                (self.values, other.values),
            )
        )

    def __repr__(self) -> str:
        """Show the sizes, not the values."""
        return (
            f"SparseVectors({self.shape[0]} rows, {len(self.values)} weights, dim={self.shape[1]})"
        )


def _problem(
    indptr: NDArray[Any], indices: NDArray[Any], values: NDArray[Any], shape: NDArray[Any]
) -> str | None:
    """Return why arrays are no sparse vectors; None where they are."""
    types = [f"{one.dtype} {one.ndim}" for one in (indptr, indices, values, shape)]
    if types != ["int64 1", "int64 1", "float32 1", "int64 1"]:
        return "expected one axis each, of int64, int64, float32 and int64"
    if len(shape) != 2 or (shape < 0).any() or len(indptr) != shape[0] + 1:
        return f"{len(indptr)} starts of rows do not fit the shape {shape.tolist()}"
    if indptr[0] or (np.diff(indptr) < 0).any() or not indptr[-1] == len(indices) == len(values):
        return f"the rows do not cover {len(indices)} words and {len(values)} weights in order"
    within = np.ones(len(indices), dtype=bool)
    within[indptr[:-1][np.diff(indptr) > 0]] = False
    steps = np.diff(indices, prepend=0)
    if ((indices < 0) | (indices >= shape[1])).any() or (steps[within] <= 0).any():
        return f"the words of a row are not ascending numbers below {shape[1]}"
    return None


def products(queries: SparseVectors, documents: SparseVectors) -> NDArray[np.float32]:
    """Return the dot product of every query with every document: ``[n_queries, n_documents]``.

    Raises:
        ValueError: their vocabularies differ, or a weight or a product is NaN or infinite.
    """
    _check(queries, documents)
    scores = np.zeros((len(queries), len(documents)), dtype=np.float32)
    filled = np.flatnonzero(np.diff(documents.indptr))
    starts = documents.indptr[filled]
    if not len(filled):
        return scores
    at_once = max(1, _PRODUCTS_AT_ONCE // len(documents.values))
    for first in range(0, len(queries), at_once):
        part = queries[first : first + at_once].to_dense()
        with np.errstate(invalid="ignore", over="ignore"):
            weighted = part[:, documents.indices] * documents.values
            scores[first : first + at_once, filled] = np.add.reduceat(weighted, starts, axis=1)
    return require_finite_scores(scores, (), ())


def pairwise_products(queries: SparseVectors, documents: SparseVectors) -> NDArray[np.float32]:
    """Return the dot product of each query and the document at its position: ``[n_queries]``.

    Raises:
        ValueError: the numbers of queries and documents differ, or their vocabularies do, or a
            weight or a product is NaN or infinite.
    """
    _check(queries, documents)
    if len(queries) != len(documents):
        raise ValueError(
            f"there are {len(queries)} queries and {len(documents)} documents; expected as many"
        )
    pairs = zip(queries, documents, strict=True)
    with np.errstate(invalid="ignore", over="ignore"):
        scores = np.array([_product(*pair) for pair in pairs], dtype=np.float32)
    return require_finite_scores(scores, (), ())


def lengths(vectors: SparseVectors) -> NDArray[np.float32]:
    """Return the Euclidean length of every vector: float32 ``[n_rows]``."""
    return np.array([np.linalg.norm(row.values) for row in vectors], dtype=np.float32)


def rescaled(vectors: SparseVectors) -> SparseVectors:
    """Return vectors of the same directions whose largest weights are between 0.5 and 1.

    Their lengths and products neither overflow nor vanish. The factors are powers of two, so no
    weight is rounded.
    """
    rows = np.repeat(np.arange(len(vectors)), np.diff(vectors.indptr))
    peaks = np.zeros(len(vectors), dtype=np.float32)
    np.maximum.at(peaks, rows, np.abs(vectors.values))
    exponents = np.frexp(peaks)[1]
    values = np.ldexp(vectors.values, -exponents[rows])
    return SparseVectors(vectors.indptr, vectors.indices, values, vectors.shape)


def _product(query: SparseVector, document: SparseVector) -> float:
    _, left, right = np.intersect1d(
        query.indices, document.indices, assume_unique=True, return_indices=True
    )
    return float(query.values[left] @ document.values[right])


def _check(queries: SparseVectors, documents: SparseVectors) -> None:
    if queries.shape[1] != documents.shape[1]:
        raise ValueError(
            f"queries weigh {queries.shape[1]} words, documents {documents.shape[1]}; expected "
            "vectors of one vocabulary"
        )
    # A weight that the other side lacks would leave no trace in the scores.
    for name, several in (("queries", queries), ("documents", documents)):
        if not np.isfinite(several.values).all():
            refuse_infinite(name, (row.values for row in several))
