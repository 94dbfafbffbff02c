"""Attention within the rows of a batch that has no padding between them.

The rows of one length form a group, so that one call of torch's attention serves them all; what is
left of a batch's raggedness costs a call for each length. On a GPU, where calls cost more, one call
serves rows of all lengths; see `gpu_attention`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from holotype.encoders.running.packing import Group, PackedBatch
from holotype.encoders.torch_backend.compiled_attention import CompiledRows
from holotype.encoders.torch_backend.gpu_attention import GpuRows
from holotype.encoders.torch_backend.local_attention import attend_locally, attends_locally
from holotype.encoders.torch_backend.masks import biased, sees
from holotype.encoders.torch_backend.position_bias import PositionBias
from holotype.encoders.torch_backend.row_counts import multiplies_by_tiles
from holotype.encoders.torch_backend.transfers import send

# Fewer tokens attend as fast in float32 as in bfloat16.
_LEAST_TOKENS = 128
# Where tiles (AMX) multiply, something is kept for every length of a row, on every thread. So rows
# are padded to few lengths, in blocks that hold several short ones.
_BLOCK = 32
# torch's attention in bfloat16 takes 1.05 to 1.2 times as long for rows of so many tokens if
# numbers of other heads lie between the keys of one.
_LEAST_APART = 512


@dataclass(frozen=True, slots=True)
class Blocks:
    """How the rows of a group attend: so many rows in a block, which is padded to a length.

    Attributes:
        n_rows: the rows of a block.
        n_tokens: the tokens of a block, padding included.
    """

    n_rows: int
    n_tokens: int


def padded_length(n_tokens: int, dtype: torch.dtype, device: torch.device) -> int:
    """Return with how many tokens a row attends, in a type of arithmetic."""
    if device.type != "cpu" or dtype != torch.bfloat16 or not multiplies_by_tiles():
        return n_tokens
    # 32, multiples of 64, and above 512 four lengths an octave.
    step = max(2 * _BLOCK, 1 << max(0, (n_tokens - 1).bit_length() - 3))
    return _BLOCK if n_tokens <= _BLOCK else -(-n_tokens // step) * step


def _blocks(group: Group, query: Tensor) -> Blocks:
    length = padded_length(group.n_tokens, query.dtype, query.device)
    if length == group.n_tokens:
        return Blocks(1, length)
    return Blocks(min(group.n_rows, length // group.n_tokens), length)


_MaskKey: TypeAlias = tuple[Group, Blocks, bool, int | None]


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """A batch on a device; every tensor is ``[n_tokens]``.

    Tokens behind the last group belong to no row.

    Attributes:
        ids: token ids.
        type_ids: the segment of every token.
        positions: the position of every token in its row, from 0.
        attended: whether the other tokens of its row attend to it, for tokens of rows alone; None
            where all are attended.
        groups: the rows by length.
        pieces: how many tokens maps run with, one after the other.
        on_gpu: where the rows are, if that is a GPU.
        compiled: the same for compiled attention, if they attend by it.
    """

    ids: Tensor
    type_ids: Tensor
    positions: Tensor
    attended: Tensor | None
    groups: tuple[Group, ...]
    pieces: tuple[int, ...]
    on_gpu: GpuRows | None = None
    compiled: CompiledRows | None = None
    _masks: dict[_MaskKey, Tensor | None] = field(default_factory=dict)

    @classmethod
    def place(
        cls,
        batch: PackedBatch,
        device: torch.device,
        *,
        with_types: bool,
        pieces: tuple[int, ...] = (),
        kernels: Any = None,
    ) -> TokenBatch:
        """Copy a batch to a device.

        Args:
            batch: the batch.
            device: where it goes.
            with_types: whether it has segments; else all are 0.
            pieces: how many tokens maps run with, one after the other; all at once by default.
                Tokens that are more than those of the batch come last, belong to no row, and are
                read by nobody.
            kernels: the module of the kernels, for rows on the CPU that attend by it.
        """
        pieces = pieces or (len(batch.ids),)
        more = np.zeros(sum(pieces) - len(batch.ids), dtype=np.int64)

        def placed(values: NDArray[np.int64]) -> Tensor:
            whole = np.concatenate((values, more)) if len(more) else values
            return send(whole, device)

        ids = placed(batch.ids)
        attended = None if batch.attended.all() else send(batch.attended, device)
        return cls(
            ids=ids,
            type_ids=placed(batch.type_ids) if with_types else torch.zeros_like(ids),
            positions=placed(batch.positions),
            attended=attended,
            groups=batch.groups,
            pieces=pieces,
            on_gpu=GpuRows.place(batch, device) if device.type == "cuda" else None,
            compiled=kernels and CompiledRows.place(kernels, batch.lengths.tolist(), attended),
        )

    def mask(
        self, group: Group, blocks: Blocks, *, causal: bool, window: int | None
    ) -> Tensor | None:
        """Return which token attends to which: ``[n_blocks or 1, 1, n_tokens, n_tokens]``.

        Args:
            group: the rows.
            blocks: how they attend.
            causal: whether tokens attend to nothing that follows.
            window: how far tokens see at most: to distances below it.

        Returns:
            None where every token attends to all of its block, or, where `causal`, to all before.
        """
        if window is not None and window >= group.n_tokens:
            window = None
        key = (group, blocks, causal, window)
        if key not in self._masks:
            self._masks[key] = self._make_mask(*key)
        return self._masks[key]

    def _make_mask(
        self, group: Group, blocks: Blocks, causal: bool, window: int | None
    ) -> Tensor | None:
        if self.attended is None and window is None and blocks == Blocks(1, group.n_tokens):
            return None
        at = torch.arange(blocks.n_tokens, device=self.ids.device)
        row = at // group.n_tokens
        distance = at[:, None] - at[None, :]
        # Padding is behind all rows and attends to itself.
        seen = (row[:, None] == row[None, :]) & sees(distance, causal=causal, window=window)
        if self.attended is None:
            return seen[None, None]
        keys = _in_blocks(self.attended[group.span], group, blocks)
        return seen & (keys[:, None, None, :] | (row >= blocks.n_rows))


def attention_type(
    tokens: Tensor, dtype: torch.dtype, compiled: CompiledRows | None = None
) -> torch.dtype:
    """Return the type in which tokens attend best.

    By torch, few tokens are as fast in float32 as in bfloat16, and nothing is kept for them.

    Args:
        tokens: what is to attend, ``[n_tokens, ...]``.
        dtype: the type in which many tokens attend.
        compiled: the rows, if they may attend by compiled attention.
    """
    if compiled is not None and compiled.runs(dtype):
        return dtype
    few = tokens.shape[0] < _LEAST_TOKENS and tokens.device.type == "cpu"
    return torch.float32 if few else dtype


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    batch: TokenBatch,
    *,
    scale: float | None = None,
    causal: bool = False,
    window: int | None = None,
    bias: PositionBias | None = None,
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
        bias: what is added to scores, for the padded length of the longest row at least.

    Returns:
        ``[n_tokens, n_heads * head_dim]``; zeros for tokens of no row.
    """
    if batch.compiled is not None and batch.compiled.takes(query, key, value):
        return batch.compiled.attend(
            *(query, key, value), scale=scale, causal=causal, window=window, bias=bias
        )
    matrix = None if bias is None else bias.matrix
    if batch.on_gpu is not None:
        return batch.on_gpu.attend(
            *(query, key, value), scale=scale, causal=causal, window=window, bias=matrix
        )
    found = []
    for group in batch.groups:
        parts = (query, key, value)
        if group.n_rows * group.n_tokens != len(query):
            parts = (query[group.span], key[group.span], value[group.span])
        found.append(_attend_in_group(parts, batch, group, scale, causal, window, matrix))
    n_more = len(query) - batch.groups[-1].span.stop
    if n_more:
        found.append(found[0].new_zeros(n_more, found[0].shape[1]))
    return found[0] if len(found) == 1 else torch.cat(found)


def _attend_in_group(
    parts: tuple[Tensor, Tensor, Tensor],
    batch: TokenBatch,
    group: Group,
    scale: float | None,
    causal: bool,
    window: int | None,
    bias: Tensor | None,
) -> Tensor:
    blocks = _blocks(group, parts[0])
    query, *shared = (_in_blocks(one, group, blocks).transpose(1, 2) for one in parts)
    key, value = (_by_head(one, query.shape[1]) for one in shared)
    is_one_row = blocks.n_rows == 1 and bias is None
    if window is not None and is_one_row and attends_locally(blocks.n_tokens, window):
        keys = batch.attended
        attended = attend_locally(
            *(query, key, value),
            window=window,
            causal=causal,
            n_real=group.n_tokens,
            attended=None if keys is None else _in_blocks(keys[group.span], group, blocks),
            scale=scale,
        )
    else:
        mask = batch.mask(group, blocks, causal=causal, window=window)
        if bias is not None:
            own = bias[:, :, : blocks.n_tokens, : blocks.n_tokens]
            mask = biased(own.to(query.dtype), mask)
        attended = functional.scaled_dot_product_attention(
            *(query, key, value), attn_mask=mask, is_causal=causal and mask is None, scale=scale
        )
    rows = attended.transpose(1, 2)
    if blocks.n_tokens == group.n_tokens:
        return rows.flatten(0, 1).flatten(1)
    n_real = blocks.n_rows * group.n_tokens
    return rows[:, :n_real].flatten(0, 1)[: len(parts[0])].flatten(1)


def _by_head(shared: Tensor, n_heads: int) -> Tensor:
    """Return keys or values with as many heads as queries have, head by head if that is faster.

    Args:
        shared: ``[n_blocks, n_key_heads, n_tokens, head_dim]``.
        n_heads: how many heads queries have.
    """
    if shared.shape[1] != n_heads:
        return shared.repeat_interleave(n_heads // shared.shape[1], dim=1)
    is_slow_apart = shared.dtype == torch.bfloat16 and shared.shape[2] >= _LEAST_APART
    return shared.contiguous() if is_slow_apart else shared


def _in_blocks(tokens: Tensor, group: Group, blocks: Blocks) -> Tensor:
    """Return a group's tokens, ``[n_tokens, ...]``, in blocks: ``[n_blocks, n_tokens, ...]``."""
    if blocks.n_tokens == group.n_tokens:
        return tokens.view(*group.shape, *tokens.shape[1:])
    n_real = blocks.n_rows * group.n_tokens
    n_blocks = -(-group.n_rows // blocks.n_rows)
    whole = pad_to(tokens, 0, n_blocks * n_real).view(n_blocks, n_real, *tokens.shape[1:])
    return pad_to(whole, 1, blocks.n_tokens)


def pad_to(values: Tensor, axis: int, size: int) -> Tensor:
    """Return values with zeros, or False, behind them on an axis, so that it has some size."""
    n_more = size - values.shape[axis]
    if not n_more:
        return values
    return functional.pad(values, (*(0, 0) * (values.ndim - axis - 1), 0, n_more))
