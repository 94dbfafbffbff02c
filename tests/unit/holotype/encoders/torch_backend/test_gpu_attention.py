"""Attention for rows of many lengths at once: what it gives for each length alone."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from holotype.encoders.inputs.rows import Row
from holotype.encoders.running.packing import PackedBatch, pack
from holotype.encoders.torch_backend.attention import TokenBatch, attend
from holotype.encoders.torch_backend.buckets import merged_buckets
from holotype.encoders.torch_backend.gpu_attention import GpuRows
from holotype.encoders.torch_backend.position_bias import position_bias

CPU = torch.device("cpu")
LENGTHS = [40, 38, 31, 31, 20, 16, 12, 9, 3, 1]


def batch_of(lengths: list[int], *, attends_to_all: bool = True) -> PackedBatch:
    rows = [
        Row([1] * n, [0] * n, [attends_to_all or at % 3 < 2 for at in range(n)], [True] * n)
        for n in lengths
    ]
    (batch,) = pack(rows, max_rows=None, max_tokens=sum(lengths), pad_id=0)
    return batch


@pytest.mark.parametrize("attends_to_all", [True, False])
@pytest.mark.parametrize("window", [None, 5, 40])
@pytest.mark.parametrize("order", ["both", "causal", "biased"])
def test_rows_attend_as_they_do_by_length(
    order: str, window: int | None, attends_to_all: bool
) -> None:
    torch.manual_seed(0)
    batch = batch_of(LENGTHS, attends_to_all=attends_to_all)
    query = torch.randn(sum(LENGTHS), 4, 8)
    key, value = torch.randn(2, sum(LENGTHS), 2, 8)
    table = torch.randn(32, 4)
    causal, bias = order == "causal", position_bias(table, 40) if order == "biased" else None
    matrix = None if bias is None else bias.matrix
    one_by_one = TokenBatch.place(batch, CPU, with_types=True)
    expected = attend(query, key, value, one_by_one, causal=causal, window=window, bias=bias)
    found = GpuRows.place(batch, CPU).attend(
        query, key, value, scale=None, causal=causal, window=window, bias=matrix
    )
    torch.testing.assert_close(found, expected, atol=2e-6, rtol=2e-6)


@given(st.lists(st.integers(1, 300), min_size=1, max_size=40))
def test_tokens_go_into_buckets_and_come_out_of_them(lengths: list[int]) -> None:
    batch = batch_of(lengths)
    tokens = torch.arange(1, sum(lengths) + 1)
    found = merged_buckets(batch.groups, CPU)
    assert torch.equal(torch.cat([each.join(each.pad(tokens)) for each in found]), tokens)
    rows = [row[row > 0].tolist() for each in found for row in each.pad(tokens)]
    assert [len(row) for row in rows] == batch.lengths.tolist()
    assert [token for row in rows for token in row] == tokens.tolist()


@given(st.lists(st.integers(1, 300), min_size=1, max_size=40))
def test_buckets_are_few_and_hold_little_padding(lengths: list[int]) -> None:
    found = merged_buckets(batch_of(lengths).groups, CPU)
    # Each bucket but that of the short ones ends a quarter below where it begins.
    assert len(found) <= 13
    for each in found:
        n_rows, longest = each.shape
        n_tokens = each.span.stop - each.span.start
        assert longest <= 16 or n_tokens >= 0.75 * n_rows * longest
