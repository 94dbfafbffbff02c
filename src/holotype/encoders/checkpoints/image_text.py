"""What a checkpoint says of a model with one network for texts and one for pictures."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.json_file import JsonFile, Setting
from holotype.encoders.checkpoints.modules import MODULES_FILE, module_entries
from holotype.encoders.checkpoints.processor import (
    ImageProcessor,
    has_processor,
    read_image_processor,
)
from holotype.encoders.checkpoints.safetensors import read_number
from holotype.encoders.checkpoints.settings import (
    CONFIG_FILE,
    LIBRARY_FILE,
    CheckpointSettings,
    describe_checkpoint,
    find_transformer_file,
    refuse_arguments,
)
from holotype.errors import UnsupportedCheckpointError, WrongKindError

CLIP_MODULE = "CLIPModel"
"""The module in which older versions of sentence-transformers keep such a model."""
_TRANSFORMER = "Transformer"
_FEATURES = {
    "text": {"method": "get_text_features", "method_output_name": "pooler_output"},
    "image": {"method": "get_image_features", "method_output_name": "pooler_output"},
}
TOKENIZER_FILE = "tokenizer_config.json"
# The tensors whose first axis is the width of the vectors, or how many positions a text has.
_PROJECTIONS = ("text_projection.weight", "text_model.head.weight")
_POSITIONS = "text_model.embeddings.position_embedding.weight"

IMAGE_TEXT = frozenset({"align", "chinese_clip", "clip", "metaclip_2", "siglip", "siglip2"})
"""The model types with both networks; tests compare each with transformers."""
NOT_RUN = frozenset(
    {"altclip", "blip", "flava", "groupvit", "jina_clip", "tipsv2", "vision-text-dual-encoder"}
)
"""Further model types with both, which are refused by name."""
_OWN_CODE = {
    "jina_clip": "whose networks are code of its own repository and no part of transformers",
    "nomic_bert": "whose network for pictures is code of its own repository; that of transformers "
    "reads texts",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageTextSettings:
    """What the files say.

    Attributes:
        text: what they say of the network for texts, and of the checkpoint.
        processor: how pictures are prepared.
        model_type: the architecture, as `config.json` calls it.
        dim: the width of the vectors.
        patch_size: the side of a patch, in pixels.
        image_hidden_dim: the width of the network for pictures.
        image_layers: how many layers it has.
        normalize: whether vectors are scaled to length 1, as a module says.
        tokenizer_class: the class that the tokenizer's file names.
        logit_scale: the factor of cosines, as the weights have it.
        logit_bias: what is added to them.
        has_scale: whether the weights have both, also where only their headers are at hand.
    """

    text: CheckpointSettings
    processor: ImageProcessor
    model_type: str
    dim: Setting[int] | None
    patch_size: Setting[int] | None
    image_hidden_dim: Setting[int] | None
    image_layers: Setting[int] | None
    normalize: Setting[bool] | None
    tokenizer_class: str | None
    logit_scale: Setting[float] | None
    logit_bias: Setting[float] | None
    has_scale: bool = False


def reads_pictures_alone(checkpoint: Checkpoint) -> bool:
    """Return whether a checkpoint is a network for pictures beside one of Nomic's for texts.

    Both have one model type; only that for pictures says how they are prepared.
    """
    stated = checkpoint.json(CONFIG_FILE, optional=True).text("model_type")
    return stated is not None and stated.value == "nomic_bert" and has_processor(checkpoint)


def network_folder(checkpoint: Checkpoint) -> str:
    """Return the folder of the networks, relative to the checkpoint.

    Raises:
        CheckpointError: `modules.json` is damaged.
    """
    if not checkpoint.has(MODULES_FILE):
        return ""
    found = [path for _, kind, path in module_entries(checkpoint) if kind in _HOLDERS]
    return found[0] if found else ""


_HOLDERS = (CLIP_MODULE, _TRANSFORMER)


def read_image_text(checkpoint: Checkpoint) -> ImageTextSettings:
    """Read every file of such a checkpoint that says how it is run; no weights but two numbers.

    Raises:
        CheckpointError: a file is missing or damaged, or says something that is not supported.
        UnsupportedCheckpointError: its networks are code of its own, or a setting is not supported.
        WrongKindError: it is a model of another kind.
    """
    within = network_folder(checkpoint)
    folder = checkpoint.part(within)
    config = folder.json(CONFIG_FILE)
    model_type = config.text("model_type")
    texts, pictures = _parts(config)
    if model_type is None or model_type.value not in IMAGE_TEXT or texts is None:
        named = None if model_type is None else model_type.value
        if named in _OWN_CODE and (named != "nomic_bert" or reads_pictures_alone(folder)):
            raise UnsupportedCheckpointError(
                config.location, f"is of the architecture {named!r}, {_OWN_CODE[named]}"
            )
        raise WrongKindError(
            config.location,
            f"is of the architecture {named!r}; expected one with a network for texts and one for "
            f"pictures: {', '.join(sorted(IMAGE_TEXT))}",
        )
    normalize = _read_modules(checkpoint)
    transformer = find_transformer_file(folder)
    _check_module(transformer)
    described = describe_checkpoint(
        checkpoint,
        within,
        format="sentence-transformers" if checkpoint.has(MODULES_FILE) else "transformers",
        library=checkpoint.json(LIBRARY_FILE, optional=True),
        modules=None,
        transformer=transformer,
    )
    tokenizer = folder.json(TOKENIZER_FILE, optional=True).text("tokenizer_class")
    return ImageTextSettings(
        text=dataclasses.replace(
            described,
            hidden_dim=texts.integer("hidden_size"),
            vocab_size=texts.integer("vocab_size"),
            n_positions=_rows(folder, _POSITIONS) or texts.integer("max_position_embeddings"),
            declared_length=None,
        ),
        processor=read_image_processor(folder) or ImageProcessor(name=None, folder=folder.inside),
        patch_size=pictures.integer("patch_size") if pictures else None,
        model_type=model_type.value,
        dim=_dim(folder, config, texts),
        image_hidden_dim=pictures.integer("hidden_size") if pictures else None,
        image_layers=pictures.integer("num_hidden_layers") if pictures else None,
        normalize=normalize,
        tokenizer_class=tokenizer.value if tokenizer else None,
        # ALIGN has the inverse of a factor in place of its logarithm.
        logit_scale=_number(folder, "logit_scale", math.exp)
        or _number(folder, "temperature", lambda value: 1 / value),
        logit_bias=_number(folder, "logit_bias", float),
        has_scale=_has_tensors(folder, ("logit_scale", "logit_bias")),
    )


def _parts(config: JsonFile) -> tuple[JsonFile | None, JsonFile | None]:
    return config.part("text_config"), config.part("vision_config")


def _read_modules(checkpoint: Checkpoint) -> Setting[bool] | None:
    """Return whether a module normalises vectors; None where no modules are listed.

    Raises:
        UnsupportedCheckpointError: another module changes the vectors.
    """
    if not checkpoint.has(MODULES_FILE):
        return None
    kinds = [kind for _, kind, _ in module_entries(checkpoint)]
    if not kinds or kinds[0] not in _HOLDERS or any(kind != "Normalize" for kind in kinds[1:]):
        raise UnsupportedCheckpointError(
            checkpoint.where(MODULES_FILE),
            f"lists the modules {', '.join(kinds)}; supported are {CLIP_MODULE} or {_TRANSFORMER}, "
            "and Normalize after it",
        )
    return Setting(len(kinds) > 1, MODULES_FILE)


def _check_module(file: JsonFile) -> None:
    """Refuse settings of sentence-transformers by which vectors would be others."""
    stated = file.values.get("modality_config")
    modalities = stated if isinstance(stated, dict) else {}
    for name, expected in _FEATURES.items():
        if stated is not None and modalities.get(name) != expected:
            raise UnsupportedCheckpointError(
                file.location,
                f"'modality_config' reads {name} as {modalities.get(name)!r}; supported is {expected}",
            )
    refuse_arguments(file)
    if file.values.get("processing_kwargs"):
        raise UnsupportedCheckpointError(
            file.location, "processing_kwargs changes how inputs are read, which is not supported"
        )


def _rows(folder: Checkpoint, name: str) -> Setting[int] | None:
    for file in folder.weight_names():
        header = folder.headers.get(folder.part(file).inside, {})
        if name in header and header[name].shape:
            return Setting(header[name].shape[0], folder.part(file).inside)
    return None


def _has_tensors(folder: Checkpoint, names: tuple[str, ...]) -> bool:
    known = {name for header in folder.headers.values() for name in header}
    return known.issuperset(names)


def _dim(folder: Checkpoint, config: JsonFile, texts: JsonFile) -> Setting[int] | None:
    found = (_rows(folder, name) for name in _PROJECTIONS)
    by_weights = next((rows for rows in found if rows is not None), None)
    # SigLIP names the width of its head for texts only where it is not that of the network.
    own = texts.integer("projection_size", "hidden_size")
    of_siglip = own if str(config.values.get("model_type")).startswith("siglip") else None
    return by_weights or config.integer("projection_dim") or of_siglip


def _number(
    folder: Checkpoint, name: str, meaning: Callable[[float], float]
) -> Setting[float] | None:
    """Return a parameter that is one number; None where no weights are at hand or they lack it."""
    for file in folder.weight_names():
        path = folder.folder / file
        if path.is_file() and name in folder.header(file):
            return Setting(meaning(read_number(path, name)), folder.part(file).inside)
    return None
