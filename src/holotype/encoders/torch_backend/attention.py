"""Attention within the rows of a batch that has no padding between them.

The rows of one length form a group, so that one call of torch's attention serves them all; what is
left of a batch's raggedness costs a call for each length.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from holotype.encoders.running.packing import Group, PackedBatch
from holotype.encoders.torch_backend.attention_products import (
    attend_by_products,
    products_are_faster,
)

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
