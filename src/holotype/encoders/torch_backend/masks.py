"""Which tokens attend to which, by their distance, and what is added to their scores."""

from __future__ import annotations

import torch
from torch import Tensor


def sees(distance: Tensor, *, causal: bool, window: int | None) -> Tensor:
    """Return whether a token sees another one: the shape of `distance`.

    Args:
        distance: the position of the token less that of the other one.
        causal: whether tokens see nothing that follows.
        window: how far they see at most: to distances below it; None where that has no limit.
    """
    seen = distance >= 0 if causal else torch.ones_like(distance, dtype=torch.bool)
    return seen if window is None else seen & (distance.abs() < window)


def biased(bias: Tensor, mask: Tensor | None) -> Tensor:
    """Return what is added to scores: a bias, and the least number where a mask hides a token."""
    return bias if mask is None else bias.masked_fill(~mask, torch.finfo(bias.dtype).min)
