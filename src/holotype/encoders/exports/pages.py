"""Models for pages as two graphs: for the parts of a picture, and for the tokens around them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from transformers.models.qwen2_vl.modeling_qwen2_vl import apply_rotary_pos_emb_vision

from holotype.encoders.graphs.graph import TOKEN_VECTORS
from holotype.encoders.kinds.colbert import PictureSide


def page_network(model: Any, pictures: PictureSide) -> nn.Module:
    """Return what is called with tokens, and with what the parts of a picture have become."""
    kinds: dict[str, type[_Pages]] = {
        "colmodernvbert": _PagesInTiles,
        "colpali": _PagesOfPrefix,
        "colqwen2": _PagesInGrid,
        "idefics3": _PagesInTiles,
    }
    return kinds[pictures.model_type](model)


def part_network(model: Any, pictures: PictureSide) -> nn.Module:
    """Return what is called with a picture, its tiles or its patches."""
    if pictures.model_type == "colqwen2":
        return _Patches(model)
    return _Tiles(model) if pictures.pixels.tile_size is not None else _Whole(model)


def network_config(model: Any) -> Any:
    """Return the configuration of the networks for pictures and for texts."""
    return getattr(model.config, "vlm_config", model.config)


class _Pages(nn.Module, ABC):
    """A network that reads the parts of a page among tokens."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        parts: Tensor,
        places: Tensor,
        in_grid: Tensor | None = None,
    ) -> Any:
        stands = places > 0
        # The token of a picture may lie beyond the table of words.
        words = self.model.get_input_embeddings()(torch.where(stands, 0, input_ids))
        chosen = parts[(places - 1).clamp(min=0)]
        inputs = torch.where(stands[..., None], chosen, words)
        vectors = self.model.embedding_proj_layer(self.states(inputs, attention_mask, in_grid))
        return SimpleNamespace(**{TOKEN_VECTORS: nn.functional.normalize(vectors, dim=-1)})

    @abstractmethod
    def states(self, inputs: Tensor, attention_mask: Tensor, in_grid: Tensor | None) -> Tensor:
        """Return the last hidden states of tokens of which each has its vector."""


class _PagesInGrid(_Pages):
    """A decoder of which tokens see those before, and which is told where they stand."""

    def states(self, inputs: Tensor, attention_mask: Tensor, in_grid: Tensor | None) -> Tensor:
        found = self.model.vlm(
            inputs_embeds=inputs,
            attention_mask=attention_mask,
            position_ids=None if in_grid is None else in_grid.permute(2, 0, 1),
            use_cache=False,
        )
        last: Tensor = found.last_hidden_state
        return last


class _PagesOfPrefix(_Pages):
    """A decoder of which all tokens see each other, as those of a prompt do."""

    def states(self, inputs: Tensor, attention_mask: Tensor, in_grid: Tensor | None) -> Tensor:
        found = self.model.vlm(
            inputs_embeds=inputs,
            attention_mask=attention_mask,
            token_type_ids=torch.zeros_like(attention_mask),
            use_cache=False,
        )
        last: Tensor = found.last_hidden_state
        return last


class _PagesInTiles(_Pages):
    """A network for texts that stands beside that for tiles."""

    def states(self, inputs: Tensor, attention_mask: Tensor, in_grid: Tensor | None) -> Tensor:
        network = self.model.vlm.text_model
        found = network(inputs_embeds=inputs, attention_mask=attention_mask)
        last: Tensor = found.last_hidden_state
        return last


class _Tiles(nn.Module):
    """Tiles, each of which becomes some vectors."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def get_image_features(self, pixel_values: Tensor) -> Any:
        states = self.model.vlm.vision_model(pixel_values=pixel_values).last_hidden_state
        return SimpleNamespace(pooler_output=self.model.vlm.connector(states))


class _Whole(nn.Module):
    """Pictures of one size, whose patches become a vector each."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def get_image_features(self, pixel_values: Tensor) -> Any:
        return self.model.vlm.get_image_features(pixel_values)


class _Patches(nn.Module):
    """The patches of one picture, in the order of the squares that become one vector each.

    transformers splits patches by the pictures that they are of, whose number and sizes no graph
    could leave open; of one picture they all see each other.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, patches: Tensor, places: Tensor) -> Tensor:
        network = self.model.vlm.visual
        states = network.patch_embed(patches.flatten(0, 1))
        turns = network.rotary_pos_emb(states, places.flatten(0, 1))
        for block in network.blocks:
            states = states + _attention(block.attn, block.norm1(states), turns)
            states = states + block.mlp(block.norm2(states))
        found: Tensor = network.merger(states)
        return found


def _attention(attention: Any, states: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
    """Return what patches that all see each other become: ``[n_patches, width]``."""
    n_patches = states.shape[0]
    parts = attention.qkv(states).reshape(n_patches, 3, attention.num_heads, -1)
    queries, keys, values = parts.permute(1, 0, 2, 3).unbind(0)
    queries, keys = apply_rotary_pos_emb_vision(queries, keys, *turns)
    found = nn.functional.scaled_dot_product_attention(
        queries.transpose(0, 1)[None],
        keys.transpose(0, 1)[None],
        values.transpose(0, 1)[None],
        scale=attention.scaling,
    )
    merged: Tensor = attention.proj(found[0].transpose(0, 1).reshape(n_patches, -1))
    return merged
