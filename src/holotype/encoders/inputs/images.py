"""One decoding for every form in which callers have a picture.

A path, the bytes of a file, a data URI, a Pillow image and an array become the same pixels if they
are the same picture: turned as EXIF says, transparency laid on one colour, the first frame, 8 bits
a channel, RGB. A Pillow image is read at the frame it stands at. Colour profiles are not applied,
as the libraries that train such models do not.
"""

from __future__ import annotations

import base64
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sized
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO, TypeAlias
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray
from PIL import (
    ExifTags,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from holotype.encoders.inputs.items import require_several
from holotype.encoders.inputs.strict_decoding import refusing_damage
from holotype.encoders.kinds.images import PixelSettings
from holotype.errors import ImageError

Picture: TypeAlias = (
    str | os.PathLike[str] | bytes | bytearray | memoryview | Image.Image | NDArray[np.uint8]
)
"""A path, a data URI, the bytes of a file, a Pillow image, or uint8 ``[height, width]`` or
``[height, width, channels]`` with 1 (grey), 3 (RGB) or 4 (RGBA) channels."""

MAX_PIXELS = 89_478_485
"""The largest picture that is decoded, in pixels: 256 MiB of RGB, the limit that Pillow warns of."""

# What is named here is all that bytes of strangers are decoded by. The plugins are imported above:
# Pillow would import every plugin to find that of WebP.
_FORMATS = tuple(
    str(plugin.format)
    for plugin in (
        PngImagePlugin.PngImageFile,
        JpegImagePlugin.JpegImageFile,
        WebPImagePlugin.WebPImageFile,
        GifImagePlugin.GifImageFile,
    )
)
_NAMES = "PNG, JPEG, WebP or GIF"
_EXPECTED = (
    "expected a path, the bytes of a file, a data URI, a Pillow image or a uint8 array "
    "[height, width, 3]"
)
_URI = re.compile("data:", re.IGNORECASE)
_REMOTE = ("http://", "https://", "ftp://", "s3://", "gs://", "file://")

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each orientation of EXIF; 1 is upright."""

# Pillow decodes an image object, and reads its EXIF data, when they are first asked for, which two
# threads cannot do at once with one object.
_LOCKS = tuple(Lock() for _ in range(64))


def is_one_picture(pictures: object) -> bool:
    """Return whether something is one picture, and not several."""
    if isinstance(pictures, np.ndarray):
        return pictures.ndim < 4
    single = (str, bytes, bytearray, memoryview, os.PathLike, Image.Image)
    return isinstance(pictures, single)


def count_pictures(pictures: object) -> int | None:
    """Return how many pictures there are; None for an iterator, which does not know."""
    if is_one_picture(pictures):
        return 1
    return len(pictures) if isinstance(pictures, Sized) else None


def each_picture(pictures: Picture | Iterable[Picture]) -> Iterator[Picture]:
    """Return one or several pictures, each checked as it is pulled; none is opened.

    Raises:
        TypeError: it is no sequence of pictures, or, as it is pulled, something in it is none.
    """
    if hasattr(pictures, "read") and not isinstance(pictures, Image.Image):
        raise TypeError(
            f"pictures is an open file, of type {type(pictures).__name__}; pass its bytes, as "
            "file.read()"
        )
    several: Any = [pictures]
    if not is_one_picture(pictures):
        several = require_several(pictures, "pictures", one="a picture")  # type: ignore[arg-type]
    return (_check_type(picture, index) for index, picture in enumerate(several))


def _check_type(picture: Any, index: int) -> Picture:
    if is_one_picture(picture):
        found: Picture = picture
        return found
    kind = "None" if picture is None else f"of type {type(picture).__name__}"
    if isinstance(picture, np.ndarray):
        kind = f"an array of {picture.ndim} axes"
    raise TypeError(f"the picture at index {index} is {kind}; {_EXPECTED}")


def decode(picture: Picture, settings: PixelSettings) -> Image.Image:
    """Return the pixels of a picture: mode RGB, upright, without transparency.

    Args:
        picture: what the caller has passed; several threads may decode at once.
        settings: what becomes of transparency and orientation.

    Raises:
        ImageError: it cannot be read, is too large, or has no pixels; its index is 0.
    """
    with refusing_damage():
        return _decode(picture, settings)


def _decode(picture: Picture, settings: PixelSettings) -> Image.Image:
    if isinstance(picture, np.ndarray):
        return _without_alpha(_from_array(picture), settings)
    if isinstance(picture, Image.Image):
        with _LOCKS[id(picture) // 64 % len(_LOCKS)]:
            return _finish(picture, settings)
    if isinstance(picture, memoryview) and not picture.c_contiguous:
        picture = picture.tobytes()
    if isinstance(picture, bytes | bytearray | memoryview):
        return _from_file(BytesIO(picture), settings)
    path = os.fsdecode(picture)
    if is_uri(path):
        return _from_file(BytesIO(bytes_of_uri(path)), settings)
    try:
        return _from_path(path, settings)
    except ImageError as error:
        raise ImageError(error.problem, source=path[:_N_OF_PATH]) from error


_N_OF_PATH = 500
_N_SHOWN = 12


def _from_path(path: str, settings: PixelSettings) -> Image.Image:
    if not path:
        raise ImageError("is an empty path; expected that of a file")
    if path.lower().startswith(_REMOTE):
        raise ImageError(
            "is an address, and nothing is fetched from a network here; pass the bytes"
        )
    try:
        found = Path(path).stat().st_mode
        if stat.S_ISDIR(found):
            raise ImageError("is a folder; pass the files in it")
        # Reading from a pipe or a device may never end.
        if not stat.S_ISREG(found):
            raise ImageError("is neither a file nor a folder; expected a file")
        with Path(path).open("rb") as file:
            return _from_file(file, settings)
    except (OSError, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        reason = error.strerror if isinstance(error, OSError) else error
        raise ImageError(f"cannot be read: {reason}; expected a file") from error


def size_of_file(content: bytes) -> tuple[int, int]:
    """Return the width and height that the bytes of a file state; nothing is decoded.

    Raises:
        ImageError: they are no picture, or one that is too large; its index is 0.
    """
    with refusing_damage():
        return _open(BytesIO(content)).size


def _from_file(file: BinaryIO, settings: PixelSettings) -> Image.Image:
    return _finish(_open(file), settings)


def _open(file: BinaryIO) -> Image.Image:
    """Read the header of a file."""
    try:
        return Image.open(file, formats=_FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(error) from error
    except UnidentifiedImageError as error:
        file.seek(0)
        begins = file.read(_N_SHOWN)
        what = f"begins with {begins!r}, as none of these does" if begins else "is empty"
        raise ImageError(
            f"{what}: expected {_NAMES}. Convert other formats, or open them with Pillow"
        ) from error
    # Plugins raise whatever a damaged file makes them trip over.
    except Exception as error:
        raise _damaged(error) from error


_AT_MOST = f"at most {MAX_PIXELS:,} pixels. Make it smaller first"


def _too_large(error: Exception) -> ImageError:
    """Return the error for what Pillow itself finds too large, by a limit that programs may set."""
    limit = Image.MAX_IMAGE_PIXELS
    if limit is None or limit >= MAX_PIXELS:
        return ImageError(f"is too large: {error}; expected {_AT_MOST}")
    return ImageError(
        f"is too large: {error} This program has set PIL.Image.MAX_IMAGE_PIXELS to {limit:,}, "
        f"below its usual {MAX_PIXELS:,}; raise that limit, or make the picture smaller"
    )


def _finish(image: Image.Image, settings: PixelSettings) -> Image.Image:
    """Return the pixels of an image whose header has been read."""
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ImageError(f"is too large: {width:,} by {height:,} pixels; expected {_AT_MOST}")
    if not width or not height:
        raise ImageError(f"has no pixels: it is {width} wide and {height} high")
    try:
        image.load()
        plain = _without_alpha(image, settings)
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(error) from error
    # As above.
    except Exception as error:
        raise _damaged(error) from error
    turn = _TURNS.get(_orientation(image)) if settings.orientation == "exif" else None
    return plain if turn is None else plain.transpose(turn)


_CLOSED = "Operation on closed image"
"""What Pillow says of an image after `close`."""
_FILE_CLOSED = "closed file"
"""How that ends what Python says where a file is closed before Pillow has read the pixels."""


def _damaged(error: Exception) -> ImageError:
    reason = str(error) or type(error).__name__
    if reason == _CLOSED:
        return ImageError("is a Pillow image that has been closed; pass it before it is closed")
    if isinstance(error, ValueError) and reason.endswith(_FILE_CLOSED):
        return ImageError(
            "is a Pillow image whose file was closed before its pixels were read; call its load() "
            "before that"
        )
    return ImageError(f"cannot be decoded: {reason}; the file is damaged, or not complete")


def _orientation(image: Image.Image) -> int:
    """Return the orientation of EXIF; 1, upright, where nothing readable states one."""
    try:
        found = image.getexif().get(ExifTags.Base.Orientation, 1)
    # Cameras and editors write EXIF data that nothing can parse; every viewer shows the picture.
    except Exception:
        return 1
    return found if isinstance(found, int) else 1


def _without_alpha(image: Image.Image, settings: PixelSettings) -> Image.Image:
    """Return an image of any mode in RGB; what has it already is returned as it is."""
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith("I") or image.mode == "F":
        return _from_wide(image, settings)
    transparent = image.mode[-1:] in "Aa" or "transparency" in image.info
    if not transparent or settings.transparency == "drop":
        return _converted(image, "RGB")
    layers = _converted(image, "RGBA")
    behind = Image.new("RGBA", image.size, settings.transparency)
    return Image.alpha_composite(behind, layers).convert("RGB")


def _converted(image: Image.Image, mode: str) -> Image.Image:
    # Pillow takes what has been multiplied with its transparency back in two steps.
    if image.mode in ("La", "RGBa"):
        image = image.convert(f"{image.mode[:-1]}A")
    return image.convert(mode)


def _from_wide(image: Image.Image, settings: PixelSettings) -> Image.Image:
    """Return an image of 16 bits a pixel in RGB.

    The upper 8 bits count, as where Pillow reads 16 bits of each colour; its own conversion would
    show all but the darkest levels as white.
    """
    levels = np.asarray(image)
    unknown = image.mode == "F" or levels.min() < 0 or levels.max() > _LARGEST_LEVEL
    # Levels of 8 bits in 32 would all be black, and only zeros are black either way.
    if unknown or (image.mode == "I" and 0 < levels.max() <= _LARGEST_BYTE):
        raise ImageError(
            f"has the mode {image.mode!r}, whose black and white nobody knows; convert it to 'L' "
            "or 'RGB' by the range of its values"
        )
    grey = (levels >> 8).astype(np.uint8)
    hidden = image.info.get("transparency")
    if isinstance(hidden, int) and settings.transparency != "drop":
        grey[levels == hidden] = 255 if settings.transparency == "white" else 0
    return Image.fromarray(grey).convert("RGB")


_LARGEST_LEVEL = 65_535
_LARGEST_BYTE = 255


def _from_array(array: NDArray[Any]) -> Image.Image:
    if array.dtype != np.uint8:
        raise ImageError(
            f"is an array of {array.dtype}; expected uint8, from 0 to 255. For levels from 0 to 1, "
            "pass (array * 255).round().astype('uint8')"
        )
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] in (3, 4)):
        raise ImageError(
            f"is an array of the shape {list(array.shape)}; expected [height, width] or [height, "
            "width, channels] with 1, 3 or 4 channels"
        )
    if not array.size:
        raise ImageError(f"has no pixels: its shape is {list(array.shape)}")
    height, width = array.shape[:2]
    if height * width > MAX_PIXELS:
        raise ImageError(f"is too large: {width:,} by {height:,} pixels; expected {_AT_MOST}")
    return Image.fromarray(np.ascontiguousarray(array))


def is_uri(text: str) -> bool:
    """Return whether a text is a data URI, and neither a path nor an address."""
    return _URI.match(text) is not None


def bytes_of_uri(uri: str) -> bytes:
    """Return the bytes of a data URI, which need not say what kind of picture they are.

    Raises:
        ImageError: it is none of a picture in base64; its index is 0.
    """
    head, comma, data = uri.partition(",")
    kind, *parameters = _URI.sub("", head.lower(), count=1).split(";")
    a_picture = not kind or kind.startswith("image/")
    if not comma or not a_picture or "base64" not in parameters:
        raise ImageError(
            f"is the data URI {head[:80]!r}; expected data:image/png;base64,... or another kind of "
            "picture"
        )
    try:
        # Encoders of base64 break lines.
        return base64.b64decode("".join(unquote(data).split()), validate=True)
    except ValueError as error:
        raise ImageError(f"is a data URI whose base64 cannot be decoded: {error}") from error
