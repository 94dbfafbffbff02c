"""Attention whose scores also depend on how far apart two tokens are, as DeBERTa has it.

A score is the product of a query and a key, of the query and a vector for the distance, and of the
key and another vector for the distance. The products with distances run over blocks of tokens, with
the distances of a block in order. Then the scores of one token lie one place beside those of the
token before it, so that a view with other strides has them where they belong, and nothing is
gathered.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from holotype.encoders.running.packing import Group
from holotype.encoders.torch_backend.attention import TokenBatch

# Longer blocks compute more products that nobody reads, shorter ones take more calls.
_BLOCK = 64
# Scores at once, so that they stay in the cache.
_SCORES_AT_ONCE = 1 << 20


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
        for_queries: ``[n_rows, n_heads, head_dim]``; None where queries do not look at distances.
        for_keys: the same for keys.
    """

    distances: Distances
    for_queries: Tensor | None
    for_keys: Tensor | None

    @property
    def memory_bytes(self) -> int:
        """How many bytes they take."""
        return sum(one.nbytes for one in (self.for_queries, self.for_keys) if one is not None)


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
    found = torch.empty_like(query, memory_format=torch.contiguous_format)
    found[batch.groups[-1].span.stop :] = 0
    for group in batch.groups:
        parts = [one[group.span].view(*group.shape, *one.shape[1:]) for one in (query, key, value)]
        out = found[group.span].view(parts[0].shape)
        attended = None
        if batch.attended is not None:
            attended = batch.attended[group.span].view(group.shape)
        for rows, heads in _pieces(group, query.shape[1]):
            pieces = [one[rows, :, heads].transpose(1, 2) for one in parts]
            bias = None
            if tables is not None:
                bias = _bias(pieces[0], pieces[1], tables, heads)
            if attended is not None:
                bias = _hide(bias, attended[rows], pieces[0])
            seen = functional.scaled_dot_product_attention(*pieces, attn_mask=bias, scale=scale)
            out[rows, :, heads] = seen.transpose(1, 2)
    return found.flatten(1)


def _pieces(group: Group, n_heads: int) -> list[tuple[slice, slice]]:
    """Return which rows and heads attend at once: several rows, or heads of one row."""
    n_rows, n_tokens = group.shape
    if n_tokens <= _BLOCK:
        at_once = max(1, _SCORES_AT_ONCE // (n_heads * n_tokens**2))
        return [(slice(at, at + at_once), slice(None)) for at in range(0, n_rows, at_once)]
    at_once = max(1, _SCORES_AT_ONCE // n_tokens**2)
    return [
        (slice(row, row + 1), slice(at, min(n_heads, at + at_once)))
        for row in range(n_rows)
        for at in range(0, n_heads, at_once)
    ]


def _bias(query: Tensor, key: Tensor, tables: DistanceTables, heads: slice) -> Tensor | None:
    """Return what distances add to scores: ``[n_rows, n_heads, n_tokens, n_tokens]``.

    Args:
        query: ``[n_rows, n_heads, n_tokens, head_dim]``; one row if it is longer than a block.
        key: the same shape.
        tables: the tables of all heads.
        heads: which heads these are.
    """
    n_rows, n_heads, n_tokens, _ = query.shape
    n_blocks = -(-n_tokens // _BLOCK)
    block = -(-n_tokens // n_blocks)
    padded = n_blocks * block
    descending, ascending = _rows(tables.distances, padded)

    def scores(vectors: Tensor, table: Tensor, rows: Tensor) -> Tensor:
        vectors = functional.pad(vectors, (0, 0, 0, padded - n_tokens))
        chosen = table[:, heads].index_select(0, rows).to(vectors.dtype).permute(1, 2, 0)
        return _scores(vectors, chosen, block)

    shape = (n_rows, n_heads, n_blocks, block, n_blocks, block)
    of_queries = of_keys = None
    if tables.for_queries is not None:
        of_queries = scores(query, tables.for_queries, descending).view(shape)
    if tables.for_keys is not None:
        of_keys = scores(key, tables.for_keys, ascending).view(shape).permute(0, 1, 4, 5, 2, 3)
    if of_queries is None or of_keys is None:
        whole = (of_keys if of_queries is None else of_queries)
        if whole is None:
            return None
        whole = whole.contiguous()
    else:
        whole = torch.empty(shape, dtype=query.dtype)
        torch.add(of_queries, of_keys, out=whole)
    return whole.view(n_rows, n_heads, padded, padded)[:, :, :n_tokens, :n_tokens]


def _scores(vectors: Tensor, table: Tensor, block: int) -> Tensor:
    """Return the products of tokens with the vectors of distances: a view of strides of its own.

    Args:
        vectors: ``[n_rows, n_heads, n_tokens, head_dim]``, several rows only if of one block.
        table: ``[n_heads, head_dim, 2 * n_tokens]``, by distance: that of the last token from the
            first one comes first, then the next smaller one.
        block: how many tokens a block has.

    Returns:
        ``[n_rows, n_heads, n_tokens, n_tokens]`` in blocks.
    """
    n_rows, n_heads, n_tokens, _ = vectors.shape
    n_blocks = n_tokens // block
    width = n_tokens + block
    found = vectors.new_empty((n_blocks, n_heads, n_rows * block, width))
    for at in range(n_blocks):
        own = vectors[:, :, at * block : (at + 1) * block].transpose(0, 1).flatten(1, 2)
        first = n_tokens - (at + 1) * block
        torch.bmm(own, table[:, :, first : first + width], out=found[at])
    size = block * width
    return found.as_strided(
        (n_rows, n_heads, n_blocks, block, n_tokens),
        (size, n_rows * size, n_heads * n_rows * size, width - 1, 1),
        block - 1,
    )


def _hide(bias: Tensor | None, attended: Tensor, query: Tensor) -> Tensor:
    """Return a bias that hides tokens, and lets those that are hidden attend to all alike.

    Args:
        bias: ``[n_rows, n_heads, n_tokens, n_tokens]``, which is changed; None for none.
        attended: which tokens are attended: ``[n_rows, n_tokens]``.
        query: of the type and device of the bias.
    """
    n_rows, n_tokens = attended.shape
    if bias is None:
        bias = query.new_zeros((n_rows, 1, n_tokens, n_tokens))
    seen = attended[:, None, :, None] & attended[:, None, None, :]
    return bias.masked_fill_(~seen, torch.finfo(bias.dtype).min)
