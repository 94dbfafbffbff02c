"""How torch's attention over rows of any length is called, which only a GPU runs."""

from __future__ import annotations

import inspect
from itertools import pairwise
from typing import Any

import pytest
import torch
from tests.unit.holotype.encoders.torch_backend.test_gpu_attention import LENGTHS, batch_of
from torch import Tensor
from torch.nn import functional

from holotype.encoders.torch_backend import gpu_attention
from holotype.encoders.torch_backend.gpu_attention import GpuRows

CPU = torch.device("cpu")
varlen: Any = pytest.importorskip("torch.nn.attention.varlen", reason="torch 2.10 brought it")


def as_documented(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    cu_seq_q: Tensor,
    cu_seq_k: Tensor,
    max_q: int,
    max_k: int,
    *,
    scale: float | None,
    window_size: tuple[int, int],
    enable_gqa: bool,
) -> Tensor:
    """What torch documents of `varlen_attn`, row by row."""
    assert cu_seq_q.dtype == cu_seq_k.dtype == torch.int32
    bounds = cu_seq_q.tolist()
    assert bounds == cu_seq_k.tolist()
    lengths = [stop - start for start, stop in pairwise(bounds)]
    assert max_q == max_k == max(lengths)
    behind, ahead = window_size
    found = []
    for start, n_tokens in zip(bounds, lengths, strict=False):
        queries, keys, values = (
            each[start : start + n_tokens].transpose(0, 1) for each in (query, key, value)
        )
        at = torch.arange(n_tokens)
        distance = at[None, :] - at[:, None]
        seen = torch.ones_like(distance, dtype=torch.bool)
        if behind >= 0:
            seen &= distance >= -behind
        if ahead >= 0:
            seen &= distance <= ahead
        row = functional.scaled_dot_product_attention(
            queries, keys, values, attn_mask=seen, scale=scale, enable_gqa=enable_gqa
        )
        found.append(row.transpose(0, 1))
    return torch.cat(found)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[inspect.BoundArguments]:
    """The calls that torch's function would get, whose signature they must fit."""
    signature = inspect.signature(varlen.varlen_attn)
    bound: list[inspect.BoundArguments] = []

    def run(*arguments: Any, **options: Any) -> Tensor:
        bound.append(signature.bind(*arguments, **options))
        return as_documented(*arguments, **options)

    run.__signature__ = signature  # type: ignore[attr-defined]
    monkeypatch.setattr(varlen, "varlen_attn", run)
    monkeypatch.setattr(torch.backends.cuda, "is_flash_attention_available", lambda: True)
    monkeypatch.setattr(gpu_attention, "_reads_any_lengths", lambda _query: True)
    gpu_attention._varlen.cache_clear()
    return bound


@pytest.fixture(autouse=True)
def _ask_torch_anew() -> Any:
    yield
    gpu_attention._varlen.cache_clear()


@pytest.mark.skipif(
    "enable_gqa" not in inspect.signature(varlen.varlen_attn).parameters,
    reason="this torch wants as many keys as queries",
)
@pytest.mark.parametrize("scale", [None, 0.3])
@pytest.mark.parametrize("window", [None, 1, 5, 40])
@pytest.mark.parametrize("causal", [True, False])
def test_rows_of_all_lengths_take_one_call(
    causal: bool, window: int | None, scale: float | None, calls: list[Any]
) -> None:
    torch.manual_seed(0)
    rows = GpuRows.place(batch_of(LENGTHS), CPU)
    query = torch.randn(sum(LENGTHS), 4, 8)
    key, value = torch.randn(2, sum(LENGTHS), 2, 8)
    found = rows.attend(query, key, value, scale=scale, causal=causal, window=window, bias=None)
    assert len(calls) == 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gpu_attention, "_reads_any_lengths", lambda _query: False)
        expected = rows.attend(
            query, key, value, scale=scale, causal=causal, window=window, bias=None
        )
    assert len(calls) == 1
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-6)


def test_rows_of_one_length_and_biases_go_to_torchs_usual_attention(calls: list[Any]) -> None:
    query, key, value = torch.randn(3, 40, 4, 8)
    options: dict[str, Any] = {"scale": None, "causal": False}
    alike = GpuRows.place(batch_of([20, 20]), CPU)
    alike.attend(query, key, value, window=None, bias=None, **options)
    ragged = GpuRows.place(batch_of([30, 10]), CPU)
    ragged.attend(query, key, value, window=None, bias=torch.randn(1, 4, 30, 30), **options)
    masked = GpuRows.place(batch_of([30, 10], attends_to_all=False), CPU)
    masked.attend(query, key, value, window=None, bias=None, **options)
    assert calls == []
    alike.attend(query, key, value, window=5, bias=None, **options)
    assert len(calls) == 1


def test_a_torch_whose_function_has_no_windows_is_not_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.backends.cuda, "is_flash_attention_available", lambda: True)

    def of_torch_2_10(query: Any, key: Any, value: Any, is_causal: bool = False) -> None:
        raise AssertionError("it must not be called")

    monkeypatch.setattr(varlen, "varlen_attn", of_torch_2_10)
    gpu_attention._varlen.cache_clear()
    assert gpu_attention._varlen() is None


def test_only_halves_of_usual_heads_on_a_gpu_are_read_so() -> None:
    assert not gpu_attention._reads_any_lengths(torch.zeros(3, 4, 64, dtype=torch.bfloat16))
