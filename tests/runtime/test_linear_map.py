"""Linear maps by oneDNN and by torch's own functions: the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from holotype.encoders.torch_backend import linear_map as linear_maps
from holotype.encoders.torch_backend.linear_map import (
    LinearMap,
    OneDnnLinearMap,
    linear_map,
    one_dnn_multiplies,
)
from holotype.encoders.torch_backend.row_counts import row_counts

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    "make", [LinearMap, partial(OneDnnLinearMap, counts=row_counts(torch.float32))]
)
@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("fuses_gelu", [True, False])
def test_every_kind_of_map_does_what_it_says(
    make: Callable[[Tensor, Tensor | None], LinearMap],
    biased: bool,
    fuses_gelu: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(linear_maps, "_fuses_gelu", lambda: fuses_gelu)
    assert one_dnn_multiplies(CPU, torch.float32)
    torch.manual_seed(0)
    weight, bias = torch.randn(48, 32), torch.randn(48) if biased else None
    vectors, residual = torch.randn(7, 32), torch.randn(7, 48)
    exact = functional.linear(vectors, weight, bias)
    mapped = make(weight, bias)
    before = residual.clone()
    torch.testing.assert_close(mapped(vectors), exact, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(mapped.gelu(vectors), functional.gelu(exact), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(
        mapped.add_to(residual, vectors), exact + before, atol=1e-5, rtol=1e-5
    )
    assert torch.equal(residual, before)


def test_public_functions_take_the_place_of_operators_that_are_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    weight = torch.randn(4, 4)
    assert type(linear_map(weight, None)) is OneDnnLinearMap
    empty: Any = type("Operators", (), {})()
    monkeypatch.setattr(torch.ops, "mkldnn", empty, raising=False)
    assert type(linear_map(weight, None)) is LinearMap


def test_types_and_devices_without_such_instructions_are_left_to_torch() -> None:
    assert not one_dnn_multiplies(CPU, torch.float64)
    assert not one_dnn_multiplies(torch.device("meta"), torch.float32)
