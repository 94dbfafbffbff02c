"""Linear maps by products of bytes: near to float32, each token by itself."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from holotype.encoders.torch_backend import byte_map
from holotype.encoders.torch_backend.byte_map import ByteMap, WatchedMap, byte_products, outlying

CPU = torch.device("cpu")
NONE = torch.empty(0, dtype=torch.int64)

ABLE = """
import torch
from holotype.encoders.torch_backend.byte_map import byte_products
print(byte_products(torch.device("cpu")))
"""

needs_bytes = pytest.mark.skipif(
    not byte_products(CPU), reason="this processor has no AVX512-VNNI, or torch cannot tell"
)


def parts(n_rows: int = 7, *, biased: bool = True) -> tuple[Tensor, Tensor | None, Tensor]:
    """Return a weight, a bias and vectors."""
    torch.manual_seed(0)
    weight, bias = torch.randn(48, 64), torch.randn(48) if biased else None
    return weight, bias, torch.randn(n_rows, 64)


def loss(found: Tensor, exact: Tensor) -> float:
    """Return how far vectors are from others, relative to their length."""
    return float((found - exact).norm() / exact.norm())


@needs_bytes
@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("kept", [NONE, torch.tensor([3, 40])])
@pytest.mark.parametrize("n_rows", [1, 7, 300])
def test_every_form_of_the_map_is_near_to_float32(biased: bool, kept: Tensor, n_rows: int) -> None:
    weight, bias, vectors = parts(n_rows, biased=biased)
    residual = torch.randn(n_rows, 48)
    before, untouched = residual.clone(), vectors.clone()
    exact = functional.linear(vectors, weight, bias)
    mapped = ByteMap(weight, bias, kept)
    assert loss(mapped(vectors), exact) < 0.02
    assert loss(mapped.to_type(torch.bfloat16, vectors).float(), exact) < 0.02
    assert loss(mapped.gelu(vectors), functional.gelu(exact)) < 0.02
    assert torch.equal(vectors, untouched)
    assert loss(mapped.add_to(residual, vectors), exact + before) < 0.02
    assert torch.equal(residual, before)


@needs_bytes
@pytest.mark.parametrize("kept", [NONE, torch.tensor([3, 40])])
def test_values_that_are_hardly_negative_use_all_bytes(kept: Tensor) -> None:
    weight, bias, vectors = parts(200)
    inner = functional.gelu(3 * vectors)
    exact = functional.linear(inner, weight, bias)
    residual = torch.zeros(200, 48)
    one_sided = ByteMap(weight, bias, kept, after_gelu=True).add_to(residual, inner.clone())
    anything = ByteMap(weight, bias, kept).add_to(residual, inner.clone())
    assert loss(one_sided, exact) < loss(anything, exact) < 0.02


@needs_bytes
@pytest.mark.parametrize("size", [1.0, 0.1, 0.01, 0.001])
def test_small_values_use_all_bytes(size: float) -> None:
    weight, _, vectors = parts(200)
    inner = functional.gelu(size * vectors)
    exact = functional.linear(inner, weight)
    found = ByteMap(weight, None, NONE, after_gelu=True).add_to(torch.zeros(200, 48), inner.clone())
    assert loss(found, exact) < 0.05


@needs_bytes
def test_columns_that_are_far_larger_stay_in_float32() -> None:
    weight, bias, vectors = parts(50)
    vectors[:, [5, 9]] *= 100
    watched = WatchedMap(weight, bias)
    exact = watched(vectors)
    assert loss(watched.in_bytes()(vectors), exact) < 0.005
    small = vectors.clone()
    small[:, [5, 9]] = 0
    rounded_all = ByteMap(weight, bias, NONE)
    # The two columns hide what the others lose; the others have lost everything.
    seen = rounded_all(vectors) - functional.linear(vectors - small, weight, bias)
    assert loss(seen, functional.linear(small, weight)) > 0.2


def test_outlying_columns_are_few_and_far_above_the_others() -> None:
    even = torch.ones(64)
    assert len(outlying(even)) == 0
    even[[7, 30]] = 20.0
    assert sorted(outlying(even).tolist()) == [7, 30]
    assert len(outlying(torch.arange(64).float().exp())) == 8
    assert len(outlying(torch.tensor([1.0, 100.0]))) == 0


@needs_bytes
def test_a_token_is_the_same_among_any_others() -> None:
    weight, bias, vectors = parts(40)
    vectors[20:] *= 1000
    mapped = ByteMap(weight, bias, NONE)
    assert torch.equal(mapped(vectors)[:20], mapped(vectors[:20].clone()))


@needs_bytes
def test_rows_of_zeros_become_the_bias_and_no_number_stays_no_number() -> None:
    weight, bias, vectors = parts()
    vectors[2] = 0
    vectors[4, 1] = float("nan")
    for after_gelu in (False, True):
        mapped = ByteMap(weight, bias, NONE, after_gelu=after_gelu)
        found = mapped.add_to(torch.zeros(7, 48), vectors.clone())
        torch.testing.assert_close(found[2], bias)
        assert found[4].isnan().all()
        assert found[[0, 1, 3, 5, 6]].isfinite().all()


@needs_bytes
def test_weights_take_a_quarter_of_the_memory() -> None:
    weight, bias = torch.randn(768, 768), torch.randn(768)
    watched = WatchedMap(weight, bias)
    watched(torch.randn(9, 768))
    assert watched.memory_bytes == 4 * 768 * 769
    assert watched.in_bytes().memory_bytes < 0.28 * watched.memory_bytes


@pytest.mark.parametrize(
    ("capabilities", "able"),
    [({"avx512_vnni": True}, True), ({"avx512_bf16": True}, False), ({}, False)],
)
def test_bytes_are_multiplied_only_where_the_processor_does_so(
    capabilities: dict[str, bool], able: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(byte_map, "_keeps_large_products", lambda: True)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert byte_products(CPU) is able
    assert not byte_products(torch.device("meta"))


@needs_bytes
def test_a_library_that_is_told_to_leave_instructions_out_multiplies_no_bytes() -> None:
    """Its products would be cut off at 16 bits, and the vectors would be others."""
    command = [sys.executable, "-c", ABLE]
    found = {
        isa: subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
            env={**os.environ, "ONEDNN_MAX_CPU_ISA": isa},
        ).stdout
        for isa in ("ALL", "AVX2")
    }
    assert found == {"ALL": "True\n", "AVX2": "False\n"}


def test_bytes_need_the_operators_of_onednn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_vnni": True}, raising=False)
    monkeypatch.setattr(torch.ops, "onednn", object(), raising=False)
    assert not byte_products(CPU)
