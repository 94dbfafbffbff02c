"""Attention in three steps, for CPUs on which torch's own is slower.

torch's attention for CPUs multiplies small blocks. In bfloat16 that pays where the processor has
tiles (AMX); without them, oneDNN's products of whole rows take half of the time. Their scores are
made for a few rows at once, so that they stay in the cache.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor

# Measured on two cores: fewer tokens cost more in calls than they save, and the scores of longer
# rows leave the cache.
_LEAST_TOKENS = 128
_LONGEST_ROW = 1024
# What a core's own cache holds.
_BYTES_A_THREAD = 1 << 20


def products_are_faster(query: Tensor) -> bool:
    """Return whether rows attend faster by `attend_by_products`.

    Args:
        query: ``[n_rows, n_heads, n_tokens, head_dim]``.
    """
    n_rows, _, n_tokens, _ = query.shape
    return (
        query.dtype == torch.bfloat16
        and query.device.type == "cpu"
        and n_rows * n_tokens >= _LEAST_TOKENS
        and n_tokens <= _LONGEST_ROW
        and _multiplies_bfloat16_without_tiles()
    )


def attend_by_products(
    query: Tensor, key: Tensor, value: Tensor, scale: float | None = None
) -> Tensor:
    """Let every token attend to its whole row.

    Args:
        query: ``[n_rows, n_heads, n_tokens, head_dim]``.
        key: the same shape.
        value: the same shape.
        scale: what scores are multiplied by; None means ``head_dim ** -0.5``.

    Returns:
        The shape of `query`.
    """
    n_rows, n_heads, n_tokens, head_dim = query.shape
    factor = head_dim**-0.5 if scale is None else scale
    n_bytes = n_heads * n_tokens * n_tokens * query.element_size()
    step = min(n_rows, max(1, torch.get_num_threads() * _BYTES_A_THREAD // n_bytes))
    buffer = query.new_empty(step * n_heads, n_tokens, n_tokens)
    found = query.new_empty(n_rows, n_tokens, n_heads, head_dim)
    for first in range(0, n_rows, step):
        rows = slice(first, min(first + step, n_rows))
        queries, keys, values = (one[rows].flatten(0, 1) for one in (query, key, value))
        scores = buffer[: len(queries)]
        torch.baddbmm(scores, queries, keys.mT, beta=0, alpha=factor, out=scores)
        torch.softmax(scores, -1, out=scores)
        found[rows] = torch.bmm(scores, values).view(-1, *query.shape[1:]).transpose(1, 2)
    return found.transpose(1, 2)


@cache
def _multiplies_bfloat16_without_tiles() -> bool:
    capabilities: Any = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("avx512_bf16")) and not capabilities.get("amx_bf16")
