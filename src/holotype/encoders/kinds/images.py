"""How a picture becomes what a network reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Resample: TypeAlias = Literal["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]
"""The filters by which Pillow resizes."""
Transparency: TypeAlias = Literal["white", "black", "drop"]
Orientation: TypeAlias = Literal["exif", "stored"]


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
