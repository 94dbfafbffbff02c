"""From the vectors of the tokens to one vector for a text.

Each function takes token vectors ``[n_texts, n_tokens, dim]`` and a mask ``[n_texts, n_tokens]``
that is true where a token counts, and returns ``[n_texts, dim]``. Padding may be on either side;
a text without any token that counts gets zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor


def pool(tokens: Tensor, mask: Tensor, modes: Sequence[str]) -> Tensor:
    """Pool tokens in several ways and concatenate what comes out: ``[n_texts, n_modes * dim]``."""
    return torch.cat([POOLINGS[mode](tokens, mask) for mode in modes], dim=-1)


def first_token(tokens: Tensor, mask: Tensor) -> Tensor:
    """Take the first token that counts, mostly a special token that stands for the text."""
    return _take(tokens, mask, mask.int().argmax(dim=1))


def last_token(tokens: Tensor, mask: Tensor) -> Tensor:
    """Take the last token that counts, the only one that has seen all of the text."""
    from_the_end = mask.flip(1).int().argmax(dim=1)
    return _take(tokens, mask, mask.shape[1] - 1 - from_the_end)


def maximum(tokens: Tensor, mask: Tensor) -> Tensor:
    """Take the greatest value of each dimension."""
    least = torch.finfo(tokens.dtype).min
    found = tokens.masked_fill(~mask.unsqueeze(-1), least).max(dim=1).values
    return found.masked_fill(~mask.any(dim=1, keepdim=True), 0)


def mean(tokens: Tensor, mask: Tensor) -> Tensor:
    """Average the tokens."""
    return _weighted_sum(tokens, mask) / _count(mask)


def mean_by_root_of_length(tokens: Tensor, mask: Tensor) -> Tensor:
    """Sum the tokens and divide by the square root of their number."""
    return _weighted_sum(tokens, mask) / _count(mask).sqrt()


def weighted_mean(tokens: Tensor, mask: Tensor) -> Tensor:
    """Average the tokens with weights 1, 2, 3 and so on, since later ones have seen more."""
    weights = mask.cumsum(dim=1) * mask
    return _weighted_sum(tokens, weights) / weights.sum(dim=1, keepdim=True).clamp(min=1)


POOLINGS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cls": first_token,
    "max": maximum,
    "mean": mean,
    "mean-sqrt-len": mean_by_root_of_length,
    "weighted-mean": weighted_mean,
    "last-token": last_token,
}


def _weighted_sum(tokens: Tensor, weights: Tensor) -> Tensor:
    # Sums of half-precision numbers are kept in float32, where they lose nothing.
    return (tokens.float() * weights.unsqueeze(-1)).sum(dim=1)


def _count(mask: Tensor) -> Tensor:
    return mask.sum(dim=1, keepdim=True).clamp(min=1)


def _take(tokens: Tensor, mask: Tensor, positions: Tensor) -> Tensor:
    taken = tokens[torch.arange(len(tokens), device=tokens.device), positions]
    return taken.masked_fill(~mask.any(dim=1, keepdim=True), 0)
