"""Pooling, linear layers, norms and their activations in NumPy."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.arrays.tensors import Array, read_arrays
from holotype.encoders.checkpoints.modules import LayerNormSpec, LayerSpec, LinearSpec, PoolingSpec
from holotype.errors import TensorError, UnsupportedCheckpointError

# https://arxiv.org/abs/1706.02515, as torch writes them.
_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946

# Between the points of this grid the error function is interpolated; it is off by 3e-8 at most.
_ERF_AT = np.linspace(-6, 6, 24_001)


@cache
def _erf_table() -> NDArray[np.float64]:
    return np.array([math.erf(x) for x in _ERF_AT])


def _erf(x: Array) -> Array:
    return np.interp(x, _ERF_AT, _erf_table()).astype(np.float32)


def _gelu(x: Array) -> Array:
    activated: Array = x * np.float32(0.5) * (1 + _erf(x / math.sqrt(2)))
    return activated


def _elu(x: Array) -> Array:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def _selu(x: Array) -> Array:
    return np.float32(_SELU_SCALE) * np.where(
        x > 0, x, np.float32(_SELU_ALPHA) * np.expm1(np.minimum(x, 0))
    )


def _sigmoid(x: Array) -> Array:
    # Through tanh, which overflows nowhere.
    activated: Array = np.float32(0.5) * (1 + np.tanh(x * np.float32(0.5)))
    return activated


def _softplus(x: Array) -> Array:
    return np.logaddexp(np.float32(0), x)


def _hardswish(x: Array) -> Array:
    activated: Array = x * (np.clip(x + 3, 0, 6) / np.float32(6)).astype(np.float32)
    return activated


def _mish(x: Array) -> Array:
    return x * np.tanh(_softplus(x))


ACTIVATIONS: Mapping[str, Callable[[Array], Array]] = {
    "ELU": _elu,
    "GELU": _gelu,
    "Hardswish": _hardswish,
    "Hardtanh": lambda x: np.clip(x, -1, 1),
    "Identity": lambda x: x,
    "LeakyReLU": lambda x: np.where(x > 0, x, np.float32(0.01) * x),
    "Mish": _mish,
    "ReLU": lambda x: np.maximum(x, 0),
    "ReLU6": lambda x: np.clip(x, 0, 6),
    "SELU": _selu,
    "SiLU": lambda x: x * _sigmoid(x),
    "Sigmoid": _sigmoid,
    "Softplus": _softplus,
    "Softsign": lambda x: x / (1 + np.abs(x)),
    "Tanh": np.tanh,
}
"""By the names of torch's classes."""


def activation(spec: LinearSpec) -> Callable[[Array], Array]:
    """Return the activation of a layer.

    Raises:
        UnsupportedCheckpointError: it is none of torch's, or unknown here.
    """
    module, _, name = spec.activation.rpartition(".")
    found = ACTIVATIONS.get(name)
    if found is None or not f"{module}.".startswith("torch.nn."):
        raise UnsupportedCheckpointError(
            spec.folder.location,
            f"uses the activation {spec.activation!r}; supported are torch.nn's "
            f"{', '.join(ACTIVATIONS)}",
        )
    return found


Mask = NDArray[np.bool_]


def pool_arrays(tokens: Array, mask: Mask, modes: Sequence[str]) -> Array:
    """Pool tokens in several ways and concatenate what comes out: ``[n_texts, n_modes * dim]``."""
    return np.concatenate([ARRAY_POOLINGS[mode](tokens, mask) for mode in modes], axis=-1)


def first_token(tokens: Array, mask: Mask) -> Array:
    """Take the first token that counts."""
    return _take(tokens, mask, mask.argmax(axis=1))


def last_token(tokens: Array, mask: Mask) -> Array:
    """Take the last token that counts."""
    return _take(tokens, mask, mask.shape[1] - 1 - mask[:, ::-1].argmax(axis=1))


def maximum(tokens: Array, mask: Mask) -> Array:
    """Take the greatest value of each dimension."""
    least = np.finfo(tokens.dtype).min
    found: Array = np.where(mask[..., None], tokens, least).max(axis=1)
    found[~mask.any(axis=1)] = 0
    return found


def mean(tokens: Array, mask: Mask) -> Array:
    """Average the tokens."""
    return _weighted_sum(tokens, mask) / _count(mask)


def mean_by_root_of_length(tokens: Array, mask: Mask) -> Array:
    """Sum the tokens and divide by the square root of their number."""
    roots: Array = np.sqrt(_count(mask), dtype=np.float32)
    pooled: Array = np.divide(_weighted_sum(tokens, mask), roots, dtype=np.float32)
    return pooled


def weighted_mean(tokens: Array, mask: Mask) -> Array:
    """Average the tokens with weights 1, 2, 3 and so on."""
    weights = (mask.cumsum(axis=1) * mask).astype(np.float32)
    total: Array = np.maximum(weights.sum(axis=1, keepdims=True), 1)
    return _weighted_sum(tokens, weights) / total


ARRAY_POOLINGS: Mapping[str, Callable[[Array, Mask], Array]] = {
    "cls": first_token,
    "max": maximum,
    "mean": mean,
    "mean-sqrt-len": mean_by_root_of_length,
    "weighted-mean": weighted_mean,
    "last-token": last_token,
}


def _weighted_sum(tokens: Array, weights: Mask | Array) -> Array:
    # A matrix product of one row for each text is many times faster than a masked sum.
    summed: Array = (weights[:, None, :].astype(np.float32) @ tokens)[:, 0]
    return summed


def _count(mask: Mask) -> Array:
    counts: Array = np.maximum(mask.sum(axis=1, keepdims=True, dtype=np.float32), 1)
    return counts


def _take(tokens: Array, mask: Mask, positions: NDArray[np.intp]) -> Array:
    taken: Array = tokens[np.arange(len(tokens)), positions]
    taken[~mask.any(axis=1)] = 0
    return taken


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
    _require_shapes(spec.folder.location, found, shapes)
    return ArrayLinear(
        weight=found["linear.weight"],
        bias=found.get("linear.bias"),
        activation=activation(spec),
        residual=spec.residual,
        residual_weight=found.get("residual.weight"),
    )


def _load_layer_norm(spec: LayerNormSpec) -> ArrayLayerNorm:
    found = read_arrays(spec.folder)
    _require_shapes(
        spec.folder.location, found, {"norm.weight": (spec.dim,), "norm.bias": (spec.dim,)}
    )
    return ArrayLayerNorm(found["norm.weight"], found["norm.bias"])


def _require_shapes(
    location: str, found: Mapping[str, Array], shapes: Mapping[str, tuple[int, ...]]
) -> None:
    missing, unexpected = sorted(shapes.keys() - found), sorted(found.keys() - shapes)
    misshapen = [
        f"{name} ({list(found[name].shape)}, expected {list(shape)})"
        for name, shape in shapes.items()
        if name in found and found[name].shape != shape
    ]
    if missing or unexpected or misshapen:
        raise TensorError(location, missing, unexpected, misshapen)
