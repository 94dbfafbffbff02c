"""How a picture becomes what a network reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.json_file import Setting
from holotype.encoders.checkpoints.processor import (
    ImageProcessor,
    has_processor,
    read_image_processor,
)
from holotype.encoders.kinds.merge import Comparer
from holotype.errors import UnsupportedCheckpointError, UnsupportedModelError
from holotype.records import ImageReader, Orientation, Resample, Transparency


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelSettings:
    """How a picture becomes numbers; all of it decides the vectors.

    One of `size`, `shortest_edge`, `longest_edge`, `max_patches` and `max_pixels` says how it is
    resized; where none does, it must have the size of the crop already. Sizes are in pixels, height
    first.

    Attributes:
        resample: the filter by which it is resized.
        rescale: the factor of the levels from 0 to 255.
        mean: what is subtracted from each channel after that.
        std: what each channel is divided by at last.
        transparency: the colour on which transparent pixels are laid; ``drop`` shows the colour
            that they hide.
        orientation: whether a picture is turned as its EXIF data say, or read as it is stored.
        size: the height and width of the result, whatever the shape of the picture.
        shortest_edge: the length of the shorter side; the shape stays.
        longest_edge: the length of the longer side; the shape stays.
        max_patches: as many patches as fit this number; the shape stays, to a patch.
        min_pixels: the least area, where `max_pixels` is the largest; the shape stays.
        max_pixels: see `min_pixels`.
        crop: the height and width of the part in the middle that is kept; None keeps all.
        patch_size: the side of a patch.
        merge_size: the patches on the side of a square that becomes one vector.
        tile_size: the side of the squares into which a picture is cut; None cuts none.
        rounds_crop: whether the corner of the crop is rounded to the nearest pixel, halves to even
            ones, and not down.
    """

    resample: Resample
    rescale: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    transparency: Transparency
    orientation: Orientation
    size: tuple[int, int] | None = None
    shortest_edge: int | None = None
    longest_edge: int | None = None
    max_patches: int | None = None
    min_pixels: int | None = None
    max_pixels: int | None = None
    crop: tuple[int, int] | None = None
    patch_size: int | None = None
    merge_size: int | None = None
    tile_size: int | None = None
    rounds_crop: bool = False

    @property
    def shown(self) -> str:
        """How large a picture becomes, in words."""
        named = {name: getattr(self, name) for name in (*_WAYS, "crop")}
        return ", ".join(f"{name} {value}" for name, value in named.items() if value is not None)


_WAYS = ("size", "shortest_edge", "longest_edge", "max_patches", "max_pixels")
_OTHERS = ("min_pixels", "tile_size", "patch_size", "merge_size", "tokens")
_RESCALE = 1 / 255


def compare_pixels(
    comparer: Comparer,
    record: ImageReader,
    processor: ImageProcessor,
    *,
    patch_size: Setting[int] | None,
    location: str,
) -> PixelSettings:
    """Compare what a record and a checkpoint say of pictures, and return what holds.

    Args:
        comparer: keeps the comparisons.
        record: the model.
        processor: what the files of its folder say.
        patch_size: the side of a patch, as the network's configuration says.
        location: what messages call that folder.

    Raises:
        UnsupportedModelError: neither says how pictures are resized or normalised, or they are
            resized in a way that is not supported.
        UnsupportedCheckpointError: the channels of pictures are in another order.
    """

    def choose(name: str, usual: Any = None) -> Any:
        ours = getattr(record, f"image_{name}")
        theirs = _stated(processor, name, ours)
        if name == "patch_size":
            theirs = theirs or patch_size
        return comparer.choose(f"image_{name}", ours, theirs, usual)

    colour = choose("colour", "RGB")
    if colour != "RGB":
        raise UnsupportedCheckpointError(
            location, f"reads pictures with the channels {colour!r}; supported is 'RGB'"
        )
    ways = {name: choose(name) for name in _WAYS}
    known = {name: choose(name) for name in ("resample", "mean", "std")}
    missing = [f"image_{name}" for name, value in known.items() if value is None]
    if all(value is None for value in ways.values()) and choose("crop") in (None, ()):
        missing.append("image_size or image_shortest_edge")
    if missing:
        raise UnsupportedModelError(
            record.id,
            "neither the catalogue nor the checkpoint says how pictures are prepared, and a guess "
            f"would be silently wrong; load a record with {', '.join(missing)}",
        )
    others = {name: choose(name) for name in _OTHERS}
    del others["tokens"]
    if ways["longest_edge"] is not None and others["tile_size"] is None:
        raise UnsupportedModelError(
            record.id,
            "its pictures are resized by their longest edge, which is supported only where they are "
            "then cut into tiles (image_tile_size)",
        )
    return PixelSettings(
        resample=known["resample"],
        rescale=float(choose("rescale", _RESCALE)),
        mean=_three(known["mean"]),
        std=_three(known["std"]),
        transparency=choose("transparency", "white"),
        orientation=choose("orientation", "exif"),
        crop=choose("crop") or None,
        rounds_crop=processor.rounds_crop is not None and processor.rounds_crop.value,
        **ways,
        **others,
    )


def compare_stated_pixels(comparer: Comparer, record: ImageReader, folder: Checkpoint) -> None:
    """Compare what the files say of pictures, if anything, of a model that is not known to be run.

    Args:
        comparer: keeps the comparisons.
        record: the model.
        folder: the folder of the network.
    """
    processor = read_image_processor(folder) if has_processor(folder) else None
    if processor is None:
        return
    for name in ("colour", *_WAYS, "crop", "resample", "rescale", "mean", "std", *_OTHERS):
        ours = getattr(record, f"image_{name}")
        comparer.choose(f"image_{name}", ours, _stated(processor, name, ours))


def _stated(processor: ImageProcessor, name: str, ours: Any) -> Setting[Any] | None:
    """Return what the files say of a field; of resizing, also where they say it in another way."""
    # No file states what becomes of transparency and orientation.
    theirs: Setting[Any] | None = getattr(processor, name, None)
    if theirs is None and ours is not None and name in _WAYS:
        return _other_way(processor)
    return theirs


def _other_way(processor: ImageProcessor) -> Setting[str] | None:
    for name in _WAYS:
        found: Setting[Any] | None = getattr(processor, name)
        if found is not None:
            return Setting(f"image_{name} {found.value}", found.file)
    kept = processor.resizes
    return None if kept is None else Setting("pictures as large as they are", kept.file)


def _three(values: tuple[float, ...]) -> tuple[float, float, float]:
    first, second, third = (float(value) for value in values)
    return first, second, third
