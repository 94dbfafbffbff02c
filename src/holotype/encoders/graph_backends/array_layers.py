"""The layers between a transformer and the vectors that it returns, without torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from holotype.encoders.checkpoints.modules import LayerNormSpec, LayerSpec, LinearSpec, PoolingSpec
from holotype.encoders.graph_backends.array_activations import activation
from holotype.encoders.graph_backends.array_pooling import Mask, pool_arrays
from holotype.encoders.graph_backends.array_tensors import Array, read_arrays
from holotype.errors import TensorError

# torch's own default, which no checkpoint sets.
_EPSILON = np.float32(1e-5)

ArrayLayer: TypeAlias = Callable[[Array, Mask], Array]
"""Takes vectors and the mask of the tokens that count, and returns vectors."""


@dataclass(frozen=True, slots=True)
class ArrayPool:
    """Token vectors become one vector for a text."""

    modes: tuple[str, ...]

    def __call__(self, vectors: Array, counted: Mask) -> Array:
        """Turn ``[n_texts, n_tokens, dim]`` into ``[n_texts, n_modes * dim]``."""
        return pool_arrays(vectors, counted, self.modes)


@dataclass(frozen=True, slots=True)
class ArrayLinear:
    """A linear layer, its activation, and a residual path beside both where it has one."""

    weight: Array
    bias: Array | None
    activation: Callable[[Array], Array]
    residual: bool
    residual_weight: Array | None

    @property
    def memory_bytes(self) -> int:
        """How many bytes its weights take."""
        weights = (self.weight, self.bias, self.residual_weight)
        return sum(weight.nbytes for weight in weights if weight is not None)

    def __call__(self, vectors: Array, _counted: Mask | None = None) -> Array:
        """Map vectors of the last axis, ``[..., in_dim]``, to ``[..., out_dim]``."""
        product: Array = vectors @ self.weight.T
        if self.bias is not None:
            product = product + self.bias
        mapped = self.activation(product)
        if not self.residual:
            return mapped
        if self.residual_weight is None:
            return mapped + vectors
        beside: Array = vectors @ self.residual_weight.T
        return mapped + beside


@dataclass(frozen=True, slots=True)
class ArrayLayerNorm:
    """Vectors are centred and scaled, then weighted."""

    weight: Array
    bias: Array

    @property
    def memory_bytes(self) -> int:
        """How many bytes its weights take."""
        return self.weight.nbytes + self.bias.nbytes

    def __call__(self, vectors: Array, _counted: Mask | None = None) -> Array:
        """Map vectors of the last axis to vectors of the same width."""
        centred = vectors - vectors.mean(axis=-1, keepdims=True)
        variance = np.square(centred).mean(axis=-1, keepdims=True)
        normed: Array = centred / np.sqrt(variance + _EPSILON) * self.weight + self.bias
        return normed


def normalize_arrays(vectors: Array, _counted: Mask | None = None) -> Array:
    """Scale vectors of the last axis to length 1; vectors of zeros stay as they are."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: Array = vectors / np.maximum(lengths, 1e-12)
    return unit


def returned_arrays(vectors: Array, *, dim: int, normalized: bool) -> Array:
    """Return the first dimensions of vectors, again of length 1 where they were."""
    if dim == vectors.shape[-1]:
        return vectors
    cut = vectors[..., :dim]
    return normalize_arrays(cut) if normalized else np.ascontiguousarray(cut)


def load_array_layers(
    specs: Sequence[LayerSpec], *, projection: Mapping[str, Array] | None = None
) -> tuple[ArrayLayer, ...]:
    """Load the layers of a checkpoint, in order, in float32.

    Args:
        specs: what the layers are.
        projection: the tensors of a linear layer that has no folder of its own.
    """
    layers: list[ArrayLayer] = []
    for spec in specs:
        if isinstance(spec, PoolingSpec):
            layers.append(ArrayPool(spec.modes))
        elif isinstance(spec, LinearSpec):
            layers.append(load_array_linear(spec, projection))
        elif isinstance(spec, LayerNormSpec):
            layers.append(_load_layer_norm(spec))
        else:
            layers.append(normalize_arrays)
    return tuple(layers)


def load_array_linear(spec: LinearSpec, tensors: Mapping[str, Array] | None = None) -> ArrayLinear:
    """Load a linear layer from its folder, or from tensors that have been read already.

    Raises:
        TensorError: a tensor is missing, unexpected, or of another shape.
        UnsupportedCheckpointError: the activation is unknown.
    """
    shapes: dict[str, tuple[int, ...]] = {"linear.weight": (spec.out_dim, spec.in_dim)}
    if spec.bias:
        shapes["linear.bias"] = (spec.out_dim,)
    if spec.residual and spec.in_dim != spec.out_dim:
        shapes["residual.weight"] = (spec.out_dim, spec.in_dim)
    found = read_arrays(spec.folder) if tensors is None else tensors
    _require_shapes(spec.folder, found, shapes)
    return ArrayLinear(
        weight=found["linear.weight"],
        bias=found.get("linear.bias"),
        activation=activation(spec),
        residual=spec.residual,
        residual_weight=found.get("residual.weight"),
    )


def _load_layer_norm(spec: LayerNormSpec) -> ArrayLayerNorm:
    found = read_arrays(spec.folder)
    _require_shapes(spec.folder, found, {"norm.weight": (spec.dim,), "norm.bias": (spec.dim,)})
    return ArrayLayerNorm(found["norm.weight"], found["norm.bias"])


def _require_shapes(
    folder: Path, found: Mapping[str, Array], shapes: Mapping[str, tuple[int, ...]]
) -> None:
    missing, unexpected = sorted(shapes.keys() - found), sorted(found.keys() - shapes)
    misshapen = [
        f"{name} ({list(found[name].shape)}, expected {list(shape)})"
        for name, shape in shapes.items()
        if name in found and found[name].shape != shape
    ]
    if missing or unexpected or misshapen:
        raise TensorError(str(folder), missing, unexpected, misshapen)
