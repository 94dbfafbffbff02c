"""What a checkpoint says of late interaction with pictures of pages."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.json_file import JsonFile, Setting
from holotype.encoders.checkpoints.processor import (
    PROCESSOR_FILE,
    ImageProcessor,
    read_image_processor,
)
from holotype.encoders.checkpoints.settings import (
    CONFIG_FILE,
    LIBRARY_FILE,
    CheckpointSettings,
    describe_checkpoint,
    find_transformer_file,
)
from holotype.errors import UnsupportedCheckpointError

VISUAL: Mapping[str, str] = {
    "colmodernvbert": "ColModernVBertForRetrieval",
    "colpali": "ColPaliForRetrieval",
    "colqwen2": "ColQwen2ForRetrieval",
    "idefics3": "ColIdefics3",
}
"""The class by the model type; tests compare each with it.

They are classes of transformers, but for that of ColSmol, which colpali-engine adds to a network of
transformers and saves under its model type.
"""
IN_TILES: Mapping[str, Mapping[str, int]] = {
    "colmodernvbert": {"image_size": 224, "patch_size": 16, "pixel_shuffle_factor": 4},
    "idefics3": {"image_size": 224, "patch_size": 32, "scale_factor": 2},
}
"""The architectures that cut a page into tiles, with transformers' sizes where no file states them.

The last says how many vectors beside and below each other become one.
"""
USUAL_DIM = 128
"""The width of the vectors of all of them where no file states it."""
_WITHOUT_PROJECTION = ("idefics3", "modernvbert", "smolvlm")
_PROJECTIONS = ("embedding_proj_layer.weight", "linear.weight")


@dataclass(frozen=True, slots=True, kw_only=True)
class VisualSettings:
    """What the files say.

    Attributes:
        text: what they say of the language model, and of the checkpoint.
        processor: how pictures are prepared.
        model_type: the architecture, as `config.json` calls it.
        dim: the width of the vectors.
        patch_size: the side of a patch, in pixels.
        query_prompt: the text before every query.
        image_prompt: the text that goes with every picture.
        image_hidden_dim: the width of the network for pictures.
        image_layers: how many layers it has.
        tile_size: the side of the tiles that it reads, in pixels; None for whole pictures.
    """

    text: CheckpointSettings
    processor: ImageProcessor
    model_type: str
    dim: Setting[int] | None
    patch_size: Setting[int] | None
    query_prompt: Setting[str] | None
    image_prompt: Setting[str] | None
    image_hidden_dim: Setting[int] | None
    image_layers: Setting[int] | None
    tile_size: Setting[int] | None = None


def is_visual(checkpoint: Checkpoint) -> bool:
    """Return whether a checkpoint is that of late interaction with pictures."""
    config = checkpoint.json(CONFIG_FILE, optional=True)
    stated = config.text("model_type")
    return stated is not None and stated.value in VISUAL and not _lacks_projection(config)


def refuse_unprojected(checkpoint: Checkpoint) -> None:
    """Refuse a network that reads pages, but has no projection for late interaction.

    Raises:
        UnsupportedCheckpointError: it is one.
    """
    config = checkpoint.json(CONFIG_FILE, optional=True)
    if _lacks_projection(config):
        raise UnsupportedCheckpointError(
            config.location,
            f"is of the architecture {config.values['model_type']!r}, a network without the "
            "projection of late interaction; models for pages that are run: "
            f"{', '.join(VISUAL.values())}",
        )


def _lacks_projection(config: JsonFile) -> bool:
    stated, classes = config.text("model_type"), config.texts("architectures")
    if stated is None or stated.value not in _WITHOUT_PROJECTION:
        return False
    own = VISUAL.get(stated.value)
    return own is None or classes is None or own not in classes.value


def read_visual(checkpoint: Checkpoint) -> VisualSettings:
    """Read every file of such a checkpoint that says how it is run; no weights.

    Raises:
        CheckpointError: a file is missing or damaged, or says something that is not supported.
    """
    config = checkpoint.json(CONFIG_FILE)
    empty = JsonFile(config.name, {}, config.location)
    model_type = str(config.values["model_type"])
    both = config.part("vlm_config") or (config if model_type == "idefics3" else empty)
    texts, pictures = both.part("text_config") or both, both.part("vision_config") or empty
    tiles = IN_TILES.get(model_type, {})
    processor = checkpoint.json(PROCESSOR_FILE, optional=True)
    described = describe_checkpoint(
        checkpoint,
        "",
        format="transformers",
        library=JsonFile(LIBRARY_FILE, {}, checkpoint.where(LIBRARY_FILE)),
        modules=None,
        transformer=find_transformer_file(checkpoint),
    )
    return VisualSettings(
        text=dataclasses.replace(
            described,
            hidden_dim=texts.integer("hidden_size"),
            vocab_size=texts.integer("vocab_size"),
            n_positions=texts.integer("max_position_embeddings"),
            declared_length=None,
        ),
        processor=_processor(checkpoint, both, tiles),
        model_type=model_type,
        dim=_dim(checkpoint) or config.integer("embedding_dim") or Setting(USUAL_DIM, CONFIG_FILE),
        patch_size=pictures.integer("patch_size") or _usual(tiles, "patch_size"),
        query_prompt=processor.text("query_prefix"),
        image_prompt=processor.text("visual_prompt_prefix"),
        image_hidden_dim=pictures.integer("embed_dim", "hidden_size"),
        image_layers=pictures.integer("depth", "num_hidden_layers"),
        tile_size=(pictures.integer("image_size") or _usual(tiles, "image_size"))
        if tiles
        else None,
    )


def _processor(
    checkpoint: Checkpoint, network: JsonFile, tiles: Mapping[str, int]
) -> ImageProcessor:
    """Return how pictures are prepared; how many patches become a vector, the network says."""
    found = read_image_processor(checkpoint) or ImageProcessor(name=None, folder=checkpoint.inside)
    if not tiles:
        return found
    factor = list(tiles)[-1]
    stated = network.integer(factor)
    return dataclasses.replace(found, merge_size=stated or _usual(tiles, factor))


def _usual(tiles: Mapping[str, int], name: str) -> Setting[int] | None:
    return Setting(tiles[name], CONFIG_FILE) if tiles else None


def _dim(checkpoint: Checkpoint) -> Setting[int] | None:
    for name, header in checkpoint.headers.items():
        for projection in _PROJECTIONS:
            if projection in header and header[projection].shape:
                return Setting(header[projection].shape[0], name)
    return None
