"""How far vectors of an export are from those of the model itself."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.graphs.losses import TextLoss, VectorLoss


def compare_vectors(
    ours: Iterable[NDArray[np.float32]], theirs: Iterable[NDArray[np.float32]]
) -> VectorLoss:
    """Compare the vectors of each text or picture: ``[n_vectors, dim]``."""
    found = tuple(
        TextLoss(
            max_difference=relative_difference(mine, other),
            min_cosine=smallest_cosine(mine, other),
        )
        for mine, other in zip(ours, theirs, strict=True)
    )
    return VectorLoss(
        # NaN must not get lost on the way.
        max_difference=float(np.max([loss.max_difference for loss in found])),
        min_cosine=float(np.min([loss.min_cosine for loss in found])),
        texts=found,
    )


def relative_difference(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> float:
    """Return the greatest difference, as a share of the greatest number where that exceeds 1."""
    difference = np.abs(ours.astype(np.float64) - theirs).max(initial=0)
    return float(difference / max(1.0, np.abs(theirs).max(initial=0)))


def smallest_cosine(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> float:
    """Return the smallest cosine of the rows of both; equal rows, also of zeros, have 1."""
    mine, other = ours.astype(np.float64), theirs.astype(np.float64)
    lengths = np.linalg.norm(mine, axis=-1) * np.linalg.norm(other, axis=-1)
    same = (mine == other).all(axis=-1)
    cosines = np.where(same, 1.0, (mine * other).sum(axis=-1) / np.maximum(lengths, 1e-12))
    return float(cosines.min(initial=1))
