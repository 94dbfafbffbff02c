"""Batches: every row once, longest first, padded on the right."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from holotype.encoders.inputs.rows import Row, batches

rows = st.lists(
    st.lists(st.integers(1, 99), max_size=7).map(
        lambda ids: Row(ids, [1] * len(ids), [True] * len(ids), [at % 2 == 0 for at in ids])
    ),
    max_size=12,
)


@given(rows, st.integers(1, 5))
def test_every_row_comes_once_and_whole(texts: list[Row], batch_size: int) -> None:
    seen: list[int] = []
    widths: list[int] = []
    for indices, batch in batches(texts, batch_size, pad_id=0):
        assert 1 <= len(indices) <= batch_size
        widths.append(batch.ids.shape[1])
        seen += indices
        for at, index in enumerate(indices):
            row, n_tokens = texts[index], len(texts[index].ids)
            assert batch.ids[at].tolist() == row.ids + [0] * (widths[-1] - n_tokens)
            assert batch.type_ids[at, :n_tokens].tolist() == row.type_ids
            assert batch.counted[at, :n_tokens].tolist() == row.counted
            assert batch.attended[at].sum() == n_tokens
            assert not batch.counted[at, n_tokens:].any()
    assert sorted(seen) == list(range(len(texts)))
    assert widths == sorted(widths, reverse=True)


def test_a_batch_is_as_wide_as_its_longest_row_and_never_empty() -> None:
    empty = Row([], [], [], [])
    (_, batch), *_ = batches([empty, empty], 2, pad_id=9)
    assert batch.ids.tolist() == [[9], [9]]
    assert not batch.attended.any()
    assert batch.ids.dtype == np.int64
