"""MPNet's biases of attention, which depend on how far apart two tokens are.

Distances fall into buckets, as in T5: one each for short ones, then ever wider ones (Raffel et al.,
2020, https://arxiv.org/abs/1910.10683, section 2.1).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

_N_BUCKETS = 32
_MAX_DISTANCE = 128


def position_bias(table: Tensor, length: int) -> Tensor:
    """Return what is added to the scores of attention: ``[1, n_heads, length, length]``.

    Args:
        table: a row for each bucket, ``[n_buckets, n_heads]``.
        length: the tokens of a row.
    """
    at = torch.arange(length, device=table.device)
    return table[_buckets(at[None, :] - at[:, None])].permute(2, 0, 1)[None]


def _buckets(distance: Tensor) -> Tensor:
    """Return the bucket of each distance, of a key from its query: the later half lies ahead."""
    half = _N_BUCKETS // 2
    n_exact = half // 2
    away = distance.abs()
    # The order of the operations decides on which side of a border rounding puts a distance.
    growth = torch.log(away.float().clamp(min=1) / n_exact) / math.log(_MAX_DISTANCE / n_exact)
    wide = (n_exact + (growth * (half - n_exact)).long()).clamp(max=half - 1)
    return torch.where(away < n_exact, away, wide) + (distance > 0) * half
