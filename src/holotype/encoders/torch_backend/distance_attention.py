"""Attention whose scores also depend on how far apart two tokens are, as DeBERTa has it.

A score is the product of a query and a key, of the query and a vector for the distance, and of the
key and another vector for the distance. The products with distances run over blocks of tokens, with
the distances of a block in order. Then the scores of one token lie one place beside those of the
token before it, so that a view with other strides has them where they belong, and nothing is
gathered. Where compiled attention is installed, one call of it does all of that in a cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from holotype.encoders.running.packing import Group
from holotype.encoders.torch_backend.attention import TokenBatch, pad_to, padded_length
from holotype.encoders.torch_backend.compiled_attention import CompiledRows

# Longer blocks compute more products that nobody reads, shorter ones take more calls.
_BLOCK = 64
# Scores at once, 1 or 2 MB, so that they stay in a cache.
_SCORES_AT_ONCE = 1 << 19
# Compiled attention keeps the rows of distances for few lengths.
_REACH_STEP = 128


@dataclass(frozen=True, slots=True)
class Distances:
    """Which row of a table stands for which distance, of a query from its key.

    Attributes:
        span: how many rows stand for either direction.
        n_buckets: how many buckets distances share, so that far ones share one; None where each
            has its own.
        furthest: the distance that the last bucket ends with.
    """

    span: int
    n_buckets: int | None
    furthest: int

    def rows(self, distances: Tensor) -> Tensor:
        """Return the row of each distance: int64."""
        found = distances if self.n_buckets is None else self._buckets(distances, self.n_buckets)
        return (found + self.span).clamp(0, 2 * self.span - 1)

    def _buckets(self, distances: Tensor, n_buckets: int) -> Tensor:
        half = n_buckets // 2
        away = distances.abs()
        # The order of the operations decides on which side of a border rounding puts a distance.
        growth = torch.log(away.clamp(min=max(1, half - 1)) / half)
        growth = growth / torch.log(torch.tensor((self.furthest - 1) / half))
        wide = torch.ceil(growth * (half - 1)) + half
        return torch.where(away <= half, distances, (wide * distances.sign()).long())


@lru_cache(maxsize=64)
def _rows(distances: Distances, n_tokens: int) -> tuple[Tensor, Tensor]:
    """Return the rows of the distances between so many tokens, descending and ascending.

    Both have `n_tokens` distances on either side, of which the last is read by nobody.
    """
    ascending = torch.arange(1 - n_tokens, n_tokens + 1)
    return distances.rows(-ascending), distances.rows(ascending)


@dataclass(frozen=True, slots=True)
class DistanceTables:
    """What queries and keys are multiplied with; the scale of scores is part of it.

    Attributes:
        distances: which row stands for which distance.
        for_queries: ``[n_heads, n_rows, head_dim]``; None where queries do not look at distances.
        for_keys: the same for keys.
    """

    distances: Distances
    for_queries: Tensor | None
    for_keys: Tensor | None

    def for_kernels(self, compiled: CompiledRows) -> Any:
        """Return them as compiled attention takes them, for rows; None where they are empty."""
        tables = [one for one in (self.for_queries, self.for_keys) if one is not None]
        if not tables:
            return None
        reach = -(-compiled.rows.longest // _REACH_STEP) * _REACH_STEP
        return compiled.kernels.Tables(
            _compiled_rows(compiled.kernels, self.distances, reach, tables[0].shape[1]),
            *(None if one is None else one.data_ptr() for one in (self.for_queries, self.for_keys)),
        )

    @property
    def memory_bytes(self) -> int:
        """How many bytes they take."""
        return sum(one.nbytes for one in (self.for_queries, self.for_keys) if one is not None)


@lru_cache(maxsize=64)
def _compiled_rows(kernels: Any, distances: Distances, reach: int, n_rows: int) -> Any:
    rows = distances.rows(torch.arange(1 - reach, reach)).tolist()
    return kernels.DistanceRows(rows, n_rows)


def compiled_rows(batch: TokenBatch) -> CompiledRows | None:
    """Return the rows of a batch where they may attend by compiled attention.

    Hidden tokens attend to all alike here, which is not what it does.
    """
    return batch.compiled if batch.attended is None else None


def attend_by_distance(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    batch: TokenBatch,
    *,
    scale: float,
    tables: DistanceTables | None,
) -> Tensor:
    """Let the tokens of every row attend to each other.

    Args:
        query: ``[n_tokens, n_heads, head_dim]``.
        key: the same shape.
        value: the same shape.
        batch: where the rows are, on the CPU.
        scale: what products of queries and keys are multiplied by.
        tables: what distances add; None where they add nothing.

    Returns:
        ``[n_tokens, n_heads * head_dim]``; zeros for tokens of no row.
    """
    compiled = compiled_rows(batch)
    if compiled is not None and compiled.takes(query, key, value):
        return compiled.attend(
            *(query, key, value),
            scale=scale,
            causal=False,
            window=None,
            bias=None,
            tables=None if tables is None else tables.for_kernels(compiled),
        )
    found = torch.empty_like(query, memory_format=torch.contiguous_format)
    found[batch.groups[-1].span.stop :] = 0
    for group in batch.groups:
        n_rows, n_tokens = group.shape
        length = padded_length(n_tokens, query.dtype, query.device)
        parts = [
            pad_to(one[group.span].view(n_rows, n_tokens, *one.shape[1:]), 1, length)
            for one in (query, key, value)
        ]
        attended = _attended(batch, group, length)
        scores = None if tables is None else _Scores.between(length, tables, query.dtype)
        out = found[group.span].view(n_rows, n_tokens, *query.shape[1:])
        for rows, heads in _pieces(n_rows, query.shape[1], length):
            own_query, own_key, own_value = (one[rows, :, heads].transpose(1, 2) for one in parts)
            bias = None if scores is None else scores.bias(own_query, own_key, heads)
            if attended is not None:
                bias = _hide(bias, attended[rows], query.dtype)
            seen = functional.scaled_dot_product_attention(
                own_query, own_key, own_value, attn_mask=bias, scale=scale
            )
            out[rows, :, heads] = seen.transpose(1, 2)[:, :n_tokens]
    return found.flatten(1)


def _attended(batch: TokenBatch, group: Group, length: int) -> Tensor | None:
    """Return which tokens of a group are attended, ``[n_rows, length]``; None where all are."""
    if batch.attended is not None:
        return pad_to(batch.attended[group.span].view(group.shape), 1, length)
    if length == group.n_tokens:
        return None
    return (torch.arange(length) < group.n_tokens).expand(group.n_rows, -1)


def _pieces(n_rows: int, n_heads: int, n_tokens: int) -> list[tuple[slice, slice]]:
    """Return which rows and heads attend at once: several rows, or heads of one row."""
    if n_tokens <= _BLOCK:
        at_once = max(1, _SCORES_AT_ONCE // (n_heads * n_tokens**2))
        return [(slice(at, at + at_once), slice(None)) for at in range(0, n_rows, at_once)]
    at_once = max(1, _SCORES_AT_ONCE // n_tokens**2)
    return [
        (slice(row, row + 1), slice(at, at + at_once))
        for row in range(n_rows)
        for at in range(0, n_heads, at_once)
    ]


@dataclass(frozen=True, slots=True)
class _Scores:
    """The scores of distances between so many tokens.

    Attributes:
        n_blocks: the blocks in which they run.
        block: the tokens of a block.
        for_queries: ``[n_heads, 2 * n_blocks * block, head_dim]``, by descending distance.
        for_keys: the same by ascending distance.
    """

    n_blocks: int
    block: int
    for_queries: Tensor | None
    for_keys: Tensor | None

    @classmethod
    def between(cls, n_tokens: int, tables: DistanceTables, dtype: torch.dtype) -> _Scores:
        """Choose the vectors of the distances between so many tokens, in a type."""
        n_blocks = -(-n_tokens // _BLOCK)
        block = -(-n_tokens // n_blocks)
        if dtype != torch.float32:
            # oneDNN keeps something for every shape of its products, and multiplies no float32
            # here.
            block, dtype = (_BLOCK, dtype) if n_blocks > 1 else (block, torch.float32)
        descending, ascending = _rows(tables.distances, n_blocks * block)

        def chosen(table: Tensor | None, rows: Tensor) -> Tensor | None:
            return None if table is None else table.index_select(1, rows).to(dtype)

        return cls(
            n_blocks,
            block,
            for_queries=chosen(tables.for_queries, descending),
            for_keys=chosen(tables.for_keys, ascending),
        )

    def bias(self, query: Tensor, key: Tensor, heads: slice) -> Tensor | None:
        """Return what distances add to scores: ``[n_rows, n_heads, n_tokens, n_tokens]``.

        Args:
            query: ``[n_rows, n_heads, n_tokens, head_dim]``; one row if there are several blocks.
            key: the same shape.
            heads: which heads these are.
        """
        n_rows, n_heads, n_tokens, _ = query.shape
        of_queries = of_keys = None
        if self.for_queries is not None:
            of_queries = self._products(query, self.for_queries[heads])
        if self.for_keys is not None:
            of_keys = self._products(key, self.for_keys[heads]).permute(0, 1, 4, 5, 2, 3)
        if of_keys is None:
            if of_queries is None:
                return None
            whole = of_queries.contiguous()
        else:
            # torch copies fast what lies across, and adds it slowly.
            whole = of_keys.contiguous()
            if of_queries is not None:
                whole += of_queries
        padded = self.n_blocks * self.block
        return whole.view(n_rows, n_heads, padded, padded)[:, :, :n_tokens, :n_tokens]

    def _products(self, vectors: Tensor, table: Tensor) -> Tensor:
        """Return the products of tokens with the vectors of distances from all others.

        Args:
            vectors: ``[n_rows, n_heads, n_tokens, head_dim]``.
            table: ``[n_heads, 2 * n_blocks * block, head_dim]``.

        Returns:
            ``[n_rows, n_heads, n_blocks, block, n_blocks, block]``, with strides of its own.
        """
        n_rows, n_heads, _, head_dim = vectors.shape
        n_blocks, block = self.n_blocks, self.block
        padded = n_blocks * block
        width = padded + block
        blocks = pad_to(vectors.to(table.dtype), 2, padded)
        blocks = blocks.view(n_rows, n_heads, n_blocks, block, head_dim).permute(2, 1, 0, 3, 4)
        blocks = blocks.reshape(n_blocks, n_heads, n_rows * block, head_dim)
        found = table.new_empty((n_blocks, n_heads, n_rows * block, width))
        for at in range(n_blocks):
            first = padded - (at + 1) * block
            window = table[:, first : first + width]
            if window.dtype != torch.float32:
                # oneDNN takes nothing that has gaps, and copies slowly what lies across.
                window = window.contiguous()
            torch.bmm(blocks[at], window.transpose(1, 2), out=found[at])
        size = block * width
        # Each token's scores begin one place before those of the token before it.
        return found.as_strided(
            (n_rows, n_heads, n_blocks, block, n_blocks, block),
            (size, n_rows * size, n_heads * n_rows * size, width - 1, block, 1),
            block - 1,
        )


def _hide(bias: Tensor | None, attended: Tensor, dtype: torch.dtype) -> Tensor:
    """Return a bias that hides tokens, and lets those that are hidden attend to all alike.

    Args:
        bias: ``[n_rows, n_heads, n_tokens, n_tokens]``, which is changed; None for none.
        attended: which tokens are attended: ``[n_rows, n_tokens]``.
        dtype: the type of the bias where there is none.
    """
    n_rows, n_tokens = attended.shape
    if bias is None:
        bias = torch.zeros((n_rows, 1, n_tokens, n_tokens), dtype=dtype)
    seen = attended[:, None, :, None] & attended[:, None, None, :]
    return bias.masked_fill_(~seen, torch.finfo(bias.dtype).min)
