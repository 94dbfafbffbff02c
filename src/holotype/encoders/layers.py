"""The layers between a transformer and the vectors that it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from holotype.encoders.modules import LayerSpec, LinearSpec, PoolingSpec
from holotype.encoders.pooling import pool
from holotype.encoders.weights import read_tensors
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
    """A linear layer, its activation, and a residual path beside both where it has one."""

    weight: Tensor
    bias: Tensor | None
    activation: Callable[[Tensor], Tensor]
    residual: bool
    residual_weight: Tensor | None

    @property
    def memory_bytes(self) -> int:
        """How many bytes its weights take."""
        weights = (self.weight, self.bias, self.residual_weight)
        return sum(weight.nbytes for weight in weights if weight is not None)

    def __call__(self, vectors: Tensor, _counted: Tensor | None = None) -> Tensor:
        """Map vectors of the last axis, ``[..., in_dim]``, to ``[..., out_dim]``."""
        vectors = vectors.to(self.weight.dtype)
        mapped = self.activation(functional.linear(vectors, self.weight, self.bias))
        if not self.residual:
            return mapped
        if self.residual_weight is None:
            return mapped + vectors
        return mapped + functional.linear(vectors, self.residual_weight)


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
    missing, unexpected = sorted(shapes.keys() - found), sorted(found.keys() - shapes)
    misshapen = [
        f"{name} ({list(found[name].shape)}, expected {shape})"
        for name, shape in shapes.items()
        if name in found and list(found[name].shape) != shape
    ]
    if missing or unexpected or misshapen:
        raise TensorError(str(spec.folder), missing, unexpected, misshapen)
    placed = {name: tensor.to(device=device, dtype=dtype) for name, tensor in found.items()}
    return Linear(
        weight=placed["linear.weight"],
        bias=placed.get("linear.bias"),
        activation=_activation(spec),
        residual=spec.residual,
        residual_weight=placed.get("residual.weight"),
    )


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
