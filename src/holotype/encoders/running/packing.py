"""Batches of rows end to end, either grouped by length or padded to one length."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.inputs.rows import TOKENS_AT_ONCE, Row, batches


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of one length, padding included, that lie side by side in a batch.

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

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and tokens."""
        return self.n_rows, self.n_tokens


@dataclass(frozen=True, slots=True)
class PackedBatch:
    """Several rows, one after the other: every array is ``[n_tokens]``.

    Rows that are padded have one length. Padding is a token that is not attended and not counted.

    Attributes:
        indices: which rows these are.
        ids: token ids.
        type_ids: the segment of every token.
        positions: the position of every token in its row, from 0.
        attended: whether the other tokens of its row attend to this one.
        counted: whether its vector counts in what comes after the transformer.
        groups: the rows by length, in order.
    """

    indices: list[int]
    ids: NDArray[np.int64]
    type_ids: NDArray[np.int64]
    positions: NDArray[np.int64]
    attended: NDArray[np.bool_]
    counted: NDArray[np.bool_]
    groups: tuple[Group, ...]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """How many tokens each row has, padding included: int64 ``[n_rows]``."""
        sizes = [group.n_tokens for group in self.groups]
        return np.repeat(np.array(sizes, np.int64), [group.n_rows for group in self.groups])

    def counted_by_row(self) -> NDArray[np.bool_]:
        """Return which tokens of each row count: ``[n_rows, n_tokens of the longest]``."""
        lengths = self.lengths
        found = np.zeros((len(lengths), int(lengths.max())), dtype=np.bool_)
        found[np.arange(found.shape[1]) < lengths[:, None]] = self.counted
        return found


def pack(
    rows: Sequence[Row], *, max_rows: int | None, max_tokens: int, pad_id: int
) -> Iterator[PackedBatch]:
    """Yield batches of rows of like length, longest first.

    Args:
        rows: the texts.
        max_rows: how many rows a batch has; None lets `max_tokens` decide.
        max_tokens: how many tokens a batch has at most where `max_rows` is None; a row that is
            longer is a batch of its own. Shorter rows fill what the longer ones leave.
        pad_id: the token of a row that has none.
    """
    order = sorted(range(len(rows)), key=lambda index: -rows[index].n_tokens)
    lengths = [max(1, rows[index].n_tokens) for index in order]
    cuts = _by_rows(lengths, max_rows) if max_rows is not None else _by_tokens(lengths, max_tokens)
    for places in cuts:
        chosen = [order[at] for at in places]
        sizes = [lengths[at] for at in places]
        yield _join(chosen, [rows[index] for index in chosen], sizes, pad_id)


def pack_padded(
    rows: Sequence[Row], *, max_rows: int | None, pad_id: int, max_tokens: int = TOKENS_AT_ONCE
) -> Iterator[PackedBatch]:
    """Yield batches of rows of like length, longest first, padded to one length each.

    Args:
        rows: the texts.
        max_rows: how many rows a batch has; None lets `max_tokens` decide.
        pad_id: the id of padding.
        max_tokens: how many tokens a batch has at most where `max_rows` is None, padding included;
            a row that is longer is a batch of its own.
    """
    for indices, batch in batches(rows, max_rows, pad_id=pad_id, max_tokens=max_tokens):
        n_rows, n_tokens = batch.ids.shape
        yield PackedBatch(
            indices=indices,
            ids=batch.ids.ravel(),
            type_ids=batch.type_ids.ravel(),
            positions=np.tile(np.arange(n_tokens), n_rows),
            attended=batch.attended.ravel(),
            counted=batch.counted.ravel(),
            groups=(Group(0, n_rows, n_tokens),),
        )


def _by_rows(lengths: Sequence[int], max_rows: int) -> Iterator[Sequence[int]]:
    """Yield which rows make a batch: so many that follow each other."""
    for start in range(0, len(lengths), max_rows):
        yield range(start, min(start + max_rows, len(lengths)))


def _by_tokens(lengths: Sequence[int], max_tokens: int) -> Iterator[Sequence[int]]:
    """Yield which rows make a batch: those that follow each other, then the longest that fit.

    Args:
        lengths: how many tokens each row has, in descending order.
        max_tokens: how many a batch has at most, unless its first row has more.
    """
    left = list(range(len(lengths)))
    # Ascending, as searching wants it.
    keys = [-length for length in lengths]
    while left:
        at, room, places = 0, max_tokens, []
        while at < len(left):
            places.append(left.pop(at))
            room += keys.pop(at)
            at = bisect_left(keys, -room)
        yield places


def _join(
    indices: list[int], rows: Sequence[Row], lengths: Sequence[int], pad_id: int
) -> PackedBatch:
    # Some tokenizers give an empty text no token; a row needs one, to attend to itself.
    whole = [row if row.n_tokens else Row([pad_id], [0], [True], [False]) for row in rows]
    ends = np.cumsum(lengths)
    return PackedBatch(
        indices=indices,
        ids=np.array([one for row in whole for one in row.ids], dtype=np.int64),
        type_ids=np.array([one for row in whole for one in row.type_ids], dtype=np.int64),
        positions=np.arange(ends[-1]) - np.repeat(ends - lengths, lengths),
        attended=np.array([one for row in whole for one in row.attended], dtype=np.bool_),
        counted=np.array([one for row in whole for one in row.counted], dtype=np.bool_),
        groups=_groups(lengths),
    )


def _groups(lengths: Sequence[int]) -> tuple[Group, ...]:
    groups: list[Group] = []
    start = first = 0
    for at in range(1, len(lengths) + 1):
        if at == len(lengths) or lengths[at] != lengths[first]:
            groups.append(Group(start, at - first, lengths[first]))
            start, first = groups[-1].span.stop, at
    return tuple(groups)
