"""One score out of those of several modes, as BGE-M3's authors make it: their weighted mean.

https://github.com/FlagOpen/FlagEmbedding, `compute_score` of the embedder for M3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.mode_vectors import Mode

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
