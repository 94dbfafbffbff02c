"""How the tokens of a caption attend to the patches of their picture, which each layer maps anew.

Every token of a caption attends to all patches of its picture, whose keys and values are products
of all patches in each layer: as much as a sixth of the network that reads the picture. Short
captions are written without them. A score is ``q · (W e)``, which is ``(q W) · e``: so the map of a
head is applied to its queries instead, and to the mean of the patches that attention takes. What is
left of a picture is one matrix for all layers, which stays in the cache.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor
from transformers import DynamicCache

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


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchMaps:
    """The maps of a layer from patches to keys and values.

    Attributes:
        key: its weight: ``[width, dim]``.
        key_bias: ``[width]``.
        value: its weight: ``[width, dim]``.
        value_bias: ``[width]``.
        n_heads: the heads into which the width is divided.
        scale: what scores are multiplied by.
    """

    key: Tensor
    key_bias: Tensor
    value: Tensor
    value_bias: Tensor
    n_heads: int
    scale: float

    @property
    def head_dim(self) -> int:
        """The width of a head."""
        return len(self.key) // self.n_heads


ToPictures: TypeAlias = Callable[[Tensor, Tensor, OfPictures], Tensor]
"""Takes the queries of tokens, ``[n_tokens, width]``, those of a picture side by side, the patches
of each row, and what is known of pictures; returns ``[n_tokens, width]``."""


def attention_to_pictures(maps: PatchMaps, *, at: int, n_beams: int, n_new: int) -> ToPictures:
    """Return how the tokens of a layer attend to pictures.

    Args:
        maps: those of the layer.
        at: which layer it is.
        n_beams: how many beams a picture has.
        n_new: how many tokens a caption has at most.
    """
    # Each token of a beam takes the products of one head after the other, with all patches.
    few = n_beams * n_new * maps.n_heads <= len(maps.key)
    # Numbers of fewer bits would be rounded once more.
    exact = maps.key.dtype == torch.float32 and one_dnn_multiplies(maps.key.device, maps.key.dtype)
    return _ByPatches(maps, n_beams) if few and exact else _ByKeys(maps, n_beams, at)


class _ByKeys:
    """Attention by keys and values, which are computed once a picture."""

    def __init__(self, maps: PatchMaps, n_beams: int, at: int) -> None:
        self._n_heads = maps.n_heads
        self._head_dim = maps.head_dim
        self._scale = maps.scale
        self._map = linear_map(
            torch.cat([maps.key, maps.value]), torch.cat([maps.key_bias, maps.value_bias])
        )
        self._n_beams = n_beams
        self._at = at

    def __call__(self, query: Tensor, pictures: Tensor, memory: OfPictures) -> Tensor:
        if self._at not in memory.keys_values:
            memory.keys_values[self._at] = self._keys_values(pictures[:: self._n_beams])
        keys, values = memory.keys_values[self._at]
        heads = query.view(len(keys), -1, self._n_heads, self._head_dim).transpose(1, 2)
        scores = torch.matmul(heads * self._scale, keys.transpose(2, 3))
        return side_by_side(torch.matmul(torch.softmax(scores, dim=-1), values))

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

    def __init__(self, maps: PatchMaps, n_beams: int) -> None:
        n_heads, dim = maps.n_heads, maps.key.shape[1]
        self._keys = maps.key.reshape(n_heads, -1, dim)
        self._values = maps.value.reshape(n_heads, -1, dim).transpose(1, 2)
        self._bias = maps.value_bias
        self._scale = maps.scale
        self._counts = row_counts(self._keys.dtype).including(n_heads * n_beams)
        self._n_beams = n_beams

    def __call__(self, query: Tensor, pictures: Tensor, memory: OfPictures) -> Tensor:
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


def side_by_side(heads: Tensor) -> Tensor:
    """Return ``[n_rows, n_heads, n_tokens, head_dim]`` as ``[n_rows * n_tokens, width]``."""
    return heads.transpose(1, 2).reshape(heads.shape[0] * heads.shape[2], -1)
