"""What some architectures add to the scores of attention, by how far a key is from its query."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True)
class PositionBias:
    """A number for each head and distance.

    Attributes:
        by_distance: ``[n_heads, 2 * n_tokens - 1]``, from the furthest key before a query to the
            furthest one behind it.
    """

    by_distance: Tensor

    @property
    def n_tokens(self) -> int:
        """How many tokens a row has at most."""
        return (self.by_distance.shape[1] + 1) // 2

    @cached_property
    def matrix(self) -> Tensor:
        """What is added for each query and key: ``[1, n_heads, n_tokens, n_tokens]``."""
        return self.by_distance.unfold(1, self.n_tokens, 1).flip(1)[None]

    @cached_property
    def in_float32(self) -> Tensor:
        """The numbers of `by_distance` side by side in float32."""
        return self.by_distance.float().contiguous()


def position_bias(table: Tensor, n_tokens: int, furthest: int = 128) -> PositionBias:
    """Return what is added to the scores of rows of up to so many tokens.

    Args:
        table: a row for each bucket of distances, ``[n_buckets, n_heads]``; the later half is for
            keys behind their query.
        n_tokens: the tokens of the longest row.
        furthest: the distance from which on all share a bucket.
    """
    distances = torch.arange(1 - n_tokens, n_tokens, device=table.device)
    return PositionBias(table[_buckets(distances, len(table), furthest)].t().contiguous())


def _buckets(distance: Tensor, n_buckets: int, furthest: int) -> Tensor:
    """Return the bucket of each distance, of a key from its query."""
    half = n_buckets // 2
    n_exact = half // 2
    away = distance.abs()
    # The order of the operations decides on which side of a border rounding puts a distance.
    growth = torch.log(away.float().clamp(min=1) / n_exact) / math.log(furthest / n_exact)
    wide = (n_exact + (growth * (half - n_exact)).long()).clamp(max=half - 1)
    return torch.where(away < n_exact, away, wide) + (distance > 0) * half
