"""BERT and its kin, run over batches without padding.

One forward pass serves the architectures that differ in nothing but the names of their tensors, the
numbering of positions, and MPNet's biases of attention. It takes nothing but tensors, so that
neither transformers' modules, with their checks and their masks, nor their import cost anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from holotype.encoders.torch_backend.attention import (
    TokenBatch,
    attend,
    attention_type,
    padded_length,
)
from holotype.encoders.torch_backend.linear_map import (
    LinearMap,
    MakeMap,
    linear_map,
    piece_by_piece,
)
from holotype.encoders.torch_backend.position_bias import PositionBias, position_bias


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What an architecture calls its tensors; a layer's come after `layer` and its number.

    All but the first four have a weight and a bias.
    """

    words: str = "embeddings.word_embeddings.weight"
    positions: str = "embeddings.position_embeddings.weight"
    segments: str | None = None
    bias_table: str | None = None
    norm: str = "embeddings.LayerNorm"
    layer: str
    query_key_value: tuple[str, str, str]
    attended: str
    attention_norm: str
    up: str
    down: str
    output_norm: str


BERT = Names(
    segments="embeddings.token_type_embeddings.weight",
    layer="encoder.layer",
    query_key_value=("attention.self.query", "attention.self.key", "attention.self.value"),
    attended="attention.output.dense",
    attention_norm="attention.output.LayerNorm",
    up="intermediate.dense",
    down="output.dense",
    output_norm="output.LayerNorm",
)
DISTILBERT = Names(
    layer="transformer.layer",
    query_key_value=("attention.q_lin", "attention.k_lin", "attention.v_lin"),
    attended="attention.out_lin",
    attention_norm="sa_layer_norm",
    up="ffn.lin1",
    down="ffn.lin2",
    output_norm="output_layer_norm",
)
MPNET = Names(
    bias_table="encoder.relative_attention_bias.weight",
    layer="encoder.layer",
    query_key_value=("attention.attn.q", "attention.attn.k", "attention.attn.v"),
    attended="attention.attn.o",
    attention_norm="attention.LayerNorm",
    up="intermediate.dense",
    down="output.dense",
    output_norm="output.LayerNorm",
)


def shapes(
    names: Names,
    *,
    n_layers: int,
    hidden_dim: int,
    inner_dim: int,
    tables: tuple[tuple[str | None, tuple[int, int]], ...],
) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor that a model has, by its name.

    Args:
        names: what the architecture calls them.
        n_layers: how many layers there are.
        hidden_dim: the width between them.
        inner_dim: the width within them.
        tables: the names of tables, None for those that the architecture lacks, and their shapes.
    """
    maps: dict[str, tuple[int, ...]] = {}
    for number in range(n_layers):
        prefix = f"{names.layer}.{number}."
        for name in (*names.query_key_value, names.attended):
            maps[prefix + name] = (hidden_dim, hidden_dim)
        maps[prefix + names.up] = (inner_dim, hidden_dim)
        maps[prefix + names.down] = (hidden_dim, inner_dim)
        for name in (names.attention_norm, names.output_norm):
            maps[prefix + name] = (hidden_dim,)
    maps[names.norm] = (hidden_dim,)
    found: dict[str, tuple[int, ...]] = {name: shape for name, shape in tables if name is not None}
    for name, shape in maps.items():
        found[f"{name}.weight"] = shape
        found[f"{name}.bias"] = shape[:1]
    return found


ChangeMap: TypeAlias = Callable[[LinearMap, bool], LinearMap]
"""Takes a map and whether it reads what GELU returns; returns what takes its place."""


@dataclass(frozen=True, slots=True)
class Norm:
    """Vectors are centred and scaled, then weighted."""

    weight: Tensor
    bias: Tensor
    eps: float

    def __call__(self, vectors: Tensor) -> Tensor:
        """Norm the last axis."""
        return torch.layer_norm(vectors, self.weight.shape, self.weight, self.bias, self.eps)


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
    norm: Norm
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
    attends_in: torch.dtype
    query_key_value: LinearMap
    attended: LinearMap
    attention_norm: Norm
    up: LinearMap
    activation: Callable[[Tensor], Tensor] | None
    down: LinearMap
    output_norm: Norm

    def __call__(self, vectors: Tensor, batch: TokenBatch, bias: PositionBias | None) -> Tensor:
        """Run the layer over ``[n_tokens, hidden_dim]``."""
        dtype = attention_type(vectors, self.attends_in, batch.compiled)
        query, key, value = self.project(vectors, dtype)
        attended = attend(query, key, value, batch, bias=bias).to(vectors.dtype)
        return self.after_attention(vectors, attended, batch)

    def project(self, vectors: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values: ``[n_tokens, n_heads, head_dim]`` each.

        Args:
            vectors: ``[n_tokens, hidden_dim]``.
            dtype: the type in which they attend.
        """
        parts = self.query_key_value.to_type(dtype, vectors)
        query, key, value = parts.view(vectors.shape[0], 3, self.n_heads, -1).unbind(1)
        return query, key, value

    def after_attention(self, vectors: Tensor, attended: Tensor, batch: TokenBatch) -> Tensor:
        """Run what follows attention.

        Args:
            vectors: what the layer takes, ``[n_tokens, hidden_dim]``.
            attended: what attention returns, of the same shape.
            batch: the tokens.
        """
        return piece_by_piece(self._each, batch.pieces, vectors, attended)

    def with_maps(self, change: ChangeMap) -> Layer:
        """Return the same layer with other maps."""
        return replace(
            self,
            query_key_value=change(self.query_key_value, False),
            attended=change(self.attended, False),
            up=change(self.up, False),
            down=change(self.down, self.activation is None),
        )

    def _each(self, vectors: Tensor, attended: Tensor) -> Tensor:
        vectors = self.attention_norm(self.attended.add_to(vectors, attended))
        return self.output_norm(self._widen(vectors))

    def _widen(self, vectors: Tensor) -> Tensor:
        if self.activation is None:
            inner = self.up.gelu(vectors)
        else:
            inner = self.activation(self.up(vectors))
        return self.down.add_to(vectors, inner)


class BertForward:
    """A forward pass of its own over the weights of a model of transformers.

    Attributes:
        layers: the layers, in order.
        bias_table: what `position_bias` reads; None where attention has no biases.
    """

    def __init__(
        self, embeddings: Embeddings, layers: tuple[Layer, ...], bias_table: Tensor | None
    ) -> None:
        """Take the parts of a model.

        Args:
            embeddings: the input.
            layers: the layers, in order.
            bias_table: what `position_bias` reads, for models that have such biases.
        """
        self._embeddings = embeddings
        self.bias_table = bias_table
        self.layers = layers

    def __call__(self, batch: TokenBatch) -> Tensor:
        """Return the last hidden states: ``[n_tokens, hidden_dim]``."""
        vectors, bias = self.start(batch)
        for layer in self.layers:
            vectors = layer(vectors, batch, bias)
        return vectors

    def start(self, batch: TokenBatch) -> tuple[Tensor, PositionBias | None]:
        """Return the input of the first layer and the bias of attention, which all layers take."""
        bias = None if self.bias_table is None else self._bias(self.bias_table, batch)
        return self._embeddings(batch), bias

    @property
    def words(self) -> Tensor:
        """The vectors of all token ids: ``[n_words, hidden_dim]``."""
        return self._embeddings.words

    @property
    def input_norm(self) -> Norm:
        """The norm that ends the input of the first layer."""
        return self._embeddings.norm

    @property
    def n_positions(self) -> int:
        """How many tokens a text can have."""
        padding_id = self._embeddings.padding_id
        return len(self._embeddings.positions) - (0 if padding_id is None else padding_id + 1)

    def with_maps(self, change: ChangeMap) -> BertForward:
        """Return the same pass with other maps."""
        layers = tuple(layer.with_maps(change) for layer in self.layers)
        return BertForward(self._embeddings, layers, self.bias_table)

    def _bias(self, table: Tensor, batch: TokenBatch) -> PositionBias:
        longest = max(group.n_tokens for group in batch.groups)
        dtype = self.layers[0].attends_in
        return position_bias(table, padded_length(longest, dtype, table.device))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the tensors do not say.

    Attributes:
        n_layers: how many layers there are.
        n_heads: how many heads attention has.
        norm_eps: what norms add to the variance.
        padding_id: the token from whose id on positions are numbered; None numbers them from 0.
        activation: what comes between the two maps of a layer; None is the exact GELU.
        attends_in: the type in which many tokens attend.
    """

    n_layers: int
    n_heads: int
    norm_eps: float
    padding_id: int | None
    activation: Callable[[Tensor], Tensor] | None
    attends_in: torch.dtype


def build_forward(
    names: Names,
    tensors: Mapping[str, Tensor],
    settings: Settings,
    make_map: MakeMap = linear_map,
) -> BertForward:
    """Build the forward pass of a model.

    Args:
        names: what its architecture calls its tensors.
        tensors: all of them, on their device and in their type.
        settings: what they do not say.
        make_map: makes the maps of the layers.
    """
    embeddings = Embeddings(
        words=tensors[names.words],
        positions=tensors[names.positions],
        segments=None if names.segments is None else tensors[names.segments],
        norm=_norm(tensors, names.norm, settings.norm_eps),
        padding_id=settings.padding_id,
    )
    layers = tuple(
        _layer(names, f"{names.layer}.{number}.", tensors, settings, make_map)
        for number in range(settings.n_layers)
    )
    bias_table = None if names.bias_table is None else tensors[names.bias_table]
    return BertForward(embeddings, layers, bias_table)


def _layer(
    names: Names,
    prefix: str,
    tensors: Mapping[str, Tensor],
    settings: Settings,
    make_map: MakeMap,
) -> Layer:
    return Layer(
        n_heads=settings.n_heads,
        attends_in=settings.attends_in,
        query_key_value=_map(make_map, tensors, *(prefix + name for name in names.query_key_value)),
        attended=_map(make_map, tensors, prefix + names.attended),
        attention_norm=_norm(tensors, prefix + names.attention_norm, settings.norm_eps),
        up=_map(make_map, tensors, prefix + names.up),
        activation=settings.activation,
        down=_map(make_map, tensors, prefix + names.down),
        output_norm=_norm(tensors, prefix + names.output_norm, settings.norm_eps),
    )


def _map(make_map: MakeMap, tensors: Mapping[str, Tensor], *names: str) -> LinearMap:
    """Return one map for layers that read the same vectors; what they return is concatenated."""
    weights = [tensors[f"{name}.weight"] for name in names]
    biases = [tensors[f"{name}.bias"] for name in names]
    return make_map(
        weights[0] if len(names) == 1 else torch.cat(weights),
        biases[0] if len(names) == 1 else torch.cat(biases),
    )


def _norm(tensors: Mapping[str, Tensor], name: str, eps: float) -> Norm:
    return Norm(tensors[f"{name}.weight"], tensors[f"{name}.bias"], eps)
