"""Layers of NumPy: what torch computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from holotype.encoders.arrays.layers import (
    ACTIVATIONS,
    ARRAY_POOLINGS,
    load_array_linear,
    normalize_arrays,
)
from holotype.encoders.arrays.tensors import read_arrays
from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.modules import LinearSpec
from holotype.encoders.torch_backend.layers import POOLINGS
from holotype.errors import CheckpointError, TensorError, UnsupportedCheckpointError


def linear(
    folder: Path, activation: str = "torch.nn.Identity", *, residual: bool = False
) -> LinearSpec:
    return LinearSpec(
        folder=Checkpoint(folder),
        in_dim=3,
        out_dim=2,
        bias=True,
        activation=activation,
        residual=residual,
    )


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_torchs(name: str) -> None:
    values = np.concatenate([np.linspace(-12, 12, 997), [-100, 0, 100]]).astype(np.float32)
    theirs = getattr(torch.nn, name)()(torch.from_numpy(values)).numpy()
    ours = ACTIVATIONS[name](values)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("name", ARRAY_POOLINGS)
def test_poolings_are_torchs(name: str) -> None:
    chosen = np.random.default_rng(0)
    tokens = chosen.normal(size=(4, 7, 5)).astype(np.float32)
    mask = chosen.random((4, 7)) > 0.4
    mask[2] = False
    theirs = POOLINGS[name](torch.from_numpy(tokens), torch.from_numpy(mask)).numpy()
    np.testing.assert_allclose(ARRAY_POOLINGS[name](tokens, mask), theirs, rtol=1e-6, atol=1e-6)


def test_both_know_the_same_poolings() -> None:
    assert ARRAY_POOLINGS.keys() == POOLINGS.keys()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_weights_of_every_type_are_read_in_float32(dtype: torch.dtype, tmp_path: Path) -> None:
    weight = torch.randn(4, 3).to(dtype)
    save_file({"a.weight": weight, "b.weight": weight.clone()}, tmp_path / "model.safetensors")
    (found,) = read_arrays(Checkpoint(tmp_path), prefix="a.").values()
    assert found.dtype == np.float32
    assert (found == weight.float().numpy()).all()


def test_a_linear_layer_has_its_residual_path(tmp_path: Path) -> None:
    tensors = {
        "linear.weight": torch.randn(2, 3),
        "linear.bias": torch.randn(2),
        "residual.weight": torch.randn(2, 3),
    }
    save_file(tensors, tmp_path / "model.safetensors")
    vectors = torch.randn(5, 3)
    layer = load_array_linear(linear(tmp_path, "torch.nn.modules.activation.Tanh", residual=True))
    product = vectors @ tensors["linear.weight"].T + tensors["linear.bias"]
    theirs = torch.tanh(product) + vectors @ tensors["residual.weight"].T
    np.testing.assert_allclose(layer(vectors.numpy()), theirs.numpy(), rtol=1e-5, atol=1e-6)


def test_tensors_that_do_not_fit_are_named(tmp_path: Path) -> None:
    save_file({"linear.weight": torch.ones(2, 2)}, tmp_path / "model.safetensors")
    with pytest.raises(TensorError, match=r"1 missing: linear\.bias; 1 of another shape"):
        load_array_linear(linear(tmp_path))


def test_an_activation_of_another_package_is_refused(tmp_path: Path) -> None:
    tensors = {"linear.weight": torch.ones(2, 3), "linear.bias": torch.ones(2)}
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(UnsupportedCheckpointError, match=r"uses the activation 'acme\.Tanh'"):
        load_array_linear(linear(tmp_path, "acme.Tanh"))


def test_truncated_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file({"linear.weight": torch.ones(9, 9)}, path)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(CheckpointError, match="is no whole safetensors file"):
        read_arrays(Checkpoint(tmp_path))


def test_vectors_of_zeros_stay_as_they_are() -> None:
    vectors = np.array([[0, 0], [3, 4]], dtype=np.float32)
    expected = np.array([[0, 0], [0.6, 0.8]], dtype=np.float32)
    np.testing.assert_allclose(normalize_arrays(vectors), expected, rtol=1e-6)
