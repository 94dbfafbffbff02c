"""The layers with which BLIP writes, by faster maps, and with less work for what they see of a picture.

Every token of a caption attends to all patches of its picture, whose keys and values are products of
all patches in each layer: as much as a sixth of the network that reads the picture. Short captions are
written without them. A score is ``q · (W e)``, which is ``(q W) · e``: so the map of a head is applied
to its queries instead, and to the mean of the patches that attention takes. What is left of a picture
is one matrix for all layers, which stays in the cache.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import DynamicCache, EncoderDecoderCache
from transformers.activations import GELUActivation

from holotype.encoders.torch_backend.linear_map import LinearMap, linear_map, one_dnn_multiplies
from holotype.encoders.torch_backend.row_counts import row_counts


class OfPictures(DynamicCache):
    """What the layers know of the pictures of a call; the beams of a picture share it.

    A beam only ever goes on in a row of its own picture, so that no row has to be moved.

    Attributes:
        patches: for each picture the map from queries to scores, and that from weights to means.
        keys_values: the keys and values of all patches by layer.
    """

    def __init__(self) -> None:
        """Know nothing yet."""
        super().__init__()
        self.patches: list[tuple[LinearMap, LinearMap]] = []
        self.keys_values: dict[int, tuple[Tensor, Tensor]] = {}

    def reorder_cache(self, beam_idx: Tensor) -> None:
        """Leave the rows where they are."""


def empty_cache() -> EncoderDecoderCache:
    """Return what the layers of a call keep."""
    return EncoderDecoderCache(DynamicCache(), OfPictures())


def replace_writing_layers(writer: Any, *, n_beams: int, n_new: int, cache_argument: str) -> None:
    """Replace the layers of a network that writes, which needs `empty_cache` in each call then.

    Args:
        writer: the network, on its device and in its type.
        n_beams: how many beams a picture has.
        n_new: how many tokens a caption has at most.
        cache_argument: the name under which layers are given the cache.
    """
    layers = writer.bert.encoder.layer
    first: Any = layers[0].crossattention.self
    weight: Tensor = first.query.weight
    # Each token of a beam takes the products of one head after the other, with all patches.
    few = n_beams * n_new * first.num_attention_heads <= len(weight)
    # Numbers of fewer bits would be rounded once more.
    exact = weight.dtype == torch.float32 and one_dnn_multiplies(weight.device, weight.dtype)
    attend = _ByPatches if few and exact else _ByKeys
    for at, layer in enumerate(layers):
        to_pictures = attend(layer.crossattention.self, n_beams, at)
        layers[at] = _WritingLayer(layer, to_pictures, at, cache_argument)


_ToPictures: TypeAlias = Callable[[Tensor, Tensor, OfPictures], Tensor]


class _WritingLayer(nn.Module):
    """A layer that attends to the tokens before, then to the patches of a picture."""

    def __init__(self, own: Any, to_pictures: _ToPictures, at: int, cache_argument: str) -> None:
        super().__init__()
        three = [own.attention.self.query, own.attention.self.key, own.attention.self.value]
        self._n_heads: int = own.attention.self.num_attention_heads
        self._query_key_value = linear_map(
            torch.cat([one.weight for one in three]), torch.cat([one.bias for one in three])
        )
        self._attended, self._norm = _closing(own.attention.output)
        self._query = _map(own.crossattention.self.query)
        self._to_pictures = to_pictures
        self._seen, self._seen_norm = _closing(own.crossattention.output)
        self._widen = _activated(own.intermediate)
        self._down, self._down_norm = _closing(own.output)
        self._at = at
        self._cache_argument = cache_argument

    def forward(
        self,
        states: Tensor,
        pictures: Tensor,
        attention_mask: Tensor | None = None,
        **options: Any,
    ) -> Tensor:
        """Read ``[n_rows, n_tokens, dim]``; see transformers.

        Args:
            states: the tokens that are new.
            pictures: the patches of the picture of each row, all of which count.
            attention_mask: what is added to the scores of tokens.
            options: the cache, and masks that hide nothing.
        """
        n_rows, n_tokens, width = states.shape
        cache: EncoderDecoderCache = options[self._cache_argument]
        flat = states.reshape(-1, width)
        parts = self._query_key_value(flat).view(n_rows, n_tokens, 3, self._n_heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        key, value = cache.self_attention_cache.update(key, value, self._at)
        attended = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=attention_mask
        )
        flat = self._norm(self._attended.add_to(flat, _beside(attended)))
        memory: Any = cache.cross_attention_cache
        seen = self._to_pictures(self._query(flat), pictures, memory)
        flat = self._seen_norm(self._seen.add_to(flat, seen))
        flat = self._down_norm(self._down.add_to(flat, self._widen(flat)))
        return flat.view(n_rows, n_tokens, width)


class _ByKeys:
    """Attention by keys and values, which are computed once a picture."""

    def __init__(self, own: Any, n_beams: int, at: int) -> None:
        self._n_heads: int = own.num_attention_heads
        self._head_dim = len(own.key.weight) // self._n_heads
        both = (own.key, own.value)
        self._map = linear_map(
            torch.cat([one.weight for one in both]), torch.cat([one.bias for one in both])
        )
        self._n_beams = n_beams
        self._at = at

    def __call__(self, query: Tensor, pictures: Tensor, memory: OfPictures) -> Tensor:
        """Return ``[n_tokens, width]`` for as many queries, those of a picture side by side."""
        if self._at not in memory.keys_values:
            memory.keys_values[self._at] = self._keys_values(pictures[:: self._n_beams])
        keys, values = memory.keys_values[self._at]
        heads = query.view(len(keys), -1, self._n_heads, self._head_dim).transpose(1, 2)
        scores = torch.matmul(heads * self._head_dim**-0.5, keys.transpose(2, 3))
        return _beside(torch.matmul(torch.softmax(scores, dim=-1), values))

    def _keys_values(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        n_pictures, n_patches, _ = pictures.shape
        found = pictures.new_empty(2, n_pictures, self._n_heads, n_patches, self._head_dim)
        for at, patches in enumerate(pictures):
            both = self._map(patches).view(n_patches, 2, self._n_heads, self._head_dim)
            found[:, at] = both.permute(1, 2, 0, 3)
        keys, values = found
        return keys, values


class _ByPatches:
    """Attention by the patches themselves, which are laid out once for all layers.

    The bias of keys adds the same to all scores of a query, and changes nothing.
    """

    def __init__(self, own: Any, n_beams: int, _at: int) -> None:
        n_heads: int = own.num_attention_heads
        self._keys = own.key.weight.view(n_heads, -1, own.key.weight.shape[1])
        self._values = own.value.weight.view(self._keys.shape).transpose(1, 2)
        self._bias: Tensor = own.value.bias
        self._scale = self._keys.shape[1] ** -0.5
        self._counts = row_counts(self._keys.dtype).including(n_heads * n_beams)
        self._n_beams = n_beams

    def __call__(self, query: Tensor, pictures: Tensor, memory: OfPictures) -> Tensor:
        """Return ``[n_tokens, width]`` for as many queries, those of a picture side by side."""
        if not memory.patches:
            memory.patches = [self._laid_out(one) for one in pictures[:: self._n_beams]]
        n_heads, head_dim, dim = self._keys.shape
        heads = query.view(-1, n_heads, head_dim).transpose(0, 1)
        asked = torch.bmm(heads * self._scale, self._keys)
        rows = asked.view(n_heads, len(memory.patches), -1, dim).transpose(0, 1)
        means = [
            mean(torch.softmax(score(row.reshape(-1, dim)), dim=-1))
            for row, (score, mean) in zip(rows, memory.patches, strict=True)
        ]
        seen = torch.stack(means).view(rows.shape).transpose(0, 1).reshape(asked.shape)
        attended = torch.bmm(seen, self._values)
        return attended.transpose(0, 1).reshape(query.shape).add_(self._bias)

    def _laid_out(self, patches: Tensor) -> tuple[LinearMap, LinearMap]:
        return (
            linear_map(patches, None, self._counts),
            linear_map(patches.transpose(0, 1), None, self._counts),
        )


def _beside(heads: Tensor) -> Tensor:
    """Return ``[n_rows, n_heads, n_tokens, head_dim]`` as ``[n_rows * n_tokens, width]``."""
    return heads.transpose(1, 2).reshape(heads.shape[0] * heads.shape[2], -1)


def _map(module: Any) -> LinearMap:
    return linear_map(module.weight, module.bias)


def _activated(own: Any) -> Callable[[Tensor], Tensor]:
    widen, activation = _map(own.dense), own.intermediate_act_fn
    if isinstance(activation, GELUActivation) and activation.act is functional.gelu:
        return widen.gelu
    return lambda vectors: activation(widen(vectors))


def _closing(own: Any) -> tuple[LinearMap, Callable[[Tensor], Tensor]]:
    """Return the map of a part, to whose results its input is added, and the norm behind it."""
    norm: nn.LayerNorm = own.LayerNorm
    shape, weight, bias, eps = norm.normalized_shape, norm.weight, norm.bias, norm.eps
    return _map(own.dense), lambda vectors: torch.layer_norm(vectors, shape, weight, bias, eps)
