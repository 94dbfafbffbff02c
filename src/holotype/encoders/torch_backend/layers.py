"""The layers between a transformer and the vectors that it returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from holotype.encoders.checkpoints.modules import LayerNormSpec, LayerSpec, LinearSpec, PoolingSpec
from holotype.encoders.running.packing import Group, PackedBatch
from holotype.encoders.torch_backend.buckets import buckets
from holotype.encoders.torch_backend.linear_map import LinearMap, linear_map
from holotype.encoders.torch_backend.tensors import read_tensors
from holotype.encoders.torch_backend.transfers import Fetched, Started, fetch, send
from holotype.encoders.torch_backend.transformer import Transformer
from holotype.errors import TensorError, UnsupportedCheckpointError


def pool(tokens: Tensor, mask: Tensor, modes: Sequence[str]) -> Tensor:
    """Pool tokens in several ways and concatenate what comes out: ``[n_texts, n_modes * dim]``."""
    return torch.cat([POOLINGS[mode](tokens, mask) for mode in modes], dim=-1)


def first_token(tokens: Tensor, mask: Tensor) -> Tensor:
    """Take the first token that counts, mostly a special token that stands for the text."""
    return _take(tokens, mask, mask.int().argmax(dim=1))


def last_token(tokens: Tensor, mask: Tensor) -> Tensor:
    """Take the last token that counts, the only one that has seen all of the text."""
    from_the_end = mask.flip(1).int().argmax(dim=1)
    return _take(tokens, mask, mask.shape[1] - 1 - from_the_end)


def maximum(tokens: Tensor, mask: Tensor) -> Tensor:
    """Take the greatest value of each dimension."""
    least = torch.finfo(tokens.dtype).min
    found = tokens.masked_fill(~mask.unsqueeze(-1), least).max(dim=1).values
    return found.masked_fill(~mask.any(dim=1, keepdim=True), 0)


def mean(tokens: Tensor, mask: Tensor) -> Tensor:
    """Average the tokens."""
    return _weighted_sum(tokens, mask) / _count(mask)


def mean_by_root_of_length(tokens: Tensor, mask: Tensor) -> Tensor:
    """Sum the tokens and divide by the square root of their number."""
    return _weighted_sum(tokens, mask) / _count(mask).sqrt()


def weighted_mean(tokens: Tensor, mask: Tensor) -> Tensor:
    """Average the tokens with weights 1, 2, 3 and so on, since later ones have seen more."""
    weights = mask.cumsum(dim=1) * mask
    return _weighted_sum(tokens, weights) / weights.sum(dim=1, keepdim=True).clamp(min=1)


POOLINGS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cls": first_token,
    "max": maximum,
    "mean": mean,
    "mean-sqrt-len": mean_by_root_of_length,
    "weighted-mean": weighted_mean,
    "last-token": last_token,
}


def _weighted_sum(tokens: Tensor, weights: Tensor) -> Tensor:
    # Sums of half-precision numbers are kept in float32, where they lose nothing.
    return (tokens.float() * weights.unsqueeze(-1)).sum(dim=1)


def _count(mask: Tensor) -> Tensor:
    return mask.sum(dim=1, keepdim=True).clamp(min=1)


def _take(tokens: Tensor, mask: Tensor, positions: Tensor) -> Tensor:
    taken = tokens[torch.arange(len(tokens), device=tokens.device), positions]
    return taken.masked_fill(~mask.any(dim=1, keepdim=True), 0)


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
    _require_shapes(spec.folder.location, found, shapes)
    placed = _placed(found, device, dtype)
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
    _require_shapes(spec.folder.location, found, shapes)
    placed = _placed(found, device, dtype)
    return LayerNorm(placed["norm.weight"], placed["norm.bias"])


def _placed(
    tensors: Mapping[str, Tensor], device: torch.device, dtype: torch.dtype
) -> dict[str, Tensor]:
    """Return copies of tensors, which may be views of a file that is written over later."""
    return {
        name: tensor.to(device=device, dtype=dtype, copy=True) for name, tensor in tensors.items()
    }


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
            spec.folder.location,
            f"uses the activation {spec.activation!r}; supported are torch.nn's "
            f"{', '.join(_ACTIVATIONS)}",
        )
    layer: Callable[[Tensor], Tensor] = found()
    return layer


class LayersHead:
    """A `Head` that returns a vector for each row where a layer pools, for each token if not."""

    def __init__(
        self,
        transformer: Transformer,
        layers: Sequence[LayerSpec],
        *,
        dim: int,
        normalized: bool,
        projection: Mapping[str, Tensor] | None = None,
    ) -> None:
        """Load the layers.

        Args:
            transformer: whose vectors they take; it says where and in which type they run.
            layers: what the layers are.
            dim: how many dimensions to return.
            normalized: whether vectors have length 1, also those that are cut to fewer dimensions.
            projection: the tensors of a linear layer that has no folder of its own.
        """
        self._layers = load_layers(
            layers, device=transformer.device, dtype=transformer.dtype, projection=projection
        )
        self._pools = any(isinstance(layer, Pool) for layer in self._layers)
        self._dim = dim
        self._normalized = normalized

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights take on the device."""
        return sum(layer.memory_bytes for layer in self._layers if isinstance(layer, Linear))

    def outputs(self, vectors: Tensor, batch: PackedBatch) -> Iterator[Started]:
        """Yield the rows of a batch: all where a layer pools, else those of one length together."""
        found = self._run(vectors, batch)
        if self._pools:
            yield batch.indices, found, batch.counted_by_row()
            return
        n_seen = 0
        for group in batch.groups:
            indices = batch.indices[n_seen : n_seen + group.n_rows]
            n_seen += group.n_rows
            counted = batch.counted[group.span].reshape(group.shape)
            yield indices, partial(_rows_of, found, group), counted

    @torch.inference_mode()
    def _run(self, vectors: Tensor, batch: PackedBatch) -> Fetched:
        counted = send(batch.counted, vectors.device)
        for layer in self._layers:
            # All layers but those that pool map vectors one by one.
            if isinstance(layer, Pool):
                vectors = _pool_rows(layer, vectors, counted, batch)
            else:
                vectors = layer(vectors, counted)
        return fetch(returned_vectors(vectors, dim=self._dim, normalized=self._normalized))


def _rows_of(found: Fetched, group: Group) -> NDArray[np.float32]:
    return found()[group.span].reshape(*group.shape, -1)


def _pool_rows(pool: Pool, vectors: Tensor, counted: Tensor, batch: PackedBatch) -> Tensor:
    found = buckets(batch.groups, vectors.device)
    return torch.cat([pool(each.pad(vectors), each.pad(counted)) for each in found])
