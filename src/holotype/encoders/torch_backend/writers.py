"""The networks that write captions, by architecture, and what runs all of their layers as one.

transformers goes on to choose tokens, and calls a network as before; what its layers keep is ours.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import (
    BlipForConditionalGeneration,
    Cache,
    EncoderDecoderCache,
    GitForCausalLM,
    GPT2LMHeadModel,
    OPTForCausalLM,
    VisionEncoderDecoderModel,
)
from transformers.activations import GELUActivation, NewGELUActivation
from transformers.modeling_outputs import BaseModelOutput

from holotype.encoders.torch_backend.linear_map import LinearMap, linear_map
from holotype.encoders.torch_backend.picture_attention import (
    OfPictures,
    PatchMaps,
    attention_to_pictures,
)
from holotype.encoders.torch_backend.words_cache import Words
from holotype.encoders.torch_backend.writing_layer import Norm, Norms, Sight, WritingLayer
from holotype.encoders.torch_backend.writing_network import WritingNetwork


def replace_writer(
    model: Any, *, n_beams: int, n_new: int, cache_argument: str
) -> Callable[[], Cache] | None:
    """Replace the layers with which a model writes, which serves nothing but captions after that.

    Args:
        model: the model, on its device and in its type.
        n_beams: how many beams a picture has.
        n_new: how many tokens a caption has at most.
        cache_argument: the name under which layers are given the cache.

    Returns:
        What makes the cache that each call must be given; None where the layers stay those of
        transformers: for architectures that are not known here and, except for BLIP, for types
        other than float32 and devices other than the CPU, on which nobody has compared them.
    """
    if isinstance(model, BlipForConditionalGeneration):
        return _replace_blip(model, n_beams, n_new, cache_argument)
    if model.device.type != "cpu" or model.dtype != torch.float32:
        return None
    if isinstance(model, GitForCausalLM):
        return _replace_git(model, n_beams, n_new)
    if isinstance(model, VisionEncoderDecoderModel):
        decoder: Any = model.decoder
        if isinstance(decoder, GPT2LMHeadModel):
            return _replace_gpt2(decoder, n_beams, n_new)
        return None
    language_model: Any = getattr(model, "language_model", None)
    if isinstance(language_model, OPTForCausalLM):
        n_parts: int = model.config.num_query_tokens
        return _replace_opt(language_model, n_parts, n_beams, n_new, cache_argument)
    return None


def _replace_blip(model: Any, n_beams: int, n_new: int, cache_argument: str) -> Callable[[], Cache]:
    encoder = model.text_decoder.bert.encoder

    def layer(own: Any, at: int) -> WritingLayer:
        cross = own.crossattention.self
        sight = Sight(
            norms=Norms(after=_norm(own.crossattention.output.LayerNorm)),
            query=_map(cross.query),
            attend=attention_to_pictures(_patch_maps(cross), at=at, n_beams=n_beams, n_new=n_new),
            attended=_map(own.crossattention.output.dense),
        )
        return _post_norm_layer(own, sight)

    layers = [layer(own, at) for at, own in enumerate(encoder.layer)]
    network = WritingNetwork(layers, n_beams=n_beams)
    encoder.layer = nn.ModuleList([_BlipLayers(network, cache_argument)])
    return lambda: EncoderDecoderCache(Words(len(layers), n_new), OfPictures())


class _BlipLayers(nn.Module):
    """The layers of BLIP, called as one."""

    def __init__(self, network: WritingNetwork, cache_argument: str) -> None:
        super().__init__()
        self._network = network
        self._cache_argument = cache_argument

    def forward(self, states: Tensor, pictures: Tensor, **options: Any) -> Tensor:
        cache: Any = options[self._cache_argument]
        return self._network.read(
            states, cache.self_attention_cache, pictures, cache.cross_attention_cache
        )


def _replace_gpt2(decoder: Any, n_beams: int, n_new: int) -> Callable[[], Cache]:
    network_of_decoder = decoder.transformer

    def layer(own: Any, at: int) -> WritingLayer:
        cross = own.crossattention
        key, value = cross.c_attn.weight.T.chunk(2)
        key_bias, value_bias = cross.c_attn.bias.chunk(2)
        maps = PatchMaps(
            key=key,
            key_bias=key_bias,
            value=value,
            value_bias=value_bias,
            n_heads=cross.num_heads,
            scale=cross.scaling,
        )
        return WritingLayer(
            n_heads=own.attn.num_heads,
            scale=own.attn.scaling,
            attention_norms=Norms(before=_norm(own.ln_1)),
            query_key_value=_transposed(own.attn.c_attn),
            attended=_transposed(own.attn.c_proj),
            sight=Sight(
                norms=Norms(before=_norm(own.ln_cross_attn)),
                query=_transposed(cross.q_attn),
                attend=attention_to_pictures(maps, at=at, n_beams=n_beams, n_new=n_new),
                attended=_transposed(cross.c_proj),
            ),
            output_norms=Norms(before=_norm(own.ln_2)),
            widen=_then(_transposed(own.mlp.c_fc), own.mlp.act),
            down=_transposed(own.mlp.c_proj),
        )

    layers = [layer(own, at) for at, own in enumerate(network_of_decoder.h)]
    network_of_decoder.h = nn.ModuleList([_Gpt2Layers(WritingNetwork(layers, n_beams=n_beams))])
    return lambda: EncoderDecoderCache(Words(len(layers), n_new), OfPictures())


class _Gpt2Layers(nn.Module):
    """The layers of GPT-2, called as one."""

    def __init__(self, network: WritingNetwork) -> None:
        super().__init__()
        self._network = network

    def forward(
        self, states: Tensor, cache: Any, _mask: Any, pictures: Tensor, **_options: Any
    ) -> Tensor:
        return self._network.read(
            states, cache.self_attention_cache, pictures, cache.cross_attention_cache
        )


def _replace_git(model: Any, n_beams: int, n_new: int) -> Callable[[], Cache] | None:
    # Those of videos have several pictures of one text.
    if model.config.num_image_with_embedding is not None:
        return None
    encoder = model.git.encoder
    n_parts: int = encoder.layer[0].attention.self.image_patch_tokens
    layers = [_post_norm_layer(own, None) for own in encoder.layer]
    network = WritingNetwork(layers, n_beams=n_beams, n_parts=n_parts)
    encoder.layer = nn.ModuleList([_GitLayers(network, n_parts)])
    model.git.image_encoder = _OncePerPicture(model.git.image_encoder, n_beams)
    return lambda: Words(len(layers), n_new)


class _GitLayers(nn.Module):
    """The layers of GIT, called as one."""

    def __init__(self, network: WritingNetwork, n_parts: int) -> None:
        super().__init__()
        self._network = network
        # transformers asks the first layer how many tokens a picture is.
        self.attention = SimpleNamespace(self=SimpleNamespace(image_patch_tokens=n_parts))

    def forward(self, states: Tensor, _mask: Any, cache: Any, **_options: Any) -> Tensor:
        return self._network.read(states, cache)


class _OncePerPicture(nn.Module):
    """A network for pictures that is given each of them once a beam, and reads it once."""

    def __init__(self, own: nn.Module, n_beams: int) -> None:
        super().__init__()
        self.own = own
        self._n_beams = n_beams

    def forward(self, pixels: Tensor, **options: Any) -> BaseModelOutput:
        states = self.own(pixels[:: self._n_beams], **options).last_hidden_state
        return BaseModelOutput(last_hidden_state=states.repeat_interleave(self._n_beams, dim=0))


def _replace_opt(
    language_model: Any, n_parts: int, n_beams: int, n_new: int, cache_argument: str
) -> Callable[[], Cache]:
    decoder = language_model.model.decoder

    def layer(own: Any) -> WritingLayer:
        attention = own.self_attn
        norms = (_norm(own.self_attn_layer_norm), _norm(own.final_layer_norm))
        first, last = (
            Norms(before=one) if own.do_layer_norm_before else Norms(after=one) for one in norms
        )
        return WritingLayer(
            n_heads=attention.num_heads,
            scale=attention.scaling,
            attention_norms=first,
            query_key_value=_joined(attention.q_proj, attention.k_proj, attention.v_proj),
            attended=_map(attention.out_proj),
            sight=None,
            output_norms=last,
            widen=_then(_map(own.fc1), own.activation_fn),
            down=_map(own.fc2),
        )

    layers = [layer(own) for own in decoder.layers]
    network = WritingNetwork(layers, n_beams=n_beams, n_parts=n_parts, parts_are_causal=True)
    decoder.layers = nn.ModuleList([_OptLayers(network, cache_argument)])
    return lambda: Words(len(layers), n_new)


class _OptLayers(nn.Module):
    """The layers of OPT, called as one."""

    def __init__(self, network: WritingNetwork, cache_argument: str) -> None:
        super().__init__()
        self._network = network
        self._cache_argument = cache_argument

    def forward(self, states: Tensor, **options: Any) -> Tensor:
        return self._network.read(states, options[self._cache_argument])


def _post_norm_layer(own: Any, sight: Sight | None) -> WritingLayer:
    """Return a layer as BERT has it, which normalises what its parts return."""
    attention = own.attention.self
    n_heads: int = attention.num_attention_heads
    return WritingLayer(
        n_heads=n_heads,
        scale=(len(attention.query.weight) // n_heads) ** -0.5,
        attention_norms=Norms(after=_norm(own.attention.output.LayerNorm)),
        query_key_value=_joined(attention.query, attention.key, attention.value),
        attended=_map(own.attention.output.dense),
        sight=sight,
        output_norms=Norms(after=_norm(own.output.LayerNorm)),
        widen=_then(_map(own.intermediate.dense), own.intermediate.intermediate_act_fn),
        down=_map(own.output.dense),
    )


def _patch_maps(attention: Any) -> PatchMaps:
    n_heads: int = attention.num_attention_heads
    return PatchMaps(
        key=attention.key.weight,
        key_bias=attention.key.bias,
        value=attention.value.weight,
        value_bias=attention.value.bias,
        n_heads=n_heads,
        scale=(len(attention.key.weight) // n_heads) ** -0.5,
    )


def _map(module: Any) -> LinearMap:
    return linear_map(module.weight, module.bias)


def _transposed(module: Any) -> LinearMap:
    """Return the map of a layer of OpenAI's, whose weights are transposed."""
    return linear_map(module.weight.T, module.bias)


def _joined(*modules: Any) -> LinearMap:
    """Return several maps of the same vectors, side by side."""
    biases = [one.bias for one in modules if one.bias is not None]
    return linear_map(
        torch.cat([one.weight for one in modules]), torch.cat(biases) if biases else None
    )


def _then(widen: LinearMap, activation: Any) -> Callable[[Tensor], Tensor]:
    """Return a map with the activation that follows."""
    if isinstance(activation, GELUActivation) and activation.act is functional.gelu:
        return widen.gelu
    if isinstance(activation, NewGELUActivation):
        return widen.tanh_gelu
    return lambda vectors: activation(widen(vectors))


def _norm(own: nn.LayerNorm) -> Norm:
    shape, weight, bias, eps = own.normalized_shape, own.weight, own.bias, own.eps
    return lambda vectors: torch.layer_norm(vectors, shape, weight, bias, eps)
