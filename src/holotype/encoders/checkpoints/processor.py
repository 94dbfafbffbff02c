"""What the files of a checkpoint say of how a picture becomes the numbers that a network reads.

`processor_config.json` goes before `preprocessor_config.json`, as in transformers. What a file
leaves out is the default of the class that it names; of a class that is not known here, only what
stands in the file counts.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.json_file import JsonFile, Setting
from holotype.encoders.checkpoints.modules import MODULES_FILE, module_entries
from holotype.encoders.checkpoints.open_clip import OPEN_CLIP_DEFAULTS
from holotype.encoders.checkpoints.settings import CONFIG_FILE
from holotype.errors import UnsupportedCheckpointError
from holotype.records import Colour, Resample

PROCESSOR_FILE = "processor_config.json"
IMAGE_PROCESSOR_FILE = "preprocessor_config.json"

_CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
_CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
_HALF = (0.5, 0.5, 0.5)
# Channels are from 0 to 1, or to 255.
_MOST_OF_A_CHANNEL = 1_000_000
_RESAMPLES: tuple[Resample, ...] = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")
"""Pillow's filters, by number."""
_BICUBIC, _BILINEAR, _LANCZOS = 3, 2, 1

_USUAL: Mapping[str, Any] = {
    "do_resize": True,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "do_center_crop": False,
    "resample": _BICUBIC,
    "square": True,
}
_CLIP: Mapping[str, Any] = {
    **_USUAL,
    "size": {"shortest_edge": 224},
    "square": False,
    "do_center_crop": True,
    "crop_size": {"height": 224, "width": 224},
    "image_mean": _CLIP_MEAN,
    "image_std": _CLIP_STD,
    "do_convert_rgb": True,
}
_TILES: Mapping[str, Any] = {
    **_USUAL,
    "size": {"longest_edge": 1456},
    "resample": _LANCZOS,
    "image_mean": _HALF,
    "image_std": _HALF,
    "do_convert_rgb": True,
    "do_image_splitting": True,
    "max_image_size": {"longest_edge": 364},
}
CLASSES: Mapping[str, Mapping[str, Any]] = {
    "CLIPImageProcessor": _CLIP,
    "ChineseCLIPImageProcessor": _CLIP,
    "BitImageProcessor": _CLIP,
    "BlipImageProcessor": {
        **_USUAL,
        "size": {"height": 384, "width": 384},
        "image_mean": _CLIP_MEAN,
        "image_std": _CLIP_STD,
        "do_convert_rgb": True,
    },
    "SiglipImageProcessor": {
        **_USUAL,
        "size": {"height": 224, "width": 224},
        "square": False,
        "image_mean": _HALF,
        "image_std": _HALF,
        "do_convert_rgb": True,
    },
    "Siglip2ImageProcessor": {
        **_USUAL,
        "resample": _BILINEAR,
        "image_mean": _HALF,
        "image_std": _HALF,
        "patch_size": 16,
        "max_num_patches": 256,
    },
    "ViTImageProcessor": {
        **_USUAL,
        "size": {"height": 224, "width": 224},
        "resample": _BILINEAR,
        "image_mean": _HALF,
        "image_std": _HALF,
    },
    "EfficientNetImageProcessor": {
        **_USUAL,
        "size": {"height": 346, "width": 346},
        "crop_size": {"height": 289, "width": 289},
        "image_mean": _HALF,
        "image_std": _HALF,
        "rescale_offset": False,
        "include_top": True,
    },
    "Qwen2VLImageProcessor": {
        **_USUAL,
        "size": {"shortest_edge": 3136, "longest_edge": 1_003_520},
        "square": False,
        "image_mean": _CLIP_MEAN,
        "image_std": _CLIP_STD,
        "do_convert_rgb": True,
        "patch_size": 14,
        "merge_size": 2,
    },
    "Idefics3ImageProcessor": _TILES,
    "SmolVLMImageProcessor": _TILES,
}
"""The defaults of transformers' classes, by the keys of their files; `square` says what a single
number as the size means: both sides, or the shorter one."""

_OF_PROCESSORS = {
    "CLIPProcessor": "CLIPImageProcessor",
    "ChineseCLIPProcessor": "ChineseCLIPImageProcessor",
    "SiglipProcessor": "SiglipImageProcessor",
    "Siglip2Processor": "Siglip2ImageProcessor",
    "BlipProcessor": "BlipImageProcessor",
    "Blip2Processor": "BlipImageProcessor",
    "GitProcessor": "CLIPImageProcessor",
    "AlignProcessor": "EfficientNetImageProcessor",
    "ColPaliProcessor": "SiglipImageProcessor",
    "ColQwen2Processor": "Qwen2VLImageProcessor",
    "ColModernVBertProcessor": "Idefics3ImageProcessor",
}
"""The class for pictures in each processor, where a file names only the latter."""
_OF_NETWORKS = {
    "clip": "CLIPImageProcessor",
    "metaclip_2": "CLIPImageProcessor",
    "chinese_clip": "ChineseCLIPImageProcessor",
    "siglip": "SiglipImageProcessor",
    "siglip2": "Siglip2ImageProcessor",
    "blip": "BlipImageProcessor",
    "blip-2": "BlipImageProcessor",
    "git": "CLIPImageProcessor",
    "align": "EfficientNetImageProcessor",
}
"""The class for pictures of each network, where no file names one."""
_BY_AREA = frozenset({"Qwen2VLImageProcessor"})
"""Classes whose size is the smallest and the largest area."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageProcessor:
    """What the files say of each field of `ImageReader`, without its prefix; None where nothing.

    Two are no such fields: `rounds_crop` says whether the corner of a crop is rounded to the
    nearest pixel, as OpenCLIP's library does it, and not down; `resizes` is False where a file says
    that pictures stay as large as they are, else None.

    Attributes:
        name: the class of transformers, without the suffix of a backend.
        folder: the folder of the files, relative to the checkpoint.
    """

    name: str | None
    folder: str
    size: Setting[tuple[int, int]] | None = None
    shortest_edge: Setting[int] | None = None
    longest_edge: Setting[int] | None = None
    max_patches: Setting[int] | None = None
    min_pixels: Setting[int] | None = None
    max_pixels: Setting[int] | None = None
    crop: Setting[tuple[int, ...]] | None = None
    tile_size: Setting[int] | None = None
    resample: Setting[Resample] | None = None
    rescale: Setting[float] | None = None
    mean: Setting[tuple[float, ...]] | None = None
    std: Setting[tuple[float, ...]] | None = None
    colour: Setting[Colour] | None = None
    patch_size: Setting[int] | None = None
    merge_size: Setting[int] | None = None
    tokens: Setting[int] | None = None
    rounds_crop: Setting[bool] | None = None
    resizes: Setting[bool] | None = None


def read_image_processor(checkpoint: Checkpoint) -> ImageProcessor | None:
    """Return what the files of a checkpoint say of pictures; None where they do not speak of them.

    Folders of sentence-transformers, old and new, are understood: the files may lie in the folder
    of the first module.

    Raises:
        CheckpointError: a file is damaged, or has a value of another type.
        UnsupportedCheckpointError: pictures are resized in a way that is not supported.
    """
    folder = _folder(checkpoint)
    if folder is None:
        return None
    whole = folder.json(PROCESSOR_FILE, optional=True)
    file = whole.part("image_processor") or folder.json(IMAGE_PROCESSOR_FILE, optional=True)
    name = _name(file, whole, folder)
    usual = CLASSES.get(name or "", {})
    source = f"the default of transformers' {name}"
    found = _processor(file.with_usual(usual, source), whole, name, folder.inside)
    rounds = Setting(True, OPEN_CLIP_DEFAULTS) if folder.is_open_clip else None
    return dataclasses.replace(found, rounds_crop=rounds)


def _folder(checkpoint: Checkpoint) -> Checkpoint | None:
    """Return the folder that has the files; None where there is none."""
    if has_processor(checkpoint):
        return checkpoint
    if not checkpoint.has(MODULES_FILE):
        return None
    parts = (checkpoint.part(path) for _, _, path in module_entries(checkpoint)[:1] if path)
    return next((part for part in parts if has_processor(part)), None)


def has_processor(folder: Checkpoint) -> bool:
    """Return whether a folder itself says how images are prepared."""
    whole = folder.json(PROCESSOR_FILE, optional=True)
    own = (
        folder.has(IMAGE_PROCESSOR_FILE) or folder.json(IMAGE_PROCESSOR_FILE, optional=True).values
    )
    return bool(own) or whole.part("image_processor") is not None


def _name(file: JsonFile, whole: JsonFile, folder: Checkpoint) -> str | None:
    """Return the class for pictures, without the suffix of a backend; None if nothing names it."""
    stated = file.text("image_processor_type", "feature_extractor_type")
    if stated is not None:
        name = stated.value.removesuffix("Fast").removesuffix("Pil")
        return name.replace("FeatureExtractor", "ImageProcessor")
    processor = file.text("processor_class") or whole.text("processor_class")
    if processor is not None and processor.value in _OF_PROCESSORS:
        return _OF_PROCESSORS[processor.value]
    network = folder.json(CONFIG_FILE, optional=True).text("model_type")
    return None if network is None else _OF_NETWORKS.get(network.value)


def _processor(values: JsonFile, whole: JsonFile, name: str | None, folder: str) -> ImageProcessor:
    known = name in CLASSES
    mean, std = _normalization(values)
    flag = values.boolean("do_resize")
    kept = flag if flag is not None and not flag.value else None
    resized = _resizing(values, name) if kept is None else {}
    splits = values.boolean("do_image_splitting")
    tile = values.part("max_image_size") if splits is not None and splits.value else None
    converts = values.boolean("do_convert_rgb")
    return ImageProcessor(
        name=name,
        folder=folder,
        **resized,
        resizes=kept,
        max_patches=values.integer("max_num_patches"),
        crop=_crop(values, known=known),
        tile_size=None if tile is None else tile.integer("longest_edge"),
        resample=_resample(values),
        rescale=_rescale(values, known=known),
        mean=mean,
        std=std,
        colour=Setting("RGB", values.source_of("do_convert_rgb"))
        if converts is not None and converts.value
        else None,
        patch_size=_patch_size(values),
        merge_size=values.integer("merge_size"),
        tokens=values.integer("image_seq_length", "image_seq_len")
        or whole.integer("image_seq_len", "image_seq_length", "num_query_tokens"),
    )


def _patch_size(values: JsonFile) -> Setting[int] | None:
    """Return the side of a patch; None where it is an object, as of processors for documents."""
    return (
        None if isinstance(values.values.get("patch_size"), dict) else values.integer("patch_size")
    )


def _resizing(values: JsonFile, name: str | None) -> dict[str, Any]:
    """Return the fields that say how pictures are resized."""
    size = values.values.get("size")
    file = values.source_of("size")
    least, most = values.integer("min_pixels"), values.integer("max_pixels")
    if name in _BY_AREA or least is not None or most is not None:
        sides = values.part("size") if isinstance(size, dict) else None
        return {
            "min_pixels": least or (sides and sides.integer("shortest_edge", "min_pixels")),
            "max_pixels": most or (sides and sides.integer("longest_edge", "max_pixels")),
        }
    if size is None:
        return {}
    if type(size) is int:
        square = values.values.get("square")
        if square is None:
            return {}
        return (
            {"size": Setting((size, size), file)} if square else _edge("shortest_edge", size, file)
        )
    if isinstance(size, list) and len(size) == 2 and all(type(side) is int for side in size):
        return {"size": Setting((size[0], size[1]), file)}
    if not isinstance(size, dict):
        raise values.wrong("size", size, "a number, two numbers, or an object with the sides")
    keys = {key for key, value in size.items() if value is not None}
    sides = values.part("size")
    height = sides.integer("height") if sides else None
    width = sides.integer("width") if sides else None
    if height is not None and width is not None:
        return {"size": Setting((height.value, width.value), file)}
    for edge in ("shortest_edge", "longest_edge"):
        if keys == {edge}:
            found = sides.integer(edge) if sides else None
            return {} if found is None else _edge(edge, found.value, file)
    raise UnsupportedCheckpointError(
        values.location,
        f"resizes pictures to {size!r}; supported are height and width, shortest_edge or "
        "longest_edge alone, min_pixels with max_pixels, and max_num_patches",
    )


def _edge(name: str, length: int, file: str) -> dict[str, Any]:
    return {name: Setting(length, file)}


def _crop(values: JsonFile, *, known: bool) -> Setting[tuple[int, ...]] | None:
    crops = values.boolean("do_center_crop")
    if crops is None:
        return None
    if not crops.value:
        return Setting((), values.source_of("do_center_crop"))
    size = values.values.get("crop_size")
    file = values.source_of("crop_size")
    if type(size) is int:
        return Setting((size, size), file)
    sides = values.part("crop_size")
    height = sides.integer("height") if sides else None
    width = sides.integer("width") if sides else None
    if height is None or width is None:
        if not known and size is None:
            return None
        raise values.wrong("crop_size", size, "a number, or an object with height and width")
    return Setting((height.value, width.value), file)


def _resample(values: JsonFile) -> Setting[Resample] | None:
    stated = values.values.get("resample")
    if stated is None:
        return None
    for number, name in enumerate(_RESAMPLES):
        if stated in (number, name) and not isinstance(stated, bool):
            return Setting(name, values.source_of("resample"))
    raise values.wrong("resample", stated, "the number of a filter of Pillow, from 0 to 5")


def _rescale(values: JsonFile, *, known: bool) -> Setting[float] | None:
    rescales = values.boolean("do_rescale")
    if rescales is not None and not rescales.value:
        return Setting(1.0, values.source_of("do_rescale"))
    factor = values.number("rescale_factor")
    return factor if known or rescales is not None else None


def _normalization(
    values: JsonFile,
) -> tuple[Setting[tuple[float, ...]] | None, Setting[tuple[float, ...]] | None]:
    """Return mean and deviation, so that they say all that is done after rescaling."""
    normalizes = values.boolean("do_normalize")
    mean, std = _channels(values, "image_mean"), _channels(values, "image_std")
    files = values.source_of("image_mean"), values.source_of("image_std")
    if std is not None and not all(std):
        raise values.wrong("image_std", values.values["image_std"], "numbers that are not 0")
    if normalizes is not None and not normalizes.value:
        mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
        files = (values.source_of("do_normalize"),) * 2
    offset = values.boolean("rescale_offset")
    if offset is not None and offset.value and mean is not None:
        # EfficientNet takes 1 from the rescaled values first.
        mean = tuple(channel + 1 for channel in mean)
    again = values.boolean("include_top")
    if again is not None and again.value and std is not None:
        # It divides by the deviation twice.
        std = tuple(channel * channel for channel in std)
    return (
        None if mean is None else Setting(mean, files[0]),
        None if std is None else Setting(std, files[1]),
    )


def _channels(values: JsonFile, key: str) -> tuple[float, ...] | None:
    stated = values.values.get(key)
    if stated is None:
        return None
    items: list[Any] | tuple[Any, ...] = (
        stated if isinstance(stated, list | tuple) else [stated] * 3
    )
    if len(items) != 3 or any(type(item) not in (int, float) for item in items):
        raise values.wrong(key, stated, "three numbers, one for each channel")
    # Not a number, which JSON of Python has, is neither above nor below anything.
    if not all(-_MOST_OF_A_CHANNEL <= item <= _MOST_OF_A_CHANNEL for item in items):
        raise values.wrong(key, stated, f"numbers of at most {_MOST_OF_A_CHANNEL:,}")
    return tuple(float(item) for item in items)
