"""Resizing with the values of Pillow: by Pillow itself, or by the kernels if they are installed."""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from holotype.encoders.kernels import kernels

Size: TypeAlias = tuple[int, int]
"""The width and height of a picture, as Pillow has them."""
_Axis: TypeAlias = Literal["rows", "columns"]

FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "hamming": Image.Resampling.HAMMING,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
"""Pillow's filters by the names that settings have for them."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Resizer:
    """Gives pictures another size.

    Attributes:
        n_threads: how many threads share a picture.
        kernels: the module that `find_kernels` returns; None for Pillow alone.
    """

    n_threads: int = 1
    kernels: Any = None

    def resize(self, image: Image.Image, size: Size, filter_name: str) -> Image.Image:
        """Return an image of mode RGB in another size; the values are those of `Image.resize`.

        Args:
            image: mode RGB.
            size: the new width and height.
            filter_name: one of `FILTERS`.
        """
        if image.size == size:
            return image
        if self.kernels is not None and filter_name in self.kernels.FILTERS:
            try:
                levels = _resampled(self.kernels, image, size, filter_name, self.n_threads)
                return Image.frombytes("RGB", size, levels, "raw", "RGBX")
            except _InPiecesError:
                pass
        return _by_pillow(image, size, FILTERS[filter_name], self.n_threads)


def find_kernels() -> Any:
    """Return the module of the kernels; None where it is missing, or cannot do what Pillow does."""
    found = kernels()
    if found is None or "avx2" not in found.instruction_sets() or not _is_as_pillow(found):
        return None
    return found


# Odd sizes that become smaller, larger, flat and high, on both sides of what decides which axis is
# first.
_TRIED = (
    ((97, 61), (31, 20)),
    ((13, 11), (29, 31)),
    ((40, 60), (30, 40)),
    ((40, 61), (30, 40)),
    ((23, 97), (29, 17)),
    ((64, 3), (9, 5)),
)


@cache
def _is_as_pillow(found: Any) -> bool:
    """Return whether the installed version of Pillow still computes as the kernels do.

    That all sizes are the same is for tests; this finds versions of Pillow that compute otherwise,
    or keep pixels otherwise.
    """
    levels = np.random.default_rng(0).integers(0, 256, (97, 97, 3), dtype=np.uint8)
    for (width, height), size in _TRIED:
        image = Image.fromarray(levels[:height, :width])
        for name in found.FILTERS:
            expected = np.asarray(image.resize(size, FILTERS[name]))
            try:
                same = np.array_equal(_resampled(found, image, size, name)[:, :, :3], expected)
            except _InPiecesError:
                same = False
            if not same:
                _log.debug("Pillow resizes, since the kernels differ from this version of it")
                return False
    return True


class _InPiecesError(Exception):
    """The pixels of an image do not lie in one piece."""


def _resampled(
    found: Any, image: Image.Image, size: Size, filter_name: str, n_threads: int = 1
) -> NDArray[np.uint8]:
    """Return the pixels of an image in another size: ``[height, width, 4]``, the fourth unspecified.

    Raises:
        _InPiecesError: Pillow keeps them in a way that is not read here.
    """
    (width, height), (new_width, new_height) = image.size, size
    n_threads = min(n_threads, width * height // _PIXELS_OF_A_THREAD)
    axes: list[_Axis] = ["rows", "columns"]
    # As Pillow does from version 13 on.
    if height > new_height and height - new_height > 2 * (width - new_width):
        axes.reverse()
    source: Image.Image | NDArray[np.uint8] = image
    for axis in axes:
        before, after = (width, new_width) if axis == "rows" else (height, new_height)
        if before == after:
            continue
        width, height = (after, height) if axis == "rows" else (width, after)
        target = np.empty((height, width, 4), dtype=np.uint8)
        resample = partial(_resample, found, axis, found.Weights(filter_name, before, after))
        if isinstance(source, Image.Image):
            _in_bands(resample, axis, source, target, n_threads)
        else:
            resample(source, target)
        source = target
    assert isinstance(source, np.ndarray)
    return source


# A thread is not worth fewer.
_PIXELS_OF_A_THREAD = 1 << 20
# What is copied at once stays in a cache near by.
_BYTES_OF_A_COPY = 1 << 20
_LEAST_OF_A_COPY = 16


def _in_bands(
    resample: Callable[[NDArray[np.uint8], NDArray[np.uint8]], None],
    axis: _Axis,
    image: Image.Image,
    target: NDArray[np.uint8],
    n_threads: int,
) -> None:
    """Resample the lines of an image, by several threads or piece by piece.

    Pillow keeps more than 16 MB in several blocks, and shows the pixels of none; copies of a part,
    it shows.
    """
    n_lines, length = (image.height, image.width) if axis == "rows" else image.size
    whole = _pixels(image)
    n_at_once = n_lines
    if whole is None:
        n_at_once = max(_LEAST_OF_A_COPY, _BYTES_OF_A_COPY // (4 * length))
    n_bands = min(max(1, n_threads, n_lines // n_at_once), n_lines)
    ends = [n_lines * at // n_bands for at in range(n_bands + 1)]

    def do(band: tuple[int, int]) -> None:
        place: Any = slice(*band)
        corners = 0, band[0], image.width, band[1]
        if axis == "columns":
            place = slice(None), place
            corners = band[0], 0, band[1], image.height
        source = _pixels(image.crop(corners)) if whole is None else whole[place]
        if source is None:
            raise _InPiecesError
        resample(source, target[place])

    if n_threads < 2:
        for band in pairwise(ends):
            do(band)
    else:
        with ThreadPoolExecutor(n_threads, thread_name_prefix="holotype-picture") as threads:
            list(threads.map(do, pairwise(ends)))


def _resample(
    found: Any, axis: _Axis, weights: Any, source: NDArray[np.uint8], target: NDArray[np.uint8]
) -> None:
    pixels = (found.Pixels(one.ctypes.data, one.strides[0]) for one in (source, target))
    if axis == "rows":
        found.resample_rows(weights, *pixels, len(source))
    else:
        found.resample_columns(weights, *pixels, source.shape[1])


class _Array(ctypes.Structure):
    """An array in the C interface of Apache Arrow."""


_Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(_Array))),
    ("dictionary", ctypes.c_void_p),
    ("release", ctypes.c_void_p),
    ("private_data", ctypes.c_void_p),
]
_pointer_of = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


class _Memory:
    """The pixels of an image where Pillow keeps them, in NumPy's interface; it keeps them alive."""

    def __init__(self, capsule: object, address: int, shape: tuple[int, int, int]) -> None:
        self._capsule = capsule
        self.__array_interface__ = {
            "version": 3,
            "shape": shape,
            "typestr": "|u1",
            "data": (address, True),
        }


def _pixels(image: Image.Image) -> NDArray[np.uint8] | None:
    """Return the pixels of an image, without a copy: ``[height, width, 4]``, the fourth unspecified.

    None where they do not lie in one piece.
    """
    try:
        _, capsule = image.__arrow_c_array__()
    except ValueError:
        return None
    array = _Array.from_address(_pointer_of(capsule, b"arrow_array"))
    n_bytes = 4 * image.width * image.height
    levels = array.children[0].contents if array.n_children == 1 else array
    if levels.n_buffers != 2 or levels.length != n_bytes or array.offset or levels.offset:
        return None
    memory = _Memory(capsule, levels.buffers[1], (image.height, image.width, 4))
    return np.asarray(memory)


def _by_pillow(
    image: Image.Image, size: Size, resample: Image.Resampling, n_threads: int
) -> Image.Image:
    n_bands = min(n_threads, image.height, image.width * image.height // _PIXELS_OF_A_BAND)
    if n_bands > 1 and _narrows_first(image.size, size) and _in_two_steps(resample):
        image = narrowed(image, size[0], resample, n_bands)
    return image.resize(size, resample)


# A thread is not worth fewer.
_PIXELS_OF_A_BAND = 1 << 18


def _narrows_first(size: tuple[int, int], target: tuple[int, int]) -> bool:
    """Return whether Pillow resizes the rows of an image before its columns.

    Pillow 13 begins with the columns where an image is twice as high as wide, or hardly becomes
    narrower. This keeps a distance to both.
    """
    (width, height), (new_width, new_height) = size, target
    return (
        2 * height <= 3 * width
        and 2 * new_width <= width
        and 10 * width * new_height >= 9 * height * new_width
    )


@cache
def _in_two_steps(resample: Image.Resampling) -> bool:
    """Return whether an image of the usual shapes is the same when it is narrowed first.

    That it is the same for all of them is for tests; this finds versions of Pillow that compute
    otherwise.
    """
    levels = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    for height, width in ((96, 96), (64, 96), (96, 64)):
        image = Image.fromarray(levels[:height, :width])
        target = width // 4, height // 4
        in_steps = image.resize((target[0], height), resample).resize(target, resample)
        if in_steps.tobytes() != image.resize(target, resample).tobytes():
            return False
    return True


def narrowed(
    image: Image.Image, width: int, resample: Image.Resampling, n_bands: int
) -> Image.Image:
    """Return an RGB image in another width, of which several threads compute some rows each.

    Args:
        image: at least as high as there are bands.
        width: the new width.
        resample: the filter.
        n_bands: how many threads, of which the caller's is one.
    """

    def narrow(top: int, end: int) -> Image.Image:
        band = image.crop((0, top, image.width, end))
        return band.resize((width, end - top), resample)

    ends = [image.height * at // n_bands for at in range(n_bands + 1)]
    found = Image.new("RGB", (width, image.height))
    with ThreadPoolExecutor(n_bands - 1, thread_name_prefix="holotype-picture") as threads:
        others = [threads.submit(narrow, *band) for band in pairwise(ends[1:])]
        found.paste(narrow(0, ends[1]), (0, 0))
        for top, band in zip(ends[1:-1], others, strict=True):
            found.paste(band.result(), (0, top))
    return found
