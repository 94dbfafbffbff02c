"""What a checkpoint says of a model that writes captions."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from holotype.encoders.checkpoints.caption_limits import CaptionLimits
from holotype.encoders.checkpoints.caption_tokens import check_caption_tokens
from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.json_file import JsonFile, Setting
from holotype.encoders.checkpoints.processor import ImageProcessor, read_image_processor
from holotype.encoders.checkpoints.settings import (
    CONFIG_FILE,
    LIBRARY_FILE,
    CheckpointSettings,
    describe_checkpoint,
    find_transformer_file,
)
from holotype.errors import UnsupportedCheckpointError, WrongKindError

CAPTIONERS: Mapping[str, str] = {
    "blip": "BlipForConditionalGeneration",
    "blip-2": "Blip2ForConditionalGeneration",
    "git": "GitForCausalLM",
    "vision-encoder-decoder": "VisionEncoderDecoderModel",
}
"""The class of transformers that writes captions, by the model type; tests compare each with it."""
GENERATION_FILE = "generation_config.json"
_COUNTS = ("num_beams", "max_new_tokens", "max_length", "min_length")
_NUMBERS = ("length_penalty", "repetition_penalty")
_OF_FILE: tuple[str, ...] = (*_COUNTS, *_NUMBERS, "early_stopping")
# Of the settings of a search, transformers drops the others from the configuration of a network.
_OF_NETWORK: tuple[str, ...] = ("max_new_tokens",)
# Of the networks that `vision-encoder-decoder` may join, those that are compared with transformers.
_JOINED: Mapping[str, str] = {"encoder": "vit", "decoder": "gpt2"}
# The network for texts where nothing names it.
_OF_TEXTS: Mapping[str, str] = {"blip-2": "opt", "vision-encoder-decoder": "gpt2"}
USUAL_SIZES: Mapping[str, tuple[int, int | None]] = {
    "blip": (30_524, 512),
    "git": (30_522, 1_024),
    "gpt2": (50_257, 1_024),
    "opt": (50_272, 2_048),
    "t5": (32_128, None),
}
"""The vocabulary and the positions that transformers takes where `config.json` is silent, by the
model type or that of the network for texts; tests compare each with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionerSettings:
    """What the files say.

    Attributes:
        text: what they say of the network that writes, and of the checkpoint.
        processor: how pictures are prepared.
        model_type: the architecture, as `config.json` calls it.
        patch_size: the side of a patch, in pixels.
        image_hidden_dim: the width of the network for pictures.
        image_layers: how many layers it has.
        generation: how captions are generated, by the names of the record's fields.
        limits: within what this and the record must lie.
    """

    text: CheckpointSettings
    processor: ImageProcessor
    model_type: str
    patch_size: Setting[int] | None
    image_hidden_dim: Setting[int] | None
    image_layers: Setting[int] | None
    generation: Mapping[str, Setting[Any]]
    limits: CaptionLimits


def is_captioner(config: JsonFile) -> bool:
    """Return whether `config.json` is that of a model that writes captions."""
    model_type, architectures = config.text("model_type"), config.texts("architectures")
    if model_type is None or model_type.value not in CAPTIONERS:
        return False
    return architectures is None or CAPTIONERS[model_type.value] in architectures.value


def read_captioner(checkpoint: Checkpoint) -> CaptionerSettings:
    """Read every file of such a checkpoint that says how it is run; no weights.

    Raises:
        CheckpointError: a file is missing or damaged, or says something that is not supported.
        WrongKindError: it is a model of another kind.
    """
    config = checkpoint.json(CONFIG_FILE)
    if not is_captioner(config):
        architectures = config.texts("architectures")
        named = ", ".join(architectures.value) if architectures else config.values.get("model_type")
        raise WrongKindError(
            config.location,
            f"is of the architecture {named!r}; expected one that writes captions: "
            f"{', '.join(CAPTIONERS.values())}",
        )
    described = describe_checkpoint(
        checkpoint,
        "",
        format="transformers",
        library=JsonFile(LIBRARY_FILE, {}, checkpoint.where(LIBRARY_FILE)),
        modules=None,
        transformer=find_transformer_file(checkpoint),
    )
    model_type = str(config.values["model_type"])
    if model_type == "vision-encoder-decoder":
        _check_joined(config)
    texts = config.part("text_config") or config.part("decoder") or config
    pictures = picture_network(config)
    # An empty file says something, too: that all is as usual.
    stated_apart = checkpoint.json(GENERATION_FILE) if checkpoint.has(GENERATION_FILE) else None
    vocab_size = texts.integer("vocab_size")
    n_positions = texts.integer("max_position_embeddings", "n_positions")
    limits = _limits(model_type, texts, vocab_size, n_positions)
    for stated in (texts, config, stated_apart):
        if stated is not None:
            check_caption_tokens(stated, limits)
    return CaptionerSettings(
        text=dataclasses.replace(
            described,
            hidden_dim=texts.integer("hidden_size", "d_model", "n_embd"),
            vocab_size=vocab_size,
            n_positions=n_positions,
            declared_length=None,
        ),
        processor=read_image_processor(checkpoint)
        or ImageProcessor(name=None, folder=checkpoint.inside),
        model_type=model_type,
        patch_size=pictures.integer("patch_size"),
        image_hidden_dim=pictures.integer("hidden_size"),
        image_layers=pictures.integer("num_hidden_layers"),
        generation=_generation(model_type, config, texts, stated_apart, limits),
        limits=limits,
    )


def picture_network(config: JsonFile) -> JsonFile:
    """Return what `config.json` says of the network for pictures."""
    found = config.part("vision_config")
    if config.values.get("model_type") == "vision-encoder-decoder":
        found = config.part("encoder")
    return found or JsonFile(config.name, {}, config.location)


def _check_joined(config: JsonFile) -> None:
    for part, supported in _JOINED.items():
        network = config.part(part)
        stated = None if network is None else network.text("model_type")
        if stated is None or stated.value != supported:
            raise UnsupportedCheckpointError(
                config.location,
                f"joins networks of which {part}.model_type is "
                f"{None if stated is None else stated.value!r}; captioners of this architecture are "
                f"run with {' and '.join(repr(name) for name in _JOINED.values())}",
            )
        attends = network.boolean("add_cross_attention") if network and part == "decoder" else None
        if network and attends and not attends.value:
            raise network.wrong("add_cross_attention", False, "true, since it reads pictures")


def _limits(
    model_type: str,
    texts: JsonFile,
    vocab_size: Setting[int] | None,
    n_positions: Setting[int] | None,
) -> CaptionLimits:
    if model_type in _OF_TEXTS:
        stated = texts.text("model_type")
        model_type = _OF_TEXTS[model_type] if stated is None else stated.value
    usual_words, usual_positions = USUAL_SIZES.get(model_type, (None, None))
    return CaptionLimits(
        vocab_size=usual_words if vocab_size is None else vocab_size.value,
        n_positions=usual_positions if n_positions is None else n_positions.value,
    )


def _generation(
    model_type: str,
    config: JsonFile,
    texts: JsonFile,
    stated_apart: JsonFile | None,
    limits: CaptionLimits,
) -> Mapping[str, Setting[Any]]:
    """Return what the file says that transformers' `generate` reads.

    Where the network that writes is part of another, that is its own configuration alone.

    Args:
        model_type: the model type.
        config: `config.json`.
        texts: the configuration of the network that writes.
        stated_apart: `GENERATION_FILE`, if there is one.
        limits: within what the settings must lie.
    """
    file, names = texts, _OF_NETWORK
    if model_type == "git":
        file, names = stated_apart or texts, _OF_FILE
    elif model_type == "vision-encoder-decoder":
        # What stands beside both networks counts before what stands in that for texts.
        of_texts = {name: texts.values[name] for name in _OF_FILE if name in texts.values}
        file = stated_apart or config.with_usual(of_texts, texts.name)
        names = _OF_FILE
    for name in names:
        value = file.values.get(name)
        expected = None if value is None else limits.expected(name, value)
        if expected is not None:
            raise file.wrong(name, value, expected)
    found: dict[str, Setting[Any] | None] = {
        name: file.integer(name) if name in _COUNTS else file.number(name)
        for name in names
        if name != "early_stopping"
    }
    return {name: setting for name, setting in found.items() if setting is not None}
