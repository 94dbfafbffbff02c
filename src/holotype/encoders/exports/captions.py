"""Captioners as two graphs: a picture to keys and values, and tokens after these to the next one.

What a picture becomes is read by every token of its caption, and never changes: its keys and values
in each layer are computed once. The graph for texts reads them with those of the tokens before, and
returns those of the tokens that it has read. The networks themselves are those of transformers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import DynamicCache, EncoderDecoderCache, GenerationConfig
from transformers.modeling_outputs import BaseModelOutput

from holotype.encoders.graphs.captions import CaptionFacts
from holotype.encoders.kinds.plan import CaptionerPlan
from holotype.encoders.torch_backend.captioner import (
    CACHE_ARGUMENT,
    decoder_start,
    ends_of,
    load_captioner_model,
)
from holotype.encoders.torch_backend.tensors import read_tensors
from holotype.errors import UnsupportedModelError

_NEUTRAL: dict[str, tuple[Any, ...]] = {
    "bad_words_ids": (),
    "begin_suppress_tokens": ([],),
    "constraints": (),
    "diversity_penalty": (0.0,),
    "dola_layers": (),
    "encoder_no_repeat_ngram_size": (0,),
    "encoder_repetition_penalty": (1.0,),
    "exponential_decay_length_penalty": (),
    "force_words_ids": (),
    "forced_bos_token_id": (),
    "forced_decoder_ids": (),
    "forced_eos_token_id": (),
    "guidance_scale": (1.0,),
    "max_time": (),
    "min_new_tokens": (0,),
    "no_repeat_ngram_size": (0,),
    "num_beam_groups": (1,),
    "num_return_sequences": (1,),
    "penalty_alpha": (),
    "prompt_lookup_num_tokens": (),
    "remove_invalid_values": (False,),
    "renormalize_logits": (False,),
    "sequence_bias": (),
    "stop_strings": (),
    "suppress_tokens": ([],),
    "token_healing": (False,),
    "watermarking_config": (),
}
"""Settings of transformers' `generate` that change captions, with the values that change none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionSource:
    """The networks of a captioner, in float32 on the CPU.

    Attributes:
        pictures: takes pictures, and with them a prompt if `reads_prompt`.
        texts: takes tokens, the keys and values of the picture, and those of the tokens before.
        reads_prompt: whether what a picture becomes depends on the prompt.
        facts: how captions begin and end.
        height: the height of the pictures, in pixels.
        width: their width.
    """

    pictures: nn.Module
    texts: nn.Module
    reads_prompt: bool
    facts: CaptionFacts
    height: int
    width: int


def read_caption_source(plan: CaptionerPlan) -> CaptionSource:
    """Load the networks of a captioner.

    Raises:
        UnsupportedModelError: pictures have no one size, or the checkpoint asks for a search, or
            has a network for texts, that is run on torch only.
        CheckpointError: the weights are missing, damaged, unsafe, or of another model.
    """
    encoding, folder = plan.encoding, plan.settings.transformer
    size = encoding.pixels.crop or encoding.pixels.size
    if size is None:
        raise UnsupportedModelError(
            plan.record.id,
            f"its pictures have no one size ({encoding.pixels.shown}), which its graph needs; it runs "
            "on torch only",
        )
    model: Any = load_captioner_model(folder, encoding.model_type, read_tensors(folder))
    network = _network(plan, model)
    writer: Any = network.writer
    _refuse_settings(plan, writer.generation_config)
    with torch.inference_mode():
        example = torch.zeros((1, 3, *size))
        prompt = torch.tensor([network.start])
        memory = network.memory(example, prompt if network.reads_prompt else None)
    stated = writer.generation_config
    n_words = plan.limits.vocab_size or writer.get_output_embeddings().weight.shape[0]
    # A token that is in no vocabulary ends nothing: so do checkpoints say that there is none.
    stops, ends = (
        sorted(id for id in ids if 0 <= id < n_words) for ids in ends_of(model, encoding.model_type)
    )
    facts = CaptionFacts(
        start=network.start,
        before=network.before,
        decoder_start=stated.decoder_start_token_id if network.reads_prompt else None,
        stops=tuple(stops),
        ends=tuple(ends),
        layers=(memory.shape[1], memory.shape[2], memory.shape[4]),
        n_parts=memory.shape[3],
        min_length=stated.min_length or 0,
        length_penalty=1.0 if stated.length_penalty is None else stated.length_penalty,
        repetition_penalty=stated.repetition_penalty or 1.0,
        early_stopping=stated.early_stopping or False,
    )
    return CaptionSource(
        pictures=_Pictures(network),
        texts=_Texts(network),
        reads_prompt=network.reads_prompt,
        facts=facts,
        height=size[0],
        width=size[1],
    )


def _refuse_settings(plan: CaptionerPlan, stated: GenerationConfig) -> None:
    for name, neutral in _NEUTRAL.items():
        value = getattr(stated, name, None)
        if value is not None and value not in neutral:
            raise UnsupportedModelError(
                plan.record.id,
                f"its checkpoint sets {name} to {value!r} for captions, which only transformers "
                "applies; it runs on torch only",
            )


def _network(plan: CaptionerPlan, model: Any) -> _Captioner:
    kind = plan.encoding.model_type
    if kind == "blip":
        return _Blip(model)
    if kind == "git":
        return _Git(model)
    if kind == "vision-encoder-decoder":
        return _VitGpt2(model)
    texts = model.config.text_config.model_type
    if texts == "opt":
        return _Opt(model)
    if texts == "t5":
        return _T5(model)
    raise UnsupportedModelError(
        plan.record.id,
        f"its captions are written by {texts!r}, of which no graph has been tried; those of 'opt' and "
        "'t5' are exported",
    )


class _Captioner(nn.Module, ABC):
    """A network that writes captions, in two steps.

    Attributes:
        writer: the part of it that transformers' `generate` runs.
        reads_prompt: whether the memory depends on the prompt.
        start: the tokens with which captions begin where there is no prompt.
        before: the tokens of the picture that stand before these.
    """

    reads_prompt = False
    before: tuple[int, ...] = ()

    def __init__(self, model: Any, writer: Any, start: int) -> None:
        super().__init__()
        self.model = model
        self.start = (int(start),)
        self._writer = (writer,)

    @property
    def writer(self) -> Any:
        # Not a module of its own, or it would be counted twice.
        return self._writer[0]

    @abstractmethod
    def memory(self, pixels: Tensor, prompt: Tensor | None) -> Tensor:
        """Return the keys and values of pictures; see `MEMORY`."""

    @abstractmethod
    def after(
        self, ids: Tensor, memory: Tensor, past: Tensor, positions: Tensor, mask: Tensor
    ) -> tuple[Tensor, list[Any]]:
        """Return the logits of the next token, and the layers of a cache that end with these."""


class _CrossAttending(_Captioner):
    """A decoder that attends to the patches beside its own tokens."""

    def after(
        self, ids: Tensor, memory: Tensor, past: Tensor, positions: Tensor, mask: Tensor
    ) -> tuple[Tensor, list[Any]]:
        cache = _with_cross_attention(past, memory)
        found = self._decoder(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            # What it attends to is in the cache; that there is something must be said.
            encoder_hidden_states=memory[:, 0, 0],
            use_cache=True,
            logits_to_keep=1,
            **{CACHE_ARGUMENT: cache},
        )
        return found.logits[:, -1], cache.self_attention_cache.layers

    @property
    @abstractmethod
    def _decoder(self) -> Any:
        """The part of the model that reads tokens."""


class _Blip(_CrossAttending):
    """BLIP: its decoder is a BERT."""

    def __init__(self, model: Any) -> None:
        super().__init__(model, model.text_decoder, model.config.text_config.bos_token_id)

    def memory(self, pixels: Tensor, prompt: Tensor | None) -> Tensor:
        states = self.model.vision_model(pixel_values=pixels).last_hidden_state
        layers = self.model.text_decoder.bert.encoder.layer
        attentions = [layer.crossattention.self for layer in layers]
        maps = [linear for one in attentions for linear in (one.key, one.value)]
        return _mapped(states, maps, attentions[0].attention_head_size)

    @property
    def _decoder(self) -> Any:
        return self.model.text_decoder


class _Git(_Captioner):
    """A decoder whose first tokens are patches, which see each other and no text."""

    def __init__(self, model: Any) -> None:
        super().__init__(model, model, model.generation_config.bos_token_id)

    def memory(self, pixels: Tensor, prompt: Tensor | None) -> Tensor:
        network = self.model.git
        states = network.visual_projection(network.image_encoder(pixels).last_hidden_state)
        cache = DynamicCache()
        network.encoder(states, attention_mask=None, use_cache=True, **{CACHE_ARGUMENT: cache})
        return _stacked(cache.layers)

    def after(
        self, ids: Tensor, memory: Tensor, past: Tensor, positions: Tensor, mask: Tensor
    ) -> tuple[Tensor, list[Any]]:
        cache = _filled(torch.cat([memory, past], dim=3))
        found = self.model(
            input_ids=ids,
            attention_mask=_seeing_all(mask, memory),
            position_ids=positions,
            use_cache=True,
            logits_to_keep=1,
            **{CACHE_ARGUMENT: cache},
        )
        return found.logits[:, -1], cache.layers


class _VitGpt2(_CrossAttending):
    """A ViT and a GPT-2, which may be joined by a projection."""

    def __init__(self, model: Any) -> None:
        start: Any = decoder_start(model)
        super().__init__(model, model, start)

    def memory(self, pixels: Tensor, prompt: Tensor | None) -> Tensor:
        states = self.model.encoder(pixel_values=pixels).last_hidden_state
        projection = getattr(self.model, "enc_to_dec_proj", None)
        if projection is not None:
            states = projection(states)
        attentions = [block.crossattention for block in self.model.decoder.transformer.h]
        both = [half for one in attentions for half in one.c_attn(states).chunk(2, dim=-1)]
        return torch.stack([_heads(half, attentions[0].head_dim) for half in both], dim=1)

    @property
    def _decoder(self) -> Any:
        return self.model.decoder


class _Blip2(_Captioner):
    """What both kinds of BLIP-2 have in common: a picture becomes some vectors of words."""

    def __init__(self, model: Any) -> None:
        config = model.config
        super().__init__(model, model.language_model, config.text_config.bos_token_id)
        self.before = (config.image_token_index,) * config.num_query_tokens

    def words(self, pixels: Tensor) -> Tensor:
        """Return the vectors that stand for pictures: ``[n_pictures, n_vectors, hidden_dim]``."""
        found: Tensor = self.model.get_image_features(pixel_values=pixels).pooler_output
        return found


class _Opt(_Blip2):
    """A decoder whose first tokens are those vectors."""

    def memory(self, pixels: Tensor, prompt: Tensor | None) -> Tensor:
        cache = DynamicCache()
        words = self.words(pixels)
        positions = torch.arange(words.shape[1])[None]
        mask = _causal(positions, positions, words.dtype)
        self.model.language_model(
            inputs_embeds=words,
            attention_mask=mask.expand(words.shape[0], -1, -1, -1),
            position_ids=positions.expand(words.shape[0], -1),
            use_cache=True,
            logits_to_keep=1,
            **{CACHE_ARGUMENT: cache},
        )
        return _stacked(cache.layers)

    def after(
        self, ids: Tensor, memory: Tensor, past: Tensor, positions: Tensor, mask: Tensor
    ) -> tuple[Tensor, list[Any]]:
        cache = _filled(torch.cat([memory, past], dim=3))
        found = self.model.language_model(
            input_ids=ids,
            attention_mask=_seeing_all(mask, memory),
            position_ids=positions + memory.shape[3],
            use_cache=True,
            logits_to_keep=1,
            **{CACHE_ARGUMENT: cache},
        )
        return found.logits[:, -1], cache.layers


class _T5(_Blip2):
    """An encoder that reads those vectors and the prompt, and a decoder that attends to them."""

    reads_prompt = True

    def memory(self, pixels: Tensor, prompt: Tensor | None) -> Tensor:
        network = self.model.language_model
        words = self.words(pixels)
        given = torch.cat([words, network.get_input_embeddings()(prompt)], dim=1)
        mask = torch.zeros((given.shape[0], 1, given.shape[1], given.shape[1]), dtype=given.dtype)
        states = network.encoder(inputs_embeds=given, attention_mask=mask).last_hidden_state
        attentions = [block.layer[1].EncDecAttention for block in network.decoder.block]
        maps = [linear for one in attentions for linear in (one.k, one.v)]
        return _mapped(states, maps, attentions[0].key_value_proj_dim)

    def after(
        self, ids: Tensor, memory: Tensor, past: Tensor, positions: Tensor, mask: Tensor
    ) -> tuple[Tensor, list[Any]]:
        cache = _with_cross_attention(past, memory)
        shape = (ids.shape[0], 1, ids.shape[1], memory.shape[3])
        found = self.model.language_model(
            decoder_input_ids=ids,
            decoder_attention_mask=mask,
            encoder_outputs=BaseModelOutput(last_hidden_state=memory[:, 0, 0]),
            attention_mask=torch.zeros(shape, dtype=memory.dtype),
            use_cache=True,
            **{CACHE_ARGUMENT: cache},
        )
        return found.logits[:, -1], cache.self_attention_cache.layers


class _Pictures(nn.Module):
    """What becomes the graph for pictures."""

    def __init__(self, network: _Captioner) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor, prompt: Tensor | None = None) -> Tensor:
        return self.network.memory(pixels, prompt)


class _Texts(nn.Module):
    """What becomes the graph for texts."""

    def __init__(self, network: _Captioner) -> None:
        super().__init__()
        self.network = network

    def forward(self, ids: Tensor, memory: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        n_past, n_new = past.shape[3], ids.shape[1]
        positions = (torch.arange(n_new) + n_past)[None]
        mask = _causal(positions, torch.arange(n_past + n_new)[None], past.dtype)
        logits, layers = self.network.after(
            ids,
            memory,
            past,
            positions.expand(ids.shape[0], -1),
            mask.expand(ids.shape[0], -1, -1, -1),
        )
        return logits, _stacked(layers, n_new)


def _causal(positions: Tensor, seen: Tensor, dtype: torch.dtype) -> Tensor:
    """Return what is added to scores, so that no token sees later ones: ``[1, 1, n, n_seen]``."""
    later = seen[:, None, None, :] > positions[:, None, :, None]
    return later.to(dtype) * torch.finfo(dtype).min


def _seeing_all(mask: Tensor, memory: Tensor) -> Tensor:
    """Return a mask by which every token sees the memory as well."""
    shape = (*mask.shape[:3], memory.shape[3])
    return torch.cat([torch.zeros(shape, dtype=mask.dtype), mask], dim=3)


def _mapped(states: Tensor, maps: list[Any], head_dim: int) -> Tensor:
    """Return keys and values of states, by the maps of all layers in turn; see `MEMORY`."""
    return torch.stack([_heads(linear(states), head_dim) for linear in maps], dim=1)


def _heads(states: Tensor, head_dim: int) -> Tensor:
    """Return ``[n_rows, n_tokens, width]`` as ``[n_rows, n_heads, n_tokens, head_dim]``."""
    return states.view(*states.shape[:-1], -1, head_dim).transpose(1, 2)


def _stacked(layers: list[Any], n_last: int = 0) -> Tensor:
    """Return the keys and values of all layers; see `MEMORY`.

    Args:
        layers: those of a cache.
        n_last: of how many tokens at the end; 0 for all.
    """
    both = [tensor for layer in layers for tensor in (layer.keys, layer.values)]
    return torch.stack([tensor[:, :, -n_last:] for tensor in both], dim=1)


def _filled(states: Tensor) -> DynamicCache:
    """Return a cache of keys and values as `_stacked` returns them."""
    cache = DynamicCache()
    for layer in range(states.shape[1] // 2):
        cache.update(states[:, 2 * layer, :, :0], states[:, 2 * layer + 1, :, :0], layer)
        made: Any = cache.layers[layer]
        made.keys, made.values = states[:, 2 * layer], states[:, 2 * layer + 1]
    return cache


def _with_cross_attention(past: Tensor, memory: Tensor) -> EncoderDecoderCache:
    cache = EncoderDecoderCache(_filled(past), _filled(memory))
    cache.is_updated = dict.fromkeys(range(past.shape[1] // 2), True)
    return cache
