"""From tokenised texts to batches: flat arrays of tokens, in groups of rows of one length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_TOKENS_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class Row:
    """One text as its transformer reads it; all lists have one entry for each token.

    Attributes:
        ids: token ids.
        type_ids: the segment of every token.
        attended: whether other tokens attend to this one.
        counted: whether the vector of this token counts in what comes after the transformer.
    """

    ids: list[int]
    type_ids: list[int]
    attended: list[bool]
    counted: list[bool]


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of one length that lie side by side in a batch.

    Attributes:
        start: the first token of the first row.
        n_rows: how many rows there are.
        n_tokens: the tokens of each.
    """

    start: int
    n_rows: int
    n_tokens: int

    @property
    def span(self) -> slice:
        """The tokens of the group in the batch."""
        return slice(self.start, self.start + self.n_rows * self.n_tokens)


@dataclass(frozen=True, slots=True)
class Batch:
    """Several rows, one after the other: every array is ``[n_tokens]``.

    Attributes:
        indices: which rows these are.
        ids: token ids.
        type_ids: the segment of every token.
        positions: the position of every token in its row, from 0.
        attended: whether the other tokens of its row attend to this one.
        counted: whether its vector counts in what comes after the transformer.
        groups: the rows by length, in order; only one in a padded batch.
    """

    indices: list[int]
    ids: NDArray[np.int64]
    type_ids: NDArray[np.int64]
    positions: NDArray[np.int64]
    attended: NDArray[np.bool_]
    counted: NDArray[np.bool_]
    groups: tuple[Group, ...]


def batches(
    rows: Sequence[Row], batch_size: int | None, *, pad_id: int
) -> Iterator[tuple[list[int], Batch]]:
    """Yield batches of rows of like length, longest first, with the rows' positions.

    Args:
        rows: what is put into batches.
        batch_size: how many rows make a batch; None makes batches of a bounded number of tokens.
        pad_id: the id of padding.
    """
    order = sorted(range(len(rows)), key=lambda index: -len(rows[index].ids))
    start = 0
    while start < len(order):
        longest = max(1, len(rows[order[start]].ids))
        chosen = order[start : start + (batch_size or max(1, _TOKENS_AT_ONCE // longest))]
        yield chosen, _pad([rows[index] for index in chosen], pad_id)
        start += len(chosen)


def _cuts(
    lengths: Sequence[int], max_rows: int | None, max_tokens: int, *, padded: bool
) -> Iterator[tuple[int, int]]:
    """Yield where batches begin and end in lengths that descend."""
    start = n_tokens = 0
    for at, length in enumerate(lengths):
        added = lengths[start] if padded else length
        full = n_tokens + added > max_tokens if max_rows is None else at - start == max_rows
        if full and at > start:
            yield start, at
            start, n_tokens, added = at, 0, length
        n_tokens += added
    if lengths:
        yield start, len(lengths)


def _join(indices: list[int], rows: Sequence[Row], widths: Sequence[int], pad_id: int) -> Batch:
    ends = np.cumsum(widths)
    n_tokens = int(ends[-1])
    ids = np.full(n_tokens, pad_id, dtype=np.int64)
    type_ids = np.zeros(n_tokens, dtype=np.int64)
    attended = np.zeros(n_tokens, dtype=np.bool_)
    counted = np.zeros(n_tokens, dtype=np.bool_)
    for row, end, width in zip(rows, ends.tolist(), widths, strict=True):
        # Some tokenizers give an empty text no token; a row needs one, to attend to itself.
        attended[end - width] = not row.ids
        part = slice(end - width, end - width + len(row.ids))
        ids[part] = row.ids
        type_ids[part] = row.type_ids
        if row.ids:
            attended[part] = row.attended
        counted[part] = row.counted
    positions = np.arange(n_tokens) - np.repeat(ends - widths, widths)
    return Batch(indices, ids, type_ids, positions, attended, counted, _groups(widths))


def _groups(widths: Sequence[int]) -> tuple[Group, ...]:
    groups: list[Group] = []
    start = first = 0
    for at in range(1, len(widths) + 1):
        if at == len(widths) or widths[at] != widths[first]:
            group = Group(start, at - first, widths[first])
            groups.append(group)
            start, first = group.span.stop, at
    return tuple(groups)
