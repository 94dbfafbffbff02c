"""BERT and its kin, run over batches without padding.

One forward pass serves the architectures that differ in nothing but the names of their parts, the
numbering of positions, and MPNet's biases of attention. The weights are those of transformers'
model; its modules, with their checks and their masks, are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from holotype.encoders.attention import TokenBatch, attend
from holotype.encoders.linear_map import LinearMap, linear_map

_Norm = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Embeddings:
    """The tables of the input.

    Attributes:
        words: a row for each token id.
        positions: a row for each position.
        segments: a row for each segment; None where the architecture has none.
        norm: what ends the input.
        padding_id: the token from whose id on positions are numbered; None numbers them from 0.
    """

    words: Tensor
    positions: Tensor
    segments: Tensor | None
    norm: _Norm
    padding_id: int | None

    def __call__(self, batch: TokenBatch) -> Tensor:
        """Return the input of the first layer: ``[n_tokens, hidden_dim]``."""
        vectors = functional.embedding(batch.ids, self.words)
        if self.segments is not None:
            vectors += functional.embedding(batch.type_ids, self.segments)
        vectors += functional.embedding(self._numbers(batch), self.positions)
        return self.norm(vectors)

    def _numbers(self, batch: TokenBatch) -> Tensor:
        if self.padding_id is None:
            return batch.positions
        # RoBERTa numbers what is not padding from the padding's own id on, as fairseq did.
        real = batch.ids != self.padding_id
        seen = real.cumsum(0)
        first = torch.arange(len(real), device=real.device) - batch.positions
        return (seen - (seen - real.long())[first]) * real + self.padding_id


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: attention, then two maps with an activation between."""

    n_heads: int
    query_key_value: LinearMap
    attended: LinearMap
    attention_norm: _Norm
    up: LinearMap
    activation: Callable[[Tensor], Tensor] | None
    down: LinearMap
    output_norm: _Norm

    def __call__(
        self, vectors: Tensor, batch: TokenBatch, biases: dict[int, Tensor] | None
    ) -> Tensor:
        """Run the layer over ``[n_tokens, hidden_dim]``."""
        parts = self.query_key_value(vectors).view(len(vectors), 3, self.n_heads, -1)
        attended = attend(*parts.unbind(1), batch, biases=biases)
        vectors = self.attention_norm(self.attended.add_to(vectors, attended))
        if self.activation is None:
            inner = self.up.gelu(vectors)
        else:
            inner = self.activation(self.up(vectors))
        return self.output_norm(self.down.add_to(vectors, inner))


class BertForward:
    """A forward pass of its own over the weights of a model of transformers."""

    def __init__(
        self,
        embeddings: Embeddings,
        layers: tuple[Layer, ...],
        position_bias: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        """Take the parts of a model.

        Args:
            embeddings: the input.
            layers: the layers, in order.
            position_bias: turns anything of the shape ``[1, n_tokens]`` into what is added to
                the scores of attention, ``[1, n_heads, n_tokens, n_tokens]``.
        """
        self._embeddings = embeddings
        self._layers = layers
        self._position_bias = position_bias

    def __call__(self, batch: TokenBatch) -> Tensor:
        """Return the last hidden states: ``[n_tokens, hidden_dim]``."""
        vectors = self._embeddings(batch)
        biases = self._biases(batch)
        for layer in self._layers:
            vectors = layer(vectors, batch, biases)
        return vectors

    def _biases(self, batch: TokenBatch) -> dict[int, Tensor] | None:
        if self._position_bias is None:
            return None
        lengths = {group.n_tokens for group in batch.groups}
        bias = self._position_bias(batch.ids.new_empty(1, max(lengths)))
        return {length: bias[:, :, :length, :length] for length in lengths}


def bert(model: Any) -> BertForward:
    """Run a model of the classes of BERT, RoBERTa, XLM-RoBERTa, CamemBERT or ELECTRA."""
    table = model.embeddings
    layers = tuple(
        Layer(
            n_heads=layer.attention.self.num_attention_heads,
            query_key_value=linear_map(
                layer.attention.self.query, layer.attention.self.key, layer.attention.self.value
            ),
            attended=linear_map(layer.attention.output.dense),
            attention_norm=_norm(layer.attention.output.LayerNorm),
            up=linear_map(layer.intermediate.dense),
            activation=_activation(layer.intermediate.intermediate_act_fn),
            down=linear_map(layer.output.dense),
            output_norm=_norm(layer.output.LayerNorm),
        )
        for layer in model.encoder.layer
    )
    embeddings = Embeddings(
        words=table.word_embeddings.weight,
        positions=table.position_embeddings.weight,
        segments=table.token_type_embeddings.weight,
        norm=_norm(table.LayerNorm),
        padding_id=getattr(table, "padding_idx", None),
    )
    return BertForward(embeddings, layers)


def mpnet(model: Any) -> BertForward:
    """Run a model of the class of MPNet."""
    table = model.embeddings
    layers = tuple(
        Layer(
            n_heads=layer.attention.attn.num_attention_heads,
            query_key_value=linear_map(
                layer.attention.attn.q, layer.attention.attn.k, layer.attention.attn.v
            ),
            attended=linear_map(layer.attention.attn.o),
            attention_norm=_norm(layer.attention.LayerNorm),
            up=linear_map(layer.intermediate.dense),
            activation=_activation(layer.intermediate.intermediate_act_fn),
            down=linear_map(layer.output.dense),
            output_norm=_norm(layer.output.LayerNorm),
        )
        for layer in model.encoder.layer
    )
    embeddings = Embeddings(
        words=table.word_embeddings.weight,
        positions=table.position_embeddings.weight,
        segments=None,
        norm=_norm(table.LayerNorm),
        padding_id=table.padding_idx,
    )
    # What is left of the encoder are the biases; its layers are not kept twice.
    model.encoder.layer = nn.ModuleList()
    return BertForward(embeddings, layers, model.encoder.compute_position_bias)


def distilbert(model: Any) -> BertForward:
    """Run a model of the class of DistilBERT."""
    table = model.embeddings
    layers = tuple(
        Layer(
            n_heads=layer.attention.n_heads,
            query_key_value=linear_map(
                layer.attention.q_lin, layer.attention.k_lin, layer.attention.v_lin
            ),
            attended=linear_map(layer.attention.out_lin),
            attention_norm=_norm(layer.sa_layer_norm),
            up=linear_map(layer.ffn.lin1),
            activation=_activation(layer.ffn.activation),
            down=linear_map(layer.ffn.lin2),
            output_norm=_norm(layer.output_layer_norm),
        )
        for layer in model.transformer.layer
    )
    embeddings = Embeddings(
        words=table.word_embeddings.weight,
        positions=table.position_embeddings.weight,
        segments=None,
        norm=_norm(table.LayerNorm),
        padding_id=None,
    )
    return BertForward(embeddings, layers)


def _norm(module: nn.LayerNorm) -> _Norm:
    weight, bias, shape, eps = module.weight, module.bias, module.normalized_shape, module.eps
    return lambda vectors: functional.layer_norm(vectors, shape, weight, bias, eps)


def _activation(module: Any) -> Callable[[Tensor], Tensor] | None:
    """Return an activation, or None for the exact GELU, which is part of the map before it."""
    if getattr(module, "act", module) is functional.gelu:
        return None
    activation: Callable[[Tensor], Tensor] = module
    return activation
