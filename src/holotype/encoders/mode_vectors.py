"""The vectors of several modes of one model, and their scores together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.running.network import Output, OutputOf
from holotype.encoders.vectors.ragged import Ragged
from holotype.encoders.vectors.similarity import Vectors
from holotype.encoders.vectors.sparse import SparseVector, SparseVectors

Mode: TypeAlias = Literal["dense", "sparse", "colbert"]
TokenVectors: TypeAlias = Ragged[np.float32]

DenseT_co = TypeVar("DenseT_co", covariant=True)
SparseT_co = TypeVar("SparseT_co", covariant=True)
ColbertT_co = TypeVar("ColbertT_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModeVectors(Generic[DenseT_co, SparseT_co, ColbertT_co]):
    """The vectors of several texts in every mode that was loaded; a mode that was not is None.

    Attributes:
        dense: one vector for each text: float32 ``[n_texts, dim]``.
        sparse: the weights of words: `SparseVectors`, a compressed matrix.
        colbert: one vector for each token: a `Ragged` sequence of float32 ``[n_tokens, dim]``.
    """

    dense: DenseT_co
    sparse: SparseT_co
    colbert: ColbertT_co

    def __len__(self) -> int:
        """Return the number of texts."""
        found: tuple[Any, ...] = (self.dense, self.sparse, self.colbert)
        return next(len(vectors) for vectors in found if vectors is not None)


AnyModeVectors: TypeAlias = ModeVectors[Vectors | None, SparseVectors | None, TokenVectors | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a batch gives, in the order of its rows; None for a mode that was not loaded."""

    dense: list[NDArray[np.float32]] | None
    sparse: list[SparseVector] | None
    colbert: list[NDArray[np.float32]] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How wide the vectors of each mode are; None for a mode that was not loaded."""

    dense: int | None
    sparse: int | None
    colbert: int | None


def find(
    positions: Sequence[int], outputs: dict[Mode, Iterator[Output]], *, top_k: int | None
) -> Found:
    """Turn what the heads of all modes yield for one batch into vectors.

    Args:
        positions: the rows of the batch.
        outputs: what the head of each mode yields, some rows at a time.
        top_k: how many of the largest weights of words are kept; None keeps all.
    """
    place = {position: at for at, position in enumerate(positions)}
    dense = sparse = colbert = None
    if "dense" in outputs:
        dense = [np.empty(0, dtype=np.float32)] * len(place)
        for rows, vectors, _ in outputs["dense"]:
            for row, vector in zip(rows, vectors, strict=True):
                dense[place[row]] = vector
    if "sparse" in outputs:
        sparse = [SparseVector(np.empty(0, np.int64), np.empty(0, np.float32), 0)] * len(place)
        for rows, weights, _ in outputs["sparse"]:
            for row, words in zip(
                rows, SparseVectors.from_dense(weights, top_k=top_k), strict=True
            ):
                sparse[place[row]] = words
    if "colbert" in outputs:
        colbert = [np.empty((0, 0), dtype=np.float32)] * len(place)
        for rows, vectors, counted in outputs["colbert"]:
            for row, tokens, mask in zip(rows, vectors, counted, strict=True):
                colbert[place[row]] = tokens[mask]
    return Found(dense=dense, sparse=sparse, colbert=colbert)


def collect(n_texts: int, batches: Iterator[OutputOf[Found]], sizes: Sizes) -> AnyModeVectors:
    """Put the vectors of all batches into the order of the texts.

    Args:
        n_texts: how many texts there are.
        batches: what was found of them, in any order.
        sizes: the widths, also for the case that there is no text.
    """
    dense: dict[int, NDArray[np.float32]] = {}
    sparse: dict[int, SparseVector] = {}
    colbert: dict[int, NDArray[np.float32]] = {}
    for positions, found, _ in batches:
        dense.update(zip(positions, found.dense or (), strict=found.dense is not None))
        sparse.update(zip(positions, found.sparse or (), strict=found.sparse is not None))
        colbert.update(zip(positions, found.colbert or (), strict=found.colbert is not None))
    texts = range(n_texts)
    return ModeVectors(
        dense=None if sizes.dense is None else _stacked([dense[at] for at in texts], sizes.dense),
        sparse=None
        if sizes.sparse is None
        else SparseVectors.from_rows([sparse[at] for at in texts], dim=sizes.sparse),
        colbert=None
        if sizes.colbert is None
        else Ragged.from_arrays([colbert[at] for at in texts], dim=sizes.colbert),
    )


def concatenate(parts: Sequence[AnyModeVectors]) -> AnyModeVectors:
    """Put the texts of several parts of one encoder one after the other; there is at least one."""
    dense = [part.dense for part in parts if part.dense is not None]
    sparse = [part.sparse for part in parts if part.sparse is not None]
    colbert = [part.colbert for part in parts if part.colbert is not None]
    return ModeVectors(
        dense=np.concatenate(dense) if dense else None,
        sparse=SparseVectors.concatenate(sparse) if sparse else None,
        colbert=Ragged.concatenate(colbert) if colbert else None,
    )


def _stacked(vectors: Sequence[NDArray[np.float32]], dim: int) -> Vectors:
    return np.stack(vectors) if vectors else np.empty((0, dim), dtype=np.float32)


Weights: TypeAlias = Mapping[Mode, float]
"""What each mode counts for."""


def check_weights(weights: Weights, modes: Sequence[Mode]) -> None:
    """Refuse weights that are not those of the modes.

    Raises:
        ValueError: a mode has no weight or is unknown, a weight is negative, or all are 0.
    """
    if set(weights) != set(modes):
        raise ValueError(
            f"weights has {', '.join(weights) or 'nothing'}; expected one for each mode that was "
            f"loaded: {', '.join(modes)}"
        )
    if min(weights.values()) < 0 or not any(weights.values()):
        raise ValueError(
            f"weights is {dict(weights)!r}; expected none below 0, and one above it at least"
        )


def counting_modes(weights: Weights) -> tuple[Mode, ...]:
    """Return the modes whose scores count."""
    return tuple(mode for mode, weight in weights.items() if weight)


def weighted_mean(
    scores: Mapping[Mode, NDArray[np.float32]], weights: Weights
) -> NDArray[np.float32]:
    """Return the mean of scores of one shape; modes of weight 0 may be missing."""
    total = sum(weights.values())
    parts = [scores[mode] * (weights[mode] / total) for mode in counting_modes(weights)]
    return np.asarray(np.sum(parts, axis=0), dtype=np.float32)
