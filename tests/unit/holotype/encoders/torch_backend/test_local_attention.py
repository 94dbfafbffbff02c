"""Attention piece by piece: what a mask over all pairs of tokens gives."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from holotype.encoders.inputs.rows import Row
from holotype.encoders.running.packing import pack
from holotype.encoders.torch_backend import attention
from holotype.encoders.torch_backend.attention import TokenBatch, attend
from holotype.encoders.torch_backend.local_attention import attend_locally, attends_locally


def by_mask(
    parts: Tensor, window: int, *, causal: bool, n_real: int, attended: Tensor | None = None
) -> Tensor:
    at = torch.arange(n_real)
    distance = at[:, None] - at[None, :]
    seen = (distance.abs() < window)[None, None]
    if causal:
        seen = seen & (distance >= 0)
    if attended is not None:
        seen = seen & attended[:, None, None, :n_real]
    query, key, value = parts[..., :n_real, :]
    return functional.scaled_dot_product_attention(query, key, value, attn_mask=seen)


@given(
    n_rows=st.integers(1, 3),
    n_tokens=st.integers(1, 300),
    n_padding=st.integers(0, 70),
    window=st.integers(1, 150),
    causal=st.booleans(),
)
def test_rows_attend_as_a_mask_lets_them(
    n_rows: int, n_tokens: int, n_padding: int, window: int, causal: bool
) -> None:
    torch.manual_seed(n_tokens)
    parts = torch.randn(3, n_rows, 2, n_tokens + n_padding, 4)
    found = attend_locally(*parts, window=window, causal=causal, n_real=n_tokens)
    expected = by_mask(parts, window, causal=causal, n_real=n_tokens)
    torch.testing.assert_close(found[:, :, :n_tokens], expected, rtol=0, atol=2e-6)
    assert found.isfinite().all()


def test_tokens_that_are_not_attended_are_not_seen() -> None:
    torch.manual_seed(0)
    parts = torch.randn(3, 2, 2, 280, 4)
    attended = torch.arange(280).expand(2, 280) % 3 > 0
    found = attend_locally(*parts, window=20, causal=False, n_real=280, attended=attended)
    expected = by_mask(parts, 20, causal=False, n_real=280, attended=attended)
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize("lengths", [[300], [300, 300, 256, 255, 40], [600, 300, 300]])
@pytest.mark.parametrize("causal", [True, False])
def test_batches_take_this_way_for_their_long_rows(
    causal: bool, lengths: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(1)
    rows = [Row([1] * n, [0] * n, [True] * n, [True] * n) for n in lengths]
    (batch,) = pack(rows, max_rows=None, max_tokens=2000, pad_id=0)
    query, key, value = torch.randn(3, sum(lengths), 4, 8)
    tokens = TokenBatch.place(batch, torch.device("cpu"), with_types=True)
    found = attend(query, key, value, tokens, causal=causal, window=30)
    assert attends_locally(256, 30)
    assert not attends_locally(255, 30)
    assert not attends_locally(299, 150)
    monkeypatch.setattr(attention, "attends_locally", lambda _n_tokens, _window: False)
    expected = attend(query, key, value, tokens, causal=causal, window=30)
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-6)
