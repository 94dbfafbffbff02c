"""Rows end to end: every row once, longest first, in groups of one length or padded to one."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from holotype.encoders.inputs.rows import Row
from holotype.encoders.running.packing import PackedBatch, pack, pack_padded

rows = st.lists(
    st.lists(st.integers(1, 99), max_size=7).map(
        lambda ids: Row(
            ids,
            [1] * len(ids),
            [at % 3 > 0 for at in ids],
            [at % 2 == 0 for at in ids],
        )
    ),
    max_size=12,
)
limits = st.one_of(
    st.fixed_dictionaries({"max_rows": st.integers(1, 5), "max_tokens": st.just(1)}),
    st.fixed_dictionaries({"max_rows": st.none(), "max_tokens": st.integers(1, 20)}),
)


def rows_of(batch: PackedBatch) -> list[tuple[int, slice]]:
    """Return the index and the tokens of every row of a batch."""
    found: list[slice] = []
    for group in batch.groups:
        for at in range(group.n_rows):
            start = group.start + at * group.n_tokens
            found.append(slice(start, start + group.n_tokens))
    assert found[-1].stop == len(batch.ids)
    return list(zip(batch.indices, found, strict=True))


@given(rows, limits)
def test_every_row_comes_once_and_whole(texts: list[Row], limit: dict[str, Any]) -> None:
    seen: list[int] = []
    for batch in pack(texts, **limit, pad_id=0):
        for index, part in rows_of(batch):
            seen.append(index)
            row, width = texts[index], part.stop - part.start
            fill = width - len(row.ids)
            assert fill == (not row.ids)
            assert batch.ids[part].tolist() == row.ids + [0] * fill
            assert batch.type_ids[part].tolist() == row.type_ids + [0] * fill
            assert batch.counted[part].tolist() == row.counted + [False] * fill
            assert batch.positions[part].tolist() == list(range(width))
            if row.ids:
                assert batch.attended[part].tolist() == row.attended + [False] * fill
    assert sorted(seen) == list(range(len(texts)))
    if limit["max_rows"] is not None:
        lengths = [len(texts[index].ids) for index in seen]
        assert lengths == sorted(lengths, reverse=True)


@given(rows, limits)
def test_batches_are_as_large_as_they_may_be_and_no_larger(
    texts: list[Row], limit: dict[str, Any]
) -> None:
    found = list(pack(texts, **limit, pad_id=0))
    for at, batch in enumerate(found):
        later = [group.n_tokens for following in found[at + 1 :] for group in following.groups]
        if limit["max_rows"] is not None:
            assert len(batch.indices) <= limit["max_rows"]
            assert not later or len(batch.indices) == limit["max_rows"]
            continue
        assert len(batch.indices) == 1 or len(batch.ids) <= limit["max_tokens"]
        assert not later or len(batch.ids) + min(later) > limit["max_tokens"]
        assert batch.groups[0].n_tokens >= max(later, default=0)


@given(rows)
def test_rows_of_one_length_are_one_group(texts: list[Row]) -> None:
    for batch in pack(texts, max_rows=None, max_tokens=1000, pad_id=0):
        lengths = [group.n_tokens for group in batch.groups]
        assert len(lengths) == len(set(lengths))


def test_a_row_without_a_token_gets_one_that_attends_to_itself_and_does_not_count() -> None:
    empty = Row([], [], [], [])
    (batch,) = pack([empty, empty], max_rows=2, max_tokens=1, pad_id=9)
    assert batch.ids.tolist() == [9, 9]
    assert batch.ids.dtype == np.int64
    assert batch.attended.all()
    assert not batch.counted.any()


@given(rows, st.one_of(st.none(), st.integers(1, 5)))
def test_padding_is_neither_attended_nor_counted(texts: list[Row], max_rows: int | None) -> None:
    seen: list[int] = []
    for batch in pack_padded(texts, max_rows=max_rows, pad_id=0):
        assert len(batch.groups) == 1
        for index, part in rows_of(batch):
            seen.append(index)
            row, width = texts[index], part.stop - part.start
            fill = width - len(row.ids)
            assert batch.ids[part].tolist() == row.ids + [0] * fill
            assert batch.type_ids[part].tolist() == row.type_ids + [0] * fill
            assert batch.attended[part].tolist() == row.attended + [False] * fill
            assert batch.counted[part].tolist() == row.counted + [False] * fill
            assert batch.positions[part].tolist() == list(range(width))
    assert sorted(seen) == list(range(len(texts)))


@given(rows, st.booleans())
def test_tokens_that_count_are_told_by_row(texts: list[Row], pads: bool) -> None:
    whole = pack(texts, max_rows=None, max_tokens=1000, pad_id=0)
    for batch in pack_padded(texts, max_rows=None, pad_id=0) if pads else whole:
        parts = [part for _, part in rows_of(batch)]
        assert batch.lengths.tolist() == [part.stop - part.start for part in parts]
        found = batch.counted_by_row()
        assert found.shape == (len(parts), max(batch.lengths))
        for row, part in zip(found, parts, strict=True):
            fill = len(row) - (part.stop - part.start)
            assert row.tolist() == batch.counted[part].tolist() + [False] * fill
