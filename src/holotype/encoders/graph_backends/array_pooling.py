"""Pooling without torch: the functions of `pooling`, on arrays.

Each takes token vectors ``[n_texts, n_tokens, dim]`` and a mask ``[n_texts, n_tokens]`` that is
true where a token counts, and returns ``[n_texts, dim]``; a text without any token that counts gets
zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.graph_backends.array_tensors import Array

Mask = NDArray[np.bool_]


def pool_arrays(tokens: Array, mask: Mask, modes: Sequence[str]) -> Array:
    """Pool tokens in several ways and concatenate what comes out: ``[n_texts, n_modes * dim]``."""
    return np.concatenate([ARRAY_POOLINGS[mode](tokens, mask) for mode in modes], axis=-1)


def first_token(tokens: Array, mask: Mask) -> Array:
    """Take the first token that counts."""
    return _take(tokens, mask, mask.argmax(axis=1))


def last_token(tokens: Array, mask: Mask) -> Array:
    """Take the last token that counts."""
    return _take(tokens, mask, mask.shape[1] - 1 - mask[:, ::-1].argmax(axis=1))


def maximum(tokens: Array, mask: Mask) -> Array:
    """Take the greatest value of each dimension."""
    least = np.finfo(tokens.dtype).min
    found: Array = np.where(mask[..., None], tokens, least).max(axis=1)
    found[~mask.any(axis=1)] = 0
    return found


def mean(tokens: Array, mask: Mask) -> Array:
    """Average the tokens."""
    return _weighted_sum(tokens, mask) / _count(mask)


def mean_by_root_of_length(tokens: Array, mask: Mask) -> Array:
    """Sum the tokens and divide by the square root of their number."""
    roots: Array = np.sqrt(_count(mask), dtype=np.float32)
    pooled: Array = np.divide(_weighted_sum(tokens, mask), roots, dtype=np.float32)
    return pooled


def weighted_mean(tokens: Array, mask: Mask) -> Array:
    """Average the tokens with weights 1, 2, 3 and so on."""
    weights = (mask.cumsum(axis=1) * mask).astype(np.float32)
    total: Array = np.maximum(weights.sum(axis=1, keepdims=True), 1)
    return _weighted_sum(tokens, weights) / total


ARRAY_POOLINGS: Mapping[str, Callable[[Array, Mask], Array]] = {
    "cls": first_token,
    "max": maximum,
    "mean": mean,
    "mean-sqrt-len": mean_by_root_of_length,
    "weighted-mean": weighted_mean,
    "last-token": last_token,
}


def _weighted_sum(tokens: Array, weights: Mask | Array) -> Array:
    # A matrix product of one row for each text is many times faster than a masked sum.
    summed: Array = (weights[:, None, :].astype(np.float32) @ tokens)[:, 0]
    return summed


def _count(mask: Mask) -> Array:
    counts: Array = np.maximum(mask.sum(axis=1, keepdims=True, dtype=np.float32), 1)
    return counts


def _take(tokens: Array, mask: Mask, positions: NDArray[np.intp]) -> Array:
    taken: Array = tokens[np.arange(len(tokens)), positions]
    taken[~mask.any(axis=1)] = 0
    return taken
