"""Attention in three steps: the same as torch's own, and only where it is faster."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from holotype.encoders.torch_backend import attention as attention_products
from holotype.encoders.torch_backend.attention import (
    attend_by_products,
    products_are_faster,
)


@pytest.fixture(autouse=True)
def _ask_the_processor_anew() -> Iterator[None]:
    yield
    attention_products._multiplies_bfloat16_without_tiles.cache_clear()


def parts(
    n_rows: int, n_tokens: int, dtype: torch.dtype = torch.float32
) -> tuple[Tensor, Tensor, Tensor]:
    """Query, key and value as a layer makes them: views of one tensor."""
    torch.manual_seed(0)
    made = torch.randn(n_rows, n_tokens, 3, 4, 8).to(dtype)
    query, key, value = (one.transpose(1, 2) for one in made.unbind(2))
    return query, key, value


@pytest.mark.parametrize("scale", [None, 0.1])
@pytest.mark.parametrize(("n_rows", "n_tokens"), [(1, 1), (1, 300), (7, 40), (64, 3)])
@pytest.mark.parametrize("n_bytes", [1, 40_000, 1 << 20])
def test_rows_attend_as_torch_lets_them(
    n_rows: int,
    n_tokens: int,
    scale: float | None,
    n_bytes: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attention_products, "_BYTES_A_THREAD", n_bytes)
    query, key, value = parts(n_rows, n_tokens)
    expected = functional.scaled_dot_product_attention(query, key, value, scale=scale)
    found = attend_by_products(query, key, value, scale)
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-6)


def test_bfloat16_is_as_near_to_float32_as_torch_is() -> None:
    query, key, value = parts(4, 200, torch.bfloat16)
    exact = functional.scaled_dot_product_attention(query.float(), key.float(), value.float())
    torchs = functional.scaled_dot_product_attention(query, key, value).float() - exact
    ours = attend_by_products(query, key, value).float() - exact
    assert ours.abs().mean() <= 2 * torchs.abs().mean()


@pytest.mark.parametrize(
    ("capabilities", "faster"),
    [
        ({"avx512_bf16": True, "amx_bf16": False}, True),
        ({"avx512_bf16": True, "amx_bf16": True}, False),
        ({"avx512_bf16": False}, False),
        ({}, False),
    ],
)
def test_it_is_chosen_by_what_the_processor_multiplies(
    capabilities: dict[str, bool], faster: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    attention_products._multiplies_bfloat16_without_tiles.cache_clear()
    assert products_are_faster(parts(4, 64, torch.bfloat16)[0]) is faster
    assert not products_are_faster(parts(4, 64)[0])
    assert not products_are_faster(parts(1, 8, torch.bfloat16)[0])
    assert not products_are_faster(parts(1, 2000, torch.bfloat16)[0])
