"""Pooling, where padding is on either side and texts may be empty."""

from __future__ import annotations

import pytest
import torch

from holotype.encoders.torch_backend.layers import POOLINGS, pool

TOKENS = torch.tensor([[[1.0, -4.0], [2.0, -3.0], [6.0, -8.0]]])
EXPECTED = {
    "cls": [1.0, -4.0],
    "max": [6.0, -3.0],
    "mean": [3.0, -5.0],
    "mean-sqrt-len": [9.0 / 3**0.5, -15.0 / 3**0.5],
    "weighted-mean": [(1 + 4 + 18) / 6, (-4 - 6 - 24) / 6],
    "last-token": [6.0, -8.0],
}


@pytest.mark.parametrize("mode", POOLINGS)
@pytest.mark.parametrize("n_left", [0, 2])
@pytest.mark.parametrize("n_right", [0, 1])
def test_padding_on_either_side_changes_nothing(mode: str, n_left: int, n_right: int) -> None:
    noise = torch.full((1, 1, 2), 77.0)
    parts = [noise] * n_left + [TOKENS] + [noise] * n_right
    mask = torch.tensor([[False] * n_left + [True] * 3 + [False] * n_right])
    pooled = POOLINGS[mode](torch.cat(parts, dim=1), mask)
    torch.testing.assert_close(pooled, torch.tensor([EXPECTED[mode]]))


@pytest.mark.parametrize("mode", POOLINGS)
def test_a_text_without_tokens_gives_zeros(mode: str) -> None:
    pooled = POOLINGS[mode](TOKENS, torch.tensor([[False, False, False]]))
    assert pooled.tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("mode", ["mean", "mean-sqrt-len", "weighted-mean"])
def test_sums_of_half_precision_lose_nothing(mode: str) -> None:
    tokens = torch.ones(1, 4096, 1, dtype=torch.bfloat16)
    tokens[0, 0, 0] = 2.0
    mask = torch.ones(1, 4096, dtype=torch.bool)
    assert POOLINGS[mode](tokens, mask).item() != POOLINGS[mode](tokens[:, 1:], mask[:, 1:]).item()


def test_several_ways_are_concatenated_in_their_order() -> None:
    mask = torch.ones(1, 3, dtype=torch.bool)
    pooled = pool(TOKENS, mask, ("last-token", "cls"))
    assert pooled.tolist() == [[6.0, -8.0, 1.0, -4.0]]
