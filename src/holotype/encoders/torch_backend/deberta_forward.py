"""DeBERTa, second and third version, run over batches without padding on a CPU.

What is projected of distances does not depend on the text, so it is projected once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from holotype.encoders.torch_backend.attention import TokenBatch, attention_type
from holotype.encoders.torch_backend.bert_forward import Layer, Norm
from holotype.encoders.torch_backend.distance_attention import (
    Distances,
    DistanceTables,
    attend_by_distance,
    compiled_rows,
)
from holotype.encoders.torch_backend.linear_map import LinearMap, linear_map


@dataclass(frozen=True, slots=True)
class DebertaEmbeddings:
    """The input.

    Attributes:
        words: a row for each token id.
        positions: a row for each position; None where positions are known by distances alone.
        segments: a row for each segment; None where there are none.
        projection: what widens vectors; None where they are as wide as those of the layers.
        norm: what ends the input.
    """

    words: Tensor
    positions: Tensor | None
    segments: Tensor | None
    projection: LinearMap | None
    norm: Norm

    def __call__(self, batch: TokenBatch) -> Tensor:
        """Return the first layer's input, ``[n_tokens, hidden_dim]``; hidden tokens are zeros."""
        vectors = functional.embedding(batch.ids, self.words)
        if self.positions is not None:
            vectors += functional.embedding(batch.positions, self.positions)
        if self.segments is not None:
            vectors += functional.embedding(batch.type_ids, self.segments)
        if self.projection is not None:
            vectors = self.projection(vectors)
        return _without_hidden(self.norm(vectors), batch)


@dataclass(frozen=True, slots=True)
class Convolution:
    """What mixes the input of neighbours and adds it to what the first layer returns."""

    convolution: nn.Conv1d
    activation: Callable[[Tensor], Tensor]
    norm: Norm

    def __call__(self, given: Tensor, found: Tensor, batch: TokenBatch) -> Tensor:
        """Return vectors of the shape of both.

        Args:
            given: what the first layer takes, ``[n_tokens, hidden_dim]``.
            found: what it returns.
            batch: where the rows are.
        """
        mixed = torch.zeros_like(given)
        for group in batch.groups:
            rows = given[group.span].view(*group.shape, -1).transpose(1, 2)
            mixed[group.span] = self.convolution(rows).transpose(1, 2).flatten(0, 1)
        return _without_hidden(self.norm(found + self.activation(mixed)), batch)


@dataclass(frozen=True, slots=True)
class DebertaLayer:
    """A layer whose attention knows distances.

    Attributes:
        layer: the maps and norms.
        scale: what products of queries and keys are multiplied by.
        tables: what distances add; None where they add nothing.
    """

    layer: Layer
    scale: float
    tables: DistanceTables | None

    def __call__(self, vectors: Tensor, batch: TokenBatch) -> Tensor:
        """Run the layer over ``[n_tokens, hidden_dim]``."""
        dtype = attention_type(vectors, self.layer.attends_in, compiled_rows(batch))
        query, key, value = self.layer.project(vectors, dtype)
        attended = attend_by_distance(
            *(query, key, value), batch, scale=self.scale, tables=self.tables
        )
        return self.layer.after_attention(vectors, attended.to(vectors.dtype), batch)


class DebertaForward:
    """A forward pass of its own over the weights of a model of transformers."""

    def __init__(
        self,
        embeddings: DebertaEmbeddings,
        layers: tuple[DebertaLayer, ...],
        convolution: Convolution | None,
    ) -> None:
        """Take the parts of a model.

        Args:
            embeddings: the input.
            layers: the layers, in order.
            convolution: what follows the first layer, for models that have it.
        """
        self._embeddings = embeddings
        self._layers = layers
        self._convolution = convolution

    @property
    def memory_bytes_of_tables(self) -> int:
        """How many bytes what was projected of distances takes."""
        return sum(one.tables.memory_bytes for one in self._layers if one.tables is not None)

    def __call__(self, batch: TokenBatch) -> Tensor:
        """Return the last hidden states: ``[n_tokens, hidden_dim]``."""
        given = self._embeddings(batch)
        vectors = given
        for at, layer in enumerate(self._layers):
            vectors = layer(vectors, batch)
            if at == 0 and self._convolution is not None:
                vectors = self._convolution(given, vectors, batch)
        return vectors


def build_deberta(model: Any) -> DebertaForward:
    """Build the forward pass of a `DebertaV2Model`, in its type; it is taken over.

    Args:
        model: the model, on the CPU.
    """
    encoder, embeddings = model.encoder, model.embeddings
    projection = embeddings.embed_proj
    positions, segments = embeddings.position_embeddings, embeddings.token_type_embeddings
    known = encoder.get_rel_embedding()
    layers = tuple(_layer(layer, known, model.dtype) for layer in encoder.layer)
    return DebertaForward(
        DebertaEmbeddings(
            words=embeddings.word_embeddings.weight,
            positions=None if positions is None else positions.weight,
            segments=None if segments is None else segments.weight,
            projection=None if projection is None else linear_map(projection.weight, None),
            norm=_norm(embeddings.LayerNorm),
        ),
        layers,
        None if encoder.conv is None else _convolution(encoder.conv),
    )


def _without_hidden(vectors: Tensor, batch: TokenBatch) -> Tensor:
    if batch.attended is None:
        return vectors
    n_tokens = len(batch.attended)
    vectors[:n_tokens].masked_fill_(~batch.attended[:, None], 0)
    return vectors


def _layer(module: Any, known: Tensor | None, dtype: torch.dtype) -> DebertaLayer:
    own = module.attention.self
    kinds = own.pos_att_type
    n_kinds = 1 + ("c2p" in kinds) + ("p2c" in kinds)
    scale = 1 / math.sqrt(own.attention_head_size * n_kinds)
    tables = None if known is None else _tables(own, known, scale)
    projected = (own.query_proj, own.key_proj, own.value_proj)
    activation: Any = module.intermediate.intermediate_act_fn
    layer = Layer(
        n_heads=own.num_attention_heads,
        attends_in=dtype,
        query_key_value=linear_map(
            torch.cat([one.weight for one in projected]), torch.cat([one.bias for one in projected])
        ),
        attended=_map(module.attention.output.dense),
        attention_norm=_norm(module.attention.output.LayerNorm),
        up=_map(module.intermediate.dense),
        # The exact GELU is part of the map before it.
        activation=None if getattr(activation, "act", None) is functional.gelu else activation,
        down=_map(module.output.dense),
        output_norm=_norm(module.output.LayerNorm),
    )
    return DebertaLayer(layer, scale, tables)


def _tables(own: Any, known: Tensor, scale: float) -> DistanceTables:
    span = own.pos_ebd_size
    distances = Distances(
        span=span,
        n_buckets=own.position_buckets if own.position_buckets > 0 else None,
        furthest=own.max_relative_positions,
    )

    def projected(kind: str, shared: str, apart: str) -> Tensor | None:
        if kind not in own.pos_att_type:
            return None
        project = getattr(own, shared if own.share_att_key else apart)
        found: Tensor = project(known[: 2 * span]) * scale
        return found.view(len(found), own.num_attention_heads, -1).transpose(0, 1).contiguous()

    return DistanceTables(
        distances,
        for_queries=projected("c2p", "key_proj", "pos_key_proj"),
        for_keys=projected("p2c", "query_proj", "pos_query_proj"),
    )


def _convolution(module: Any) -> Convolution:
    from transformers.activations import ACT2FN

    return Convolution(module.conv, ACT2FN[module.conv_act], _norm(module.LayerNorm))


def _map(module: nn.Linear) -> LinearMap:
    return linear_map(module.weight, module.bias)


def _norm(module: nn.LayerNorm) -> Norm:
    return Norm(module.weight, module.bias, module.eps)
