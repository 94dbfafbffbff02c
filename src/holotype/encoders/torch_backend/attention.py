"""Attention within the rows of a batch that has no padding between them.

The rows of one length form a group, so that one call of torch's attention serves them all; what is
left of a batch's raggedness costs a call for each length.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from holotype.encoders.running.packing import Group, PackedBatch

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


_MaskKey: TypeAlias = tuple[Group, bool, int | None]


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """A batch on a device; every tensor is ``[n_tokens]``.

    Attributes:
        ids: token ids.
        type_ids: the segment of every token.
        positions: the position of every token in its row, from 0.
        attended: whether the other tokens of its row attend to it; None where all are attended.
        groups: the rows by length.
    """

    ids: Tensor
    type_ids: Tensor
    positions: Tensor
    attended: Tensor | None
    groups: tuple[Group, ...]
    _masks: dict[_MaskKey, Tensor | None] = field(default_factory=dict)

    @classmethod
    def place(cls, batch: PackedBatch, device: torch.device, *, with_types: bool) -> TokenBatch:
        """Copy a batch to a device; all segments are 0 where `with_types` is false."""
        ids = torch.from_numpy(batch.ids).to(device)
        types = torch.from_numpy(batch.type_ids).to(device) if with_types else torch.zeros_like(ids)
        return cls(
            ids=ids,
            type_ids=types,
            positions=torch.from_numpy(batch.positions).to(device),
            attended=(
                None if batch.attended.all() else torch.from_numpy(batch.attended).to(device)
            ),
            groups=batch.groups,
        )

    def mask(self, group: Group, *, causal: bool, window: int | None) -> Tensor | None:
        """Return which token attends to which in a group, ``[n_rows or 1, 1, n_tokens, n_tokens]``.

        Args:
            group: the rows.
            causal: whether tokens attend to nothing that follows.
            window: how far tokens see at most: to distances below it.

        Returns:
            None where every token attends to all of its row, or, where `causal`, to all before.
        """
        if window is not None and window >= group.n_tokens:
            window = None
        key = (group, causal, window)
        if key not in self._masks:
            self._masks[key] = self._make_mask(group, causal, window)
        return self._masks[key]

    def _make_mask(self, group: Group, causal: bool, window: int | None) -> Tensor | None:
        if self.attended is None and window is None:
            return None
        at = torch.arange(group.n_tokens, device=self.ids.device)
        distance = at[:, None] - at[None, :]
        seen = distance >= 0 if causal else torch.ones_like(distance, dtype=torch.bool)
        if window is not None:
            seen = seen & (distance.abs() < window)
        if self.attended is None:
            return seen[None, None]
        keys = self.attended[group.span].view(group.n_rows, 1, 1, group.n_tokens)
        return seen & keys


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    batch: TokenBatch,
    *,
    scale: float | None = None,
    causal: bool = False,
    window: int | None = None,
    biases: dict[int, Tensor] | None = None,
) -> Tensor:
    """Let the tokens of every row attend to each other.

    Args:
        query: ``[n_tokens, n_heads, head_dim]``.
        key: the same, or with a divisor of `n_heads` heads, each of which serves several.
        value: like `key`.
        batch: where the rows are.
        scale: what scores are multiplied by; None means ``head_dim ** -0.5``.
        causal: whether tokens attend to nothing that follows.
        window: how far tokens see at most: to distances below it.
        biases: what is added to scores, by the length of rows: ``[1, n_heads, length, length]``.

    Returns:
        ``[n_tokens, n_heads * head_dim]``.
    """
    n_heads = query.shape[1]
    if key.shape[1] != n_heads:
        key, value = (one.repeat_interleave(n_heads // key.shape[1], dim=1) for one in (key, value))
    found = []
    for group in batch.groups:
        queries, keys, values = (rows_of(one, group).transpose(1, 2) for one in (query, key, value))
        mask = batch.mask(group, causal=causal, window=window)
        if biases is not None:
            mask = _biased(biases[group.n_tokens], mask)
        if mask is None and not causal and products_are_faster(queries):
            attended = attend_by_products(queries, keys, values, scale)
        else:
            attended = functional.scaled_dot_product_attention(
                *(queries, keys, values),
                attn_mask=mask,
                is_causal=causal and mask is None,
                scale=scale,
            )
        found.append(attended.transpose(1, 2).flatten(0, 1).flatten(1))
    return found[0] if len(found) == 1 else torch.cat(found)


def rows_of(tokens: Tensor, group: Group) -> Tensor:
    """Return the rows of a group, ``[n_rows, n_tokens, ...]``, as a view of ``[n_tokens, ...]``."""
    return tokens[group.span].view(*group.shape, *tokens.shape[1:])


def _biased(bias: Tensor, mask: Tensor | None) -> Tensor:
    return bias if mask is None else bias.masked_fill(~mask, torch.finfo(bias.dtype).min)
