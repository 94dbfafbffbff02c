"""The layers between a transformer and the vectors that it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from holotype.encoders.checkpoints.modules import LayerNormSpec, LayerSpec, LinearSpec, PoolingSpec
from holotype.encoders.torch_backend.linear_map import LinearMap, linear_map
from holotype.encoders.torch_backend.pooling import pool
from holotype.encoders.torch_backend.tensor_files import read_tensors
from holotype.errors import TensorError, UnsupportedCheckpointError

_ACTIVATIONS: Mapping[str, type[nn.Module]] = {
    kind.__name__: kind
    for kind in (
        nn.ELU,
        nn.GELU,
        nn.Hardswish,
        nn.Hardtanh,
        nn.Identity,
        nn.LeakyReLU,
        nn.Mish,
        nn.ReLU,
        nn.ReLU6,
        nn.SELU,
        nn.SiLU,
        nn.Sigmoid,
        nn.Softplus,
        nn.Softsign,
        nn.Tanh,
    )
}

Layer: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""Takes vectors and the mask of the tokens that count, and returns vectors."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Token vectors become one vector for a text."""

    modes: tuple[str, ...]

    def __call__(self, vectors: Tensor, counted: Tensor) -> Tensor:
        """Turn ``[n_texts, n_tokens, dim]`` into ``[n_texts, n_modes * dim]``."""
        return pool(vectors, counted, self.modes)


def normalize(vectors: Tensor, _counted: Tensor | None = None) -> Tensor:
    """Scale vectors of the last axis to length 1, in float32; vectors of zeros stay as they are."""
    return functional.normalize(vectors.float(), dim=-1)


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear layer, its activation, and a residual path beside both where it has one.

    Attributes:
        mapped: the layer without its activation.
        activation: what follows.
        residual: whether there is a path beside both.
        residual_map: what maps that path; None where it changes nothing.
        dtype: the type of the weights.
        memory_bytes: how many bytes they take.
    """

    mapped: LinearMap
    activation: Callable[[Tensor], Tensor]
    residual: bool
    residual_map: LinearMap | None
    dtype: torch.dtype
    memory_bytes: int

    def __call__(self, vectors: Tensor, _counted: Tensor | None = None) -> Tensor:
        """Map vectors of the last axis, ``[..., in_dim]``, to ``[..., out_dim]``."""
        vectors = vectors.to(self.dtype)
        found = self.activation(self.mapped(vectors))
        if not self.residual:
            return found
        return found + (vectors if self.residual_map is None else self.residual_map(vectors))


@dataclass(frozen=True, slots=True)
class LayerNorm:
    """Vectors are centred and scaled, then weighted."""

    weight: Tensor
    bias: Tensor

    def __call__(self, vectors: Tensor, _counted: Tensor | None = None) -> Tensor:
        """Map vectors of the last axis to vectors of the same width."""
        vectors = vectors.to(self.weight.dtype)
        return functional.layer_norm(vectors, self.weight.shape, self.weight, self.bias)


def load_layers(
    specs: Sequence[LayerSpec],
    *,
    device: torch.device,
    dtype: torch.dtype,
    projection: Mapping[str, Tensor] | None = None,
) -> tuple[Layer, ...]:
    """Load the layers of a checkpoint, in order.

    Args:
        specs: what the layers are.
        device: where their weights go.
        dtype: the type of their weights.
        projection: the tensors of a linear layer that has no folder of its own.
    """
    layers: list[Layer] = []
    for spec in specs:
        if isinstance(spec, PoolingSpec):
            layers.append(Pool(spec.modes))
        elif isinstance(spec, LinearSpec):
            layers.append(load_linear(spec, device=device, dtype=dtype, tensors=projection))
        elif isinstance(spec, LayerNormSpec):
            layers.append(_load_layer_norm(spec, device=device, dtype=dtype))
        else:
            layers.append(normalize)
    return tuple(layers)


def returned_vectors(vectors: Tensor, *, dim: int, normalized: bool) -> Tensor:
    """Return the first dimensions of vectors, in float32, again of length 1 where they were."""
    vectors = vectors.float()
    if dim == vectors.shape[-1]:
        return vectors
    cut = vectors[..., :dim]
    return normalize(cut) if normalized else cut


def load_linear(
    spec: LinearSpec,
    *,
    device: torch.device,
    dtype: torch.dtype,
    tensors: Mapping[str, Tensor] | None = None,
) -> Linear:
    """Load a linear layer from its folder, or from tensors that have been read already.

    Raises:
        TensorError: a tensor is missing, unexpected, or of another shape.
        UnsupportedCheckpointError: the activation is unknown.
    """
    shapes = {"linear.weight": [spec.out_dim, spec.in_dim]}
    if spec.bias:
        shapes["linear.bias"] = [spec.out_dim]
    if spec.residual and spec.in_dim != spec.out_dim:
        shapes["residual.weight"] = [spec.out_dim, spec.in_dim]
    found = read_tensors(spec.folder) if tensors is None else tensors
    _require_shapes(str(spec.folder), found, shapes)
    placed = {name: tensor.to(device=device, dtype=dtype) for name, tensor in found.items()}
    residual_weight = placed.get("residual.weight")
    return Linear(
        mapped=linear_map(placed["linear.weight"], placed.get("linear.bias")),
        activation=_activation(spec),
        residual=spec.residual,
        residual_map=None if residual_weight is None else linear_map(residual_weight, None),
        dtype=dtype,
        memory_bytes=sum(tensor.nbytes for tensor in placed.values()),
    )


def _load_layer_norm(spec: LayerNormSpec, *, device: torch.device, dtype: torch.dtype) -> LayerNorm:
    found = read_tensors(spec.folder)
    shapes = {"norm.weight": [spec.dim], "norm.bias": [spec.dim]}
    _require_shapes(str(spec.folder), found, shapes)
    placed = {name: tensor.to(device=device, dtype=dtype) for name, tensor in found.items()}
    return LayerNorm(placed["norm.weight"], placed["norm.bias"])


def _require_shapes(
    location: str, found: Mapping[str, Tensor], shapes: Mapping[str, list[int]]
) -> None:
    missing, unexpected = sorted(shapes.keys() - found), sorted(found.keys() - shapes)
    misshapen = [
        f"{name} ({list(found[name].shape)}, expected {shape})"
        for name, shape in shapes.items()
        if name in found and list(found[name].shape) != shape
    ]
    if missing or unexpected or misshapen:
        raise TensorError(location, missing, unexpected, misshapen)


def _activation(spec: LinearSpec) -> Callable[[Tensor], Tensor]:
    module, _, name = spec.activation.rpartition(".")
    found = _ACTIVATIONS.get(name)
    if found is None or module not in (found.__module__, "torch.nn"):
        raise UnsupportedCheckpointError(
            str(spec.folder),
            f"uses the activation {spec.activation!r}; supported are torch.nn's "
            f"{', '.join(_ACTIVATIONS)}",
        )
    layer: Callable[[Tensor], Tensor] = found()
    return layer
