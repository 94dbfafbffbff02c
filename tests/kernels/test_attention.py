"""Compiled attention: what a plain computation in float64 returns, on each set of instructions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from operator import itemgetter
from typing import Any, TypeAlias

import numpy as np
import pytest
import torch
from tests.kernels.conftest import batch_of, rows_of
from torch import Tensor
from torch.nn import functional

from holotype.encoders.torch_backend import compiled_attention
from holotype.encoders.torch_backend.attention import TokenBatch, attend
from holotype.encoders.torch_backend.compiled_attention import CompiledRows
from holotype.encoders.torch_backend.distance_attention import (
    Distances,
    DistanceTables,
    attend_by_distance,
)
from holotype.encoders.torch_backend.position_bias import PositionBias, position_bias

# All remainders of blocks of queries and of pairs of keys, and rows with several blocks of keys.
LENGTHS = [[1], [33, 32, 31, 13, 12, 11, 3, 1], [257, 80], [600, 2]]
HEADS = [(3, 3, 32), (4, 2, 64), (3, 1, 128), (2, 2, 16), (2, 2, 80), (2, 1, 256)]
# Of products, where scores also depend on distances.
SCALE = 0.1
OPTIONS: dict[str, dict[str, Any]] = {
    "all": {},
    "causal": {"causal": True},
    "window": {"window": 7},
    "wide window": {"window": 300},
    "causal window": {"causal": True, "window": 65},
    "scale": {"scale": 0.1},
}


@pytest.fixture(params=["avx2", "avx512", "avx512_bf16"])
def dtype(
    kernels: Any, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> torch.dtype:
    """The type that one set of instructions runs, which is the only one in this test."""
    if request.param not in kernels.instruction_sets():
        pytest.skip(f"this processor has no {request.param}")
    found = torch.bfloat16 if request.param == "avx512_bf16" else torch.float32
    monkeypatch.setitem(compiled_attention.INSTRUCTION_SETS, found, (request.param,))
    return found


Parts: TypeAlias = tuple[Tensor, Tensor, Tensor]
"""Queries, keys and values."""


def parts_of(n_tokens: int, heads: tuple[int, int, int], dtype: torch.dtype) -> Parts:
    """Numbers beside each other, as one product leaves them."""
    torch.manual_seed(n_tokens)
    n_heads, n_key_heads, head_dim = heads
    whole = torch.randn(n_tokens, n_heads + 2 * n_key_heads, head_dim).to(dtype)
    query, key, value = torch.split(whole, [n_heads, n_key_heads, n_key_heads], dim=1)
    return query, key, value


def changed(parts: Parts, change: Callable[[Tensor], Tensor]) -> Parts:
    query, key, value = map(change, parts)
    return query, key, value


def placed(
    kernels: Any, lengths: Sequence[int], *, all_attended: bool = True, n_more: int = 0
) -> TokenBatch:
    pieces = (sum(lengths) + n_more,)
    return batch_of(rows_of(lengths, all_attended=all_attended), pieces, kernels)


def reference(
    parts: Parts,
    batch: TokenBatch,
    *,
    causal: bool = False,
    window: int | None = None,
    scale: float | None = None,
    bias: PositionBias | None = None,
) -> Tensor:
    n_heads = parts[0].shape[1]
    found = []
    spans = [
        slice(start, start + group.n_tokens)
        for group in batch.groups
        for start in range(group.start, group.span.stop, group.n_tokens)
    ]
    for span in spans:
        query, key, value = (
            one[span].double().repeat_interleave(n_heads // one.shape[1], 1).transpose(0, 1)
            for one in parts
        )
        at = torch.arange(query.shape[1])
        distance = at[:, None] - at[None, :]
        seen = torch.ones_like(distance, dtype=torch.bool)
        if causal:
            seen &= distance >= 0
        if window is not None:
            seen &= distance.abs() < window
        if batch.attended is not None:
            seen = seen & batch.attended[span]
        scores = torch.zeros(n_heads, len(at), len(at), dtype=torch.float64)
        if bias is not None:
            scores = bias.by_distance.double()[:, bias.n_tokens - 1 - distance]
        scores = scores.masked_fill(~seen, -math.inf)
        attended = functional.scaled_dot_product_attention(
            *(query, key, value), attn_mask=scores, scale=scale
        )
        found.append(attended.transpose(0, 1).flatten(1))
    return torch.cat(found)


def require_near(found: Tensor, expected: Tensor, dtype: torch.dtype) -> None:
    assert found.dtype == dtype
    atol = 3e-6 if dtype == torch.float32 else 2e-2
    torch.testing.assert_close(found.double(), expected, atol=atol, rtol=atol)


@pytest.mark.parametrize("heads", HEADS, ids=str)
@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("all_attended", [True, False])
def test_rows_attend_as_in_float64(
    kernels: Any,
    dtype: torch.dtype,
    heads: tuple[int, int, int],
    option: str,
    all_attended: bool,
) -> None:
    for lengths in LENGTHS:
        parts = parts_of(sum(lengths), heads, dtype)
        batch = placed(kernels, lengths, all_attended=all_attended)
        found = attend(*parts, batch, **OPTIONS[option])
        require_near(found, reference(parts, batch, **OPTIONS[option]), dtype)


@pytest.mark.parametrize("all_attended", [True, False])
def test_biases_are_added_by_distance(kernels: Any, dtype: torch.dtype, all_attended: bool) -> None:
    table = torch.randn(32, 4)
    for lengths in LENGTHS:
        parts = parts_of(sum(lengths), (4, 4, 32), dtype)
        batch = placed(kernels, lengths, all_attended=all_attended)
        for n_tokens in (max(lengths), max(lengths) + 3):
            bias = position_bias(table, n_tokens)
            found = attend(*parts, batch, bias=bias)
            require_near(found, reference(parts, batch, bias=bias), dtype)


def tables_of(heads: int, head_dim: int, dtype: torch.dtype, kinds: str) -> DistanceTables:
    """Tables for queries, keys or both, in which far distances share rows."""
    torch.manual_seed(head_dim)
    distances = Distances(span=32, n_buckets=32, furthest=512)

    def table(kind: str) -> Tensor | None:
        scale = 0.5 * head_dim**-0.5
        return torch.randn(heads, 64, head_dim).mul(scale).to(dtype) if kind in kinds else None

    return DistanceTables(distances, table("q"), table("k"))


def by_distance(parts: Parts, lengths: Sequence[int], tables: DistanceTables) -> Tensor:
    """What `attend_by_distance` returns, in float64: every score by itself."""
    found = []
    for one in zip(*(torch.split(part.double(), list(lengths)) for part in parts), strict=True):
        query, key, value = (tokens.transpose(0, 1) for tokens in one)
        at = torch.arange(query.shape[1])
        rows = tables.distances.rows(at[:, None] - at[None, :])
        scores = query @ key.mT * SCALE
        if tables.for_queries is not None:
            scores += torch.einsum("hqd,hqkd->hqk", query, tables.for_queries.double()[:, rows])
        if tables.for_keys is not None:
            scores += torch.einsum("hkd,hqkd->hqk", key, tables.for_keys.double()[:, rows])
        found.append((scores.softmax(-1) @ value).transpose(0, 1).flatten(1))
    return torch.cat(found)


@pytest.mark.parametrize("kinds", ["qk", "q", "k"])
@pytest.mark.parametrize("head_dim", [16, 64, 80])
def test_distances_are_multiplied_as_in_float64(
    kernels: Any, dtype: torch.dtype, head_dim: int, kinds: str
) -> None:
    tables = tables_of(2, head_dim, dtype, kinds)
    for lengths in LENGTHS:
        parts = parts_of(sum(lengths), (2, 2, head_dim), dtype)
        batch = placed(kernels, lengths)
        found = attend_by_distance(*parts, batch, scale=SCALE, tables=tables)
        require_near(found, by_distance(parts, lengths, tables), dtype)


def test_a_row_with_distances_is_the_same_in_any_batch(kernels: Any, dtype: torch.dtype) -> None:
    tables = tables_of(2, 64, dtype, "qk")
    lengths = [530, 270, 33, 1]
    parts = parts_of(sum(lengths), (2, 2, 64), dtype)
    together = attend_by_distance(*parts, placed(kernels, lengths), scale=SCALE, tables=tables)
    alone = [
        attend_by_distance(
            *changed(parts, itemgetter(slice(start, start + length))),
            placed(kernels, [length]),
            scale=SCALE,
            tables=tables,
        )
        for start, length in zip([0, 530, 800, 833], lengths, strict=True)
    ]
    assert torch.equal(together, torch.cat(alone))


def test_distances_of_hidden_tokens_are_as_without_the_kernels(kernels: Any) -> None:
    tables = tables_of(2, 32, torch.float32, "qk")
    lengths = [30, 9]
    parts = parts_of(sum(lengths), (2, 2, 32), torch.float32)
    found = attend_by_distance(
        *parts, placed(kernels, lengths, all_attended=False), scale=SCALE, tables=tables
    )
    batch = batch_of(rows_of(lengths, all_attended=False))
    assert torch.equal(found, attend_by_distance(*parts, batch, scale=SCALE, tables=tables))


def test_bfloat16_is_nearer_to_float64_than_by_torch(kernels: Any, dtype: torch.dtype) -> None:
    if dtype != torch.bfloat16:
        pytest.skip("of bfloat16 alone")
    lengths = [256, 190, 80, 33]
    parts = parts_of(sum(lengths), (12, 12, 32), dtype)
    batch = placed(kernels, lengths)
    expected = reference(parts, batch)
    theirs = attend(*parts, batch_of(rows_of(lengths)))
    ours = attend(*parts, batch)
    assert 0 < (ours - expected).abs().mean() <= (theirs - expected).abs().mean()


def test_heads_that_lie_apart_are_read_in_place(kernels: Any, dtype: torch.dtype) -> None:
    # As modules of transformers have them behind their rotary positions: heads first.
    parts = changed(
        parts_of(90, (4, 2, 64), dtype),
        lambda one: one.transpose(0, 1).contiguous().transpose(0, 1),
    )
    batch = placed(kernels, [80, 10])
    assert batch.compiled is not None
    assert batch.compiled.takes(*parts)
    require_near(attend(*parts, batch), reference(parts, batch), dtype)


def test_a_row_is_the_same_in_any_batch_and_with_any_number_of_threads(
    kernels: Any, dtype: torch.dtype
) -> None:
    lengths = [600, 300, 80, 80, 3, 1]
    parts = parts_of(sum(lengths), (12, 12, 32), dtype)
    together = attend(*parts, placed(kernels, lengths))
    starts = np.cumsum([0, *lengths])
    alone = []
    for start, length in zip(starts[:-1], lengths, strict=True):
        own = changed(parts, itemgetter(slice(start, start + length)))
        alone.append(attend(*own, placed(kernels, [length])))
    assert torch.equal(together, torch.cat(alone))
    before = torch.get_num_threads()
    try:
        for count in (1, 2, 5):
            torch.set_num_threads(count)
            assert torch.equal(attend(*parts, placed(kernels, lengths)), together)
    finally:
        torch.set_num_threads(before)


def test_many_python_threads_attend_at_once(kernels: Any, dtype: torch.dtype) -> None:
    given = [
        (parts_of(n_tokens + 7, (4, 4, 32), dtype), placed(kernels, [n_tokens, 7]))
        for n_tokens in range(7, 300, 9)
    ]
    expected = [attend(*parts, batch) for parts, batch in given]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            running = [pool.submit(attend, *parts, batch) for parts, batch in given]
            found = [one.result() for one in running]
            assert all(map(torch.equal, found, expected))


def test_tokens_behind_the_rows_get_zeros(kernels: Any, dtype: torch.dtype) -> None:
    parts = parts_of(12, (2, 2, 32), dtype)
    found = attend(*parts, placed(kernels, [7, 2], n_more=3))
    assert not found[9:].any()
    fewer = changed(parts, itemgetter(slice(9)))
    assert torch.equal(found[:9], attend(*fewer, placed(kernels, [7, 2])))


def test_what_is_not_a_number_stays_within_its_row_and_head(
    kernels: Any, dtype: torch.dtype
) -> None:
    query, key, value = parts_of(40, (2, 2, 32), dtype)
    key[35, 1, 3] = math.nan
    found = attend(query, key, value, placed(kernels, [30, 10])).view(40, 2, 32)
    assert found[30:, 1].isnan().all()
    found[30:, 1] = 0
    assert found.isfinite().all()


@pytest.mark.parametrize("biased", [False, True])
def test_a_row_to_which_nothing_attends_is_as_in_torch(
    kernels: Any, dtype: torch.dtype, biased: bool
) -> None:
    parts = parts_of(20, (2, 2, 32), dtype)
    rows = rows_of([15, 5])
    rows[0].attended[:] = [False] * 15
    bias = position_bias(torch.randn(32, 2), 15) if biased else None
    found = attend(*parts, batch_of(rows, kernels=kernels), bias=bias)
    expected = attend(*changed(parts, torch.Tensor.float), batch_of(rows), bias=bias)
    require_near(found, expected.double(), dtype)


def test_other_heads_and_types_attend_without_the_kernels(kernels: Any) -> None:
    batch = placed(kernels, [8, 3])
    assert batch.compiled is not None
    for heads, dtype in (
        ((2, 2, 24), torch.float32),
        ((2, 2, 272), torch.float32),
        ((2, 2, 32), torch.float16),
        ((2, 2, 32), torch.float64),
    ):
        parts = parts_of(11, heads, dtype)
        assert not batch.compiled.takes(*parts)
        assert torch.equal(attend(*parts, batch), attend(*parts, batch_of(rows_of([8, 3]))))
    spread = changed(parts_of(11, (2, 2, 64), torch.float32), lambda one: one[..., ::2])
    assert not batch.compiled.takes(*spread)


def test_bfloat16_attends_without_the_kernels_where_tiles_multiply(
    kernels: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled_attention, "multiplies_by_tiles", lambda: True)
    rows = CompiledRows.place(kernels, [3], None)
    assert not rows.runs(torch.bfloat16)
    assert rows.runs(torch.float32)


def call(kernels: Any, **values: Any) -> None:
    """Call the kernels' own interface with addresses that are never read."""
    heads = kernels.Heads(64, 4, 384, 32)
    given: dict[str, Any] = {
        **dict.fromkeys(("query", "key", "value"), heads),
        "output": 64,
        "rows": kernels.Rows([5]),
        "head_dim": 32,
        "scale": 1.0,
        "instruction_set": "avx2",
        **values,
    }
    kernels.attend(**given)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"query": (0, 4, 384, 32)}, "address of the queries is 0"),
        ({"value": (0, 4, 384, 32)}, "address of the values is 0"),
        ({"key": (64, 3, 384, 32)}, "keys have 3 heads, and values 4"),
        ({"key": (64, 4, 384, -32)}, "the keys lie -32 numbers apart"),
        ({"key": (64, 4, 1 << 40, 32)}, "the keys lie 1099511627776 numbers apart"),
        ({"query": (64, 4, 385, 32)}, "the queries lie 385 numbers apart"),
        ({"query": (64, 0, 384, 32)}, "not made for 0 heads of 32 dimensions with 4 keys"),
        ({"query": (64, 6, 384, 32)}, "not made for 6 heads"),
        ({"head_dim": 0}, "heads of 0 dimensions"),
        ({"head_dim": 24}, "heads of 24 dimensions"),
        ({"head_dim": 272}, "heads of 272 dimensions"),
        ({"output": 0}, "address of the output is 0"),
        ({"window": 0}, "a window of one token or more, not 0"),
        ({"bias": 64, "bias_length": 4}, "a bias for 4 tokens does not reach a row of 5"),
        ({"bias": 64, "bias_length": 1 << 40}, "a bias for 1099511627776 tokens"),
        ({"n_threads": 0}, "expected one thread or more, not 0"),
        ({"tables": (4, 64, 64)}, "tables for 4 tokens do not reach a row of 5"),
        ({"tables": (5, None, None)}, "a table neither for queries nor for keys"),
        ({"tables": (5, 64, None), "causal": True}, "neither a causal order"),
        ({"tables": (5, 64, None), "window": 3}, "nor a window"),
        ({"tables": (5, 64, None), "bias": 64, "bias_length": 5}, "nor a bias"),
        (
            {"tables": (5, 64, None), "key": (64, 2, 384, 32), "value": (64, 2, 384, 32)},
            "keys that several heads share",
        ),
    ],
)
def test_what_does_not_fit_is_refused(kernels: Any, values: dict[str, Any], message: str) -> None:
    made = {
        name: kernels.Heads(*value)
        for name, value in values.items()
        if isinstance(value, tuple) and name != "tables"
    }
    if "tables" in values:
        reach, *addresses = values["tables"]
        rows = kernels.DistanceRows([0] * (2 * reach - 1), 1)
        made["tables"] = kernels.Tables(rows, *addresses)
    with pytest.raises(ValueError, match=message):
        call(kernels, **{**values, **made})


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([0, 1], "an odd number of distances, not 2"),
        ([], "an odd number of distances, not 0"),
        ([0, 4, 1], "rows from 0 to 4 are not in a table of 4"),
        ([0, -1, 1], "rows from -1 to 1 are not in a table of 4"),
    ],
)
def test_rows_that_no_table_has_are_refused(kernels: Any, rows: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kernels.DistanceRows(rows, 4)


@pytest.mark.parametrize("lengths", [[], [0], [5, -1], [1 << 40]])
def test_rows_without_tokens_or_with_too_many_are_refused(kernels: Any, lengths: list[int]) -> None:
    with pytest.raises(ValueError, match="tokens altogether"):
        kernels.Rows(lengths)


def test_fewer_tokens_than_the_rows_have_are_refused(kernels: Any) -> None:
    batch = placed(kernels, [5, 3])
    with pytest.raises(ValueError, match="7 tokens are given for rows of 8"):
        attend(*parts_of(7, (2, 2, 32), torch.float32), batch)
