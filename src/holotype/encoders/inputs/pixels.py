"""From the pixels of a picture to the numbers that a network reads.

Every step is that of transformers' processors on Pillow, bit for bit, without the copies between
them: a picture is resized as it was decoded, and only the small result becomes an array.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from holotype.encoders.inputs.images import MAX_PIXELS, Picture, decode
from holotype.encoders.inputs.resizing import Resizer, find_kernels
from holotype.encoders.inputs.rows import PictureRow, Reading
from holotype.encoders.kinds.images import PixelSettings
from holotype.errors import ImageError


@dataclass(frozen=True, slots=True)
class PictureReader:
    """Decodes and prepares the pictures of a window, on as many threads as there are cores.

    Attributes:
        settings: how a picture becomes numbers.
        kernels: what `find_kernels` returns.
    """

    settings: PixelSettings
    kernels: Any = field(default_factory=find_kernels)

    @property
    def max_length(self) -> None:
        """Pictures are never cut."""
        return

    def size(self, picture: Picture) -> int:
        """Return 0: windows of pictures are bounded by their number."""
        del picture
        return 0

    def read(self, pictures: Sequence[Picture]) -> Reading[PictureRow]:
        """Return the rows of pictures.

        Raises:
            ImageError: a picture cannot be read; its index is that among these.
        """
        n_threads = min(n_cores(), len(pictures))
        indices = range(len(pictures))
        if n_threads < 2:
            # The cores that have no picture of their own help with the only one.
            rows = [self._row(at, pictures[at], n_cores()) for at in indices]
        else:
            with ThreadPoolExecutor(n_threads, thread_name_prefix="holotype-picture") as threads:
                rows = list(threads.map(self._row, indices, pictures))
        return Reading(rows, [0] * len(rows))

    def _row(self, index: int, picture: Picture, n_threads: int = 1) -> PictureRow:
        try:
            resizer = Resizer(n_threads, self.kernels)
            return prepare(decode(picture, self.settings), self.settings, resizer)
        except ImageError as error:
            raise error.at(index) from error


def pictures_at_once() -> int:
    """Return how many pictures make a window: enough to keep all cores busy, in little memory."""
    return max(_LEAST_AT_ONCE, _EACH_CORE * n_cores())


_LEAST_AT_ONCE, _EACH_CORE = 32, 4


def n_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


_BY_PILLOW = Resizer()


def prepare(
    image: Image.Image, settings: PixelSettings, resizer: Resizer = _BY_PILLOW
) -> PictureRow:
    """Resize, crop, rescale and normalise a picture.

    Args:
        image: mode RGB.
        settings: how.
        resizer: what resizes it.

    Raises:
        ImageError: it is so narrow that resizing would make it too large.
    """
    if settings.tile_size is not None:
        return _tiles(image, settings, settings.tile_size, resizer)
    levels = np.asarray(_cropped(_resized(image, settings, resizer), settings))
    if settings.max_patches is not None:
        return _patches(levels, settings)
    if settings.max_pixels is not None:
        return _merged_patches(levels, settings)
    n_tokens = 1
    if settings.patch_size:
        n_tokens = (levels.shape[0] // settings.patch_size) * (
            levels.shape[1] // settings.patch_size
        )
    return PictureRow(_normalized(levels, settings), n_tokens)


def _resized(image: Image.Image, settings: PixelSettings, resizer: Resizer) -> Image.Image:
    target = target_size(image.height, image.width, settings)
    return image if target is None else _resize(image, target, settings, resizer)


def _resize(
    image: Image.Image, size: tuple[int, int], settings: PixelSettings, resizer: Resizer
) -> Image.Image:
    height, width = size
    if height * width > MAX_PIXELS:
        raise ImageError(
            f"is {image.width:,} by {image.height:,} pixels, and would be {width:,} by {height:,} "
            "where its network reads it; crop it first"
        )
    return resizer.resize(image, (width, height), settings.resample)


def target_size(height: int, width: int, settings: PixelSettings) -> tuple[int, int] | None:
    """Return the height and width to which a picture is resized; None where it is not."""
    if settings.size is not None:
        return settings.size
    if settings.shortest_edge is not None:
        return _by_shortest(height, width, settings.shortest_edge)
    if settings.max_patches is not None and settings.patch_size is not None:
        return _by_patches(height, width, settings.patch_size, settings.max_patches)
    if settings.max_pixels is not None:
        side = (settings.patch_size or 1) * (settings.merge_size or 1)
        return _by_area(height, width, side, settings.min_pixels or 1, settings.max_pixels)
    return None


def _by_shortest(height: int, width: int, edge: int) -> tuple[int, int]:
    # The order of the operations is that of the reference, since they round.
    if width <= height:
        return int(edge * height / width), edge
    return edge, int(edge * width / height)


_FINEST = 1e-5
_LARGEST_SCALE = 100.0


def _by_patches(height: int, width: int, patch: int, most: int) -> tuple[int, int]:
    """Return the largest size of about this shape whose patches are at most so many.

    The scale is found by halving, in the steps of the reference, which end at that of rounding.
    """

    def scaled(scale: float, side: int) -> int:
        return max(patch, math.ceil(side * scale / patch) * patch)

    low, high = _FINEST / 10, _LARGEST_SCALE
    while high - low >= _FINEST:
        middle = (low + high) / 2
        n_patches = (scaled(middle, height) / patch) * (scaled(middle, width) / patch)
        low, high = (middle, high) if n_patches <= most else (low, middle)
    return scaled(low, height), scaled(low, width)


_NARROWEST = 200


def _by_area(height: int, width: int, side: int, least: int, most: int) -> tuple[int, int]:
    """Return the size of about this shape whose area lies between both, in multiples of a side.

    Raises:
        ImageError: it is narrower than such networks read pictures.
    """
    if max(height, width) > _NARROWEST * min(height, width):
        raise ImageError(
            f"is {width:,} by {height:,} pixels; expected a longer side of at most {_NARROWEST} times "
            "the shorter one"
        )
    rows, columns = round(height / side) * side, round(width / side) * side
    if rows * columns > most:
        scale = math.sqrt(height * width / most)
        rows = max(side, math.floor(height / scale / side) * side)
        columns = max(side, math.floor(width / scale / side) * side)
    elif rows * columns < least:
        scale = math.sqrt(least / (height * width))
        rows = math.ceil(height * scale / side) * side
        columns = math.ceil(width * scale / side) * side
    return rows, columns


_LONGEST = 4096
"""The longest side of a picture that is cut into tiles, whatever its settings say."""


def _by_longest(height: int, width: int, edge: int) -> tuple[int, int]:
    """Return the size of about this shape whose longer side is an edge; the other one is even."""
    height, width = _to_edge(height, width, edge)
    if width >= height:
        height += height % 2
    else:
        width += width % 2
    height, width = max(height, 1), max(width, 1)
    if max(height, width) <= _LONGEST:
        return height, width
    height, width = _to_edge(height, width, _LONGEST)
    return max(height, 1), max(width, 1)


def _to_edge(height: int, width: int, edge: int) -> tuple[int, int]:
    # The order of the operations is that of the reference, since they round.
    ratio = width / height
    if width >= height:
        return int(edge / ratio), edge
    return edge, int(edge * ratio)


def _by_tiles(height: int, width: int, side: int) -> tuple[int, int]:
    """Return the size of about this shape whose sides are multiples of that of a tile."""
    ratio = width / height
    if width >= height:
        width = math.ceil(width / side) * side
        height = math.ceil(int(width / ratio) / side) * side
    else:
        height = math.ceil(height / side) * side
        width = math.ceil(int(height * ratio) / side) * side
    return height, width


def _tiles(image: Image.Image, settings: PixelSettings, side: int, resizer: Resizer) -> PictureRow:
    """Cut a picture into tiles, row by row, after which it follows as a whole in the size of one.

    It is resized twice before: to its longest edge, then to a multiple of the tiles.
    """
    if settings.longest_edge is not None:
        longest = _by_longest(image.height, image.width, settings.longest_edge)
        image = _resize(image, longest, settings, resizer)
    image = _resize(image, _by_tiles(image.height, image.width, side), settings, resizer)
    rows, columns = image.height // side, image.width // side
    if rows == columns == 1:
        rows = columns = 0
    corners = [(row * side, column * side) for row in range(rows) for column in range(columns)]
    pixels = np.empty((len(corners) + 1, 3, side, side), dtype=np.float32)
    levels = np.asarray(image)
    for at, (top, left) in enumerate(corners):
        tile = levels[top : top + side, left : left + side]
        pixels[at] = _normalized(tile, settings)
    whole = np.asarray(_resize(image, (side, side), settings, resizer))
    pixels[-1] = _normalized(whole, settings)
    n_patches = (side // (settings.patch_size or side)) ** 2
    return PictureRow(pixels, len(pixels) * n_patches, (rows, columns))


def _cropped(image: Image.Image, settings: PixelSettings) -> Image.Image:
    if settings.crop is None:
        return image
    height, width = settings.crop
    top, left = image.height - height, image.width - width
    if settings.rounds_crop:
        top, left = round(top / 2), round(left / 2)
    else:
        top, left = top // 2, left // 2
    # What is smaller than the crop gets black edges.
    if top < 0 or left < 0:
        return _padded(image, height, width)
    return image.crop((left, top, left + width, top + height))


def _padded(image: Image.Image, height: int, width: int) -> Image.Image:
    whole = max(height, image.height), max(width, image.width)
    top, left = math.ceil((whole[0] - image.height) / 2), math.ceil((whole[1] - image.width) / 2)
    behind = Image.new("RGB", (whole[1], whole[0]))
    behind.paste(image, (left, top))
    up, before = (image.height - height) // 2 + top, (image.width - width) // 2 + left
    return behind.crop((before, up, before + width, up + height))


def _normalized(levels: NDArray[np.uint8], settings: PixelSettings) -> NDArray[np.float32]:
    """Return what a network reads of each level: float32 ``[3, height, width]``."""
    table = _table(settings.rescale, settings.mean, settings.std)
    found = np.empty((3, *levels.shape[:2]), dtype=np.float32)
    for channel in range(3):
        np.take(table[channel], levels[:, :, channel], out=found[channel], mode="clip")
    return found


@cache
def _table(
    rescale: float, mean: tuple[float, float, float], std: tuple[float, float, float]
) -> NDArray[np.float32]:
    """Return what becomes of every level of each channel: float32 ``[3, 256]``."""
    levels = (np.arange(256, dtype=np.float64) * rescale).astype(np.float32)
    subtracted = levels[None] - np.asarray(mean, dtype=np.float32)[:, None]
    table: NDArray[np.float32] = subtracted / np.asarray(std, dtype=np.float32)[:, None]
    return table


def _patches(levels: NDArray[np.uint8], settings: PixelSettings) -> PictureRow:
    side = settings.patch_size or 1
    rows, columns = levels.shape[0] // side, levels.shape[1] // side
    values = _normalized(levels, settings).reshape(3, rows, side, columns, side)
    patches = values.transpose(1, 3, 2, 4, 0).reshape(rows * columns, side * side * 3)
    return PictureRow(np.ascontiguousarray(patches), rows * columns, (rows, columns))


# Networks that read videos, too, take a picture for two frames.
_FRAMES = 2


def _merged_patches(levels: NDArray[np.uint8], settings: PixelSettings) -> PictureRow:
    """Return patches in the order of the squares that become one vector each."""
    side, merged = settings.patch_size or 1, settings.merge_size or 1
    rows, columns = levels.shape[0] // side, levels.shape[1] // side
    values = _normalized(levels, settings).reshape(
        3, rows // merged, merged, side, columns // merged, merged, side
    )
    ordered = values.transpose(1, 4, 2, 5, 0, 3, 6)[:, :, :, :, :, None]
    shape = (*ordered.shape[:5], _FRAMES, *ordered.shape[6:])
    patches = np.broadcast_to(ordered, shape).reshape(rows * columns, -1)
    n_tokens = rows * columns // merged**2
    return PictureRow(np.ascontiguousarray(patches), n_tokens, (rows, columns))
