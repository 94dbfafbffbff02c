"""The layers of networks for pictures, and for texts beside pictures, by faster maps.

CLIP, SigLIP, BLIP and their kin normalise before attention and before the two maps of a layer. Their
embeddings and what comes after the layers stay those of transformers; the layers are nearly all of
the time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel, ViTModel
from transformers.activations import GELUActivation, GELUTanh, QuickGELUActivation
from transformers.modeling_outputs import BaseModelOutput
from transformers.models.vit.modeling_vit import ViTLayer

from holotype.encoders.kernels import kernels
from holotype.encoders.torch_backend.compiled_attention import CompiledRows
from holotype.encoders.torch_backend.linear_map import (
    LinearMap,
    linear_map,
    one_dnn_multiplies,
    piece_by_piece,
)
from holotype.encoders.torch_backend.pre_norm_layer import PreNormLayer
from holotype.encoders.torch_backend.row_counts import RowCounts, row_counts

# Classes of transformers, each compared with it by a test. All have the same layers but for the map
# to queries, keys and values, which is one in BLIP and three elsewhere.
_ENCODERS = frozenset(
    {
        "Blip2Encoder",
        "BlipEncoder",
        "CLIPEncoder",
        "ChineseCLIPVisionEncoder",
        "GitVisionEncoder",
        "MetaClip2Encoder",
        "Siglip2Encoder",
        "SiglipEncoder",
    }
)
_QUICK_GELU = 1.702


def replace_encoders(model: PreTrainedModel) -> None:
    """Replace the encoders of a model, which serves nothing but inference after that.

    Args:
        model: the model, on its device and in its type.
    """
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            kind = type(child)
            if kind.__name__ in _ENCODERS and kind.__module__.startswith("transformers.models."):
                embeddings = getattr(module, "embeddings", None)
                n_positions = getattr(embeddings, "num_positions", None)
                setattr(module, name, PreNormEncoder(child, n_positions))
                _replace_patches(embeddings, "patch_embedding")
        if isinstance(module, ViTModel):
            # It has its layers itself, and calls one after the other.
            patches = module.embeddings.patch_embeddings
            encoder = PreNormEncoder(module, patches.num_patches + 1)
            module.layers = nn.ModuleList([_AsOneLayer(encoder)])
            _replace_patches(patches, "projection")


class _AsOneLayer(nn.Module):
    """An encoder that is called as a layer is."""

    def __init__(self, encoder: PreNormEncoder) -> None:
        super().__init__()
        self._encoder = encoder

    def forward(
        self, states: Tensor, attention_mask: Tensor | None = None, **_options: Any
    ) -> Tensor:
        found: Tensor = self._encoder(states, attention_mask).last_hidden_state
        return found


def _replace_patches(embeddings: Any, name: str) -> None:
    """Let a convolution over squares that do not overlap run as the linear map that it is."""
    own = getattr(embeddings, name, None)
    if not isinstance(own, nn.Conv2d) or own.stride != own.kernel_size:
        return
    if own.padding in ("valid", (0, 0)) and one_dnn_multiplies(own.weight.device, own.weight.dtype):
        setattr(embeddings, name, _Patches(own, embeddings.num_patches))


class _Patches(nn.Module):
    """A vector for each square of a picture."""

    @torch.inference_mode()
    def __init__(self, own: nn.Conv2d, n_patches: int) -> None:
        super().__init__()
        counts = row_counts(own.weight.dtype).including(n_patches)
        self._map = linear_map(own.weight.flatten(1), own.bias, counts)
        self._sides = own.kernel_size
        # transformers asks for its type.
        self.weight = own.weight.new_empty(0)

    def forward(self, pixels: Tensor) -> Tensor:
        """Map ``[n_rows, n_channels, height, width]`` to ``[n_rows, dim, n_down, n_across]``."""
        n_rows, n_channels, height, width = pixels.shape
        side, other = self._sides
        n_down, n_across = height // side, width // other
        squares = pixels[:, :, : n_down * side, : n_across * other].reshape(
            n_rows, n_channels, n_down, side, n_across, other
        )
        flat = squares.permute(0, 2, 4, 1, 3, 5).reshape(n_rows * n_down * n_across, -1)
        return self._map(flat).view(n_rows, n_down, n_across, -1).permute(0, 3, 1, 2)


class PreNormEncoder(nn.Module):
    """An encoder of transformers by faster maps: the same vectors, but for rounding."""

    @torch.inference_mode()
    def __init__(self, own: Any, n_positions: int | None) -> None:
        """Take the weights of an encoder over.

        Args:
            own: the encoder of transformers.
            n_positions: how many tokens every row has; None where that depends on the row.
        """
        super().__init__()
        layers = list(own.layers)
        self._n_heads = _n_heads(layers[0])
        weight: Tensor = layers[0].mlp.fc1.weight
        counts = row_counts(weight.dtype)
        if n_positions is not None:
            # One picture alone is not padded.
            counts = counts.including(n_positions)
        fast = one_dnn_multiplies(weight.device, weight.dtype)
        self._counts = counts if fast else None
        self._kernels = kernels() if weight.device.type == "cpu" else None
        self._layers = tuple(_layer(layer, counts) for layer in layers)

    def forward(
        self,
        inputs_embeds: Tensor,
        attention_mask: Tensor | None = None,
        is_causal: bool = False,
        **_options: Any,
    ) -> BaseModelOutput:
        """Run the layers over ``[n_rows, n_tokens, hidden_dim]``; see transformers."""
        n_rows, n_tokens, width = inputs_embeds.shape
        n_real = n_rows * n_tokens
        pieces = list(self._counts.pieces(n_real)) if self._counts else [n_real]
        n_more = sum(pieces) - n_real
        vectors = inputs_embeds.reshape(n_real, width)
        if n_more:
            vectors = functional.pad(vectors, (0, 0, 0, n_more))
        rows = None
        if self._kernels is not None and attention_mask is None:
            rows = CompiledRows.place(self._kernels, [n_tokens] * n_rows, None)
        for layer in self._layers:
            parts = layer.query_key_value(layer.attention_norm(vectors))
            heads = parts.view(len(parts), 3, self._n_heads, -1).unbind(1)
            if rows is not None and rows.takes(*heads):
                attended = rows.attend(*heads, scale=None, causal=is_causal, window=None, bias=None)
            else:
                query, key, value = (
                    one[:n_real].view(n_rows, n_tokens, *one.shape[1:]).transpose(1, 2)
                    for one in heads
                )
                attended = functional.scaled_dot_product_attention(
                    *(query, key, value),
                    attn_mask=attention_mask,
                    is_causal=is_causal and attention_mask is None,
                )
                attended = attended.transpose(1, 2).reshape(n_real, width)
                if n_more:
                    attended = functional.pad(attended, (0, 0, 0, n_more))
            vectors = piece_by_piece(layer.after_attention, pieces, vectors, attended)
        return BaseModelOutput(last_hidden_state=vectors[:n_real].view(n_rows, n_tokens, width))


def _is_of_vit(own: Any) -> bool:
    """Return whether a layer has the names of ViT's, and not those of CLIP's."""
    return isinstance(own, ViTLayer)


def _n_heads(own: Any) -> int:
    found: int = own.attention.num_attention_heads if _is_of_vit(own) else own.self_attn.num_heads
    return found


def _layer(own: Any, counts: RowCounts) -> PreNormLayer:
    def mapped(weight: Tensor, bias: Tensor | None) -> LinearMap:
        return linear_map(weight, bias, counts)

    up, down = own.mlp.fc1, own.mlp.fc2
    activation = own.mlp.activation_fn
    widen: Callable[[Tensor], Tensor]
    down_map = mapped(down.weight, down.bias)
    if isinstance(activation, QuickGELUActivation) and up.weight.dtype == torch.float32:
        # x * sigmoid(a * x) is silu(a * x) / a, and the factors go into the maps around it. Weights
        # of fewer bits would be rounded once more.
        widen = mapped(up.weight * _QUICK_GELU, up.bias * _QUICK_GELU).silu
        down_map = mapped(down.weight / _QUICK_GELU, down.bias)
    elif isinstance(activation, GELUTanh):
        widen = mapped(up.weight, up.bias).tanh_gelu
    elif isinstance(activation, GELUActivation) and activation.act is functional.gelu:
        widen = mapped(up.weight, up.bias).gelu
    else:
        widen = _then(mapped(up.weight, up.bias), activation)
    if _is_of_vit(own):
        attention, attended = own.attention, own.attention.o_proj
        norms = (own.layernorm_before, own.layernorm_after)
    else:
        attention, norms = own.self_attn, (own.layer_norm1, own.layer_norm2)
        attended = attention.projection if hasattr(attention, "qkv") else attention.out_proj
    if hasattr(attention, "qkv"):
        query_key_value = mapped(attention.qkv.weight, attention.qkv.bias)
    else:
        three = (attention.q_proj, attention.k_proj, attention.v_proj)
        biases = [one.bias for one in three if one.bias is not None]
        query_key_value = mapped(
            torch.cat([one.weight for one in three]), torch.cat(biases) if biases else None
        )
    attention_norm, output_norm = map(_norm, norms)
    return PreNormLayer(
        attention_norm=attention_norm,
        query_key_value=query_key_value,
        attended=mapped(attended.weight, attended.bias),
        output_norm=output_norm,
        widen=widen,
        down=down_map,
    )


def _then(linear: LinearMap, activation: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    return lambda vectors: activation(linear(vectors))


def _norm(own: nn.LayerNorm) -> Callable[[Tensor], Tensor]:
    weight, bias, eps = own.weight, own.bias, own.eps
    return lambda vectors: torch.layer_norm(vectors, weight.shape, weight, bias, eps)
