"""Attention of rows that are much longer than how far their tokens see.

torch's own attention computes the score of every pair of tokens, and a mask drops most of them. So
queries are cut into pieces, each of which reads what its tokens may see and little more.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from holotype.encoders.torch_backend.masks import sees

# Measured on two cores with windows of 65 tokens; fewer queries cost more in calls than they save.
_QUERIES = 64
_SHORTEST = 256


def attends_locally(n_tokens: int, window: int) -> bool:
    """Return whether rows of so many tokens attend faster piece by piece.

    Args:
        n_tokens: the tokens of a row, padding included.
        window: how far tokens see at most: to distances below it.
    """
    return n_tokens >= max(_SHORTEST, 2 * window)


def attend_locally(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    window: int,
    causal: bool,
    n_real: int,
    attended: Tensor | None = None,
    scale: float | None = None,
) -> Tensor:
    """Let every token attend to those of its row that are near.

    Args:
        query: ``[n_rows, n_heads, n_tokens, head_dim]``.
        key: the same shape.
        value: the same shape.
        window: how far tokens see at most: to distances below it.
        causal: whether they see nothing that follows.
        n_real: how many tokens of each row are no padding, which comes last.
        attended: which tokens others attend to, ``[n_rows, n_tokens]``; None where all are.
        scale: what scores are multiplied by; None means ``head_dim ** -0.5``.

    Returns:
        The shape of `query`; anything for padding.
    """
    found = torch.empty_like(query)
    n_tokens = query.shape[2]
    reach = window - 1
    for start in range(0, n_tokens, _QUERIES):
        stop = min(start + _QUERIES, n_tokens)
        first = max(0, start - reach)
        last = stop if causal else min(n_tokens, stop + reach)
        mask = _mask(
            stop - start,
            last - first,
            start - first,
            min(max(n_real - first, 0), last - first),
            window,
            causal=causal,
        )
        if attended is not None:
            mask = mask & attended[:, None, None, first:last]
        found[:, :, start:stop] = functional.scaled_dot_product_attention(
            query[:, :, start:stop],
            key[:, :, first:last],
            value[:, :, first:last],
            attn_mask=mask,
            scale=scale,
        )
    return found


@lru_cache(maxsize=64)
def _mask(
    n_queries: int, n_keys: int, offset: int, n_real: int, window: int, *, causal: bool
) -> Tensor:
    """Return which key each query sees, ``[n_queries, n_keys]``.

    Args:
        n_queries: the queries of a piece.
        n_keys: the keys that it reads.
        offset: which key has the position of the first query.
        n_real: how many keys are no padding.
        window: how far tokens see at most: to distances below it.
        causal: whether they see nothing that follows.
    """
    query = torch.arange(offset, offset + n_queries)[:, None]
    key = torch.arange(n_keys)[None, :]
    # Padding attends to padding: to nothing would be no number.
    real = (query < n_real) == (key < n_real)
    return real & sees(query - key, causal=causal, window=window)
