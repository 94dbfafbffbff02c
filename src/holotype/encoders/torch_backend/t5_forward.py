"""The encoder of T5, run over batches without padding on a CPU.

All layers add one bias by distance to the scores of attention, which are not scaled, and normalise
by the mean square before attention and before the maps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.activations import GELUActivation, NewGELUActivation

from holotype.encoders.torch_backend.attention import (
    TokenBatch,
    attend,
    attention_type,
    padded_length,
)
from holotype.encoders.torch_backend.linear_map import LinearMap, linear_map, piece_by_piece
from holotype.encoders.torch_backend.position_bias import position_bias
from holotype.encoders.torch_backend.pre_norm_layer import PreNormLayer


@dataclass(frozen=True, slots=True)
class _Norm:
    """Vectors are scaled, then weighted."""

    weight: Tensor
    eps: float

    def __call__(self, vectors: Tensor) -> Tensor:
        """Norm the last axis; sums of squares are in float32."""
        lengths = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True, dtype=torch.float32)
        scales = lengths.square_().div_(vectors.shape[-1]).add_(self.eps).rsqrt_()
        scaled: Tensor = (vectors * scales).to(self.weight.dtype)
        return scaled.mul_(self.weight)


class T5Forward:
    """A forward pass of its own over the weights of a model of transformers."""

    def __init__(
        self,
        words: Tensor,
        layers: tuple[PreNormLayer, ...],
        n_heads: int,
        norm: _Norm,
        bias_table: Tensor,
        furthest: int,
    ) -> None:
        """Take the parts of a model.

        Args:
            words: a row for each token id.
            layers: the layers, in order.
            n_heads: how many heads attention has.
            norm: what ends the pass.
            bias_table: what `position_bias` reads.
            furthest: the distance from which on all share a bucket.
        """
        self._words = words
        self._layers = layers
        self._n_heads = n_heads
        self._norm = norm
        self._bias_table = bias_table
        self._furthest = furthest

    def __call__(self, batch: TokenBatch) -> Tensor:
        """Return the last hidden states: ``[n_tokens, hidden_dim]``."""
        vectors = functional.embedding(batch.ids, self._words)
        longest = max(group.n_tokens for group in batch.groups)
        length = padded_length(longest, vectors.dtype, vectors.device)
        bias = position_bias(self._bias_table, length, self._furthest)
        for layer in self._layers:
            dtype = attention_type(vectors, vectors.dtype, batch.compiled)
            parts = layer.query_key_value.to_type(dtype, layer.attention_norm(vectors))
            query, key, value = parts.view(len(vectors), 3, self._n_heads, -1).unbind(1)
            attended = attend(query, key, value, batch, scale=1.0, bias=bias).to(vectors.dtype)
            vectors = piece_by_piece(layer.after_attention, batch.pieces, vectors, attended)
        return self._norm(vectors)


def build_t5(model: Any) -> T5Forward:
    """Build the forward pass of a `T5EncoderModel`, in its type; it is taken over.

    Args:
        model: the model, on the CPU.
    """
    encoder = model.encoder
    first = encoder.block[0].layer[0].SelfAttention
    return T5Forward(
        encoder.embed_tokens.weight,
        tuple(_layer(*block.layer) for block in encoder.block),
        first.n_heads,
        _norm(encoder.final_layer_norm),
        first.relative_attention_bias.weight,
        first.relative_attention_max_distance,
    )


def _layer(attention: Any, maps: Any) -> PreNormLayer:
    own = attention.SelfAttention
    three = torch.cat([one.weight for one in (own.q, own.k, own.v)])
    return PreNormLayer(
        attention_norm=_norm(attention.layer_norm),
        query_key_value=linear_map(three, None),
        attended=_map(own.o),
        output_norm=_norm(maps.layer_norm),
        widen=_widen(maps.DenseReluDense),
        down=_map(maps.DenseReluDense.wo),
    )


def _widen(own: Any) -> Callable[[Tensor], Tensor]:
    """Return what lies between the norm and the last map: one map, or the product of two."""
    if hasattr(own, "wi"):
        return _then(_map(own.wi), own.act)
    gate, up = _then(_map(own.wi_0), own.act), _map(own.wi_1)
    return lambda vectors: gate(vectors).mul_(up(vectors))


def _then(mapped: LinearMap, activation: Any) -> Callable[[Tensor], Tensor]:
    """Return a map and what follows it, as one product where that is known."""
    if isinstance(activation, NewGELUActivation):
        return mapped.tanh_gelu
    if isinstance(activation, GELUActivation) and activation.act is functional.gelu:
        return mapped.gelu
    if isinstance(activation, nn.ReLU):
        return lambda vectors: mapped(vectors).relu_()
    return lambda vectors: activation(mapped(vectors))


def _map(module: nn.Linear) -> LinearMap:
    return linear_map(module.weight, None)


def _norm(module: Any) -> _Norm:
    return _Norm(module.weight, module.variance_epsilon)
