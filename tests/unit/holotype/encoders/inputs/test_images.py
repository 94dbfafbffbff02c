"""One decoding: every form of a picture gives the same pixels, and bad ones a clear error."""

from __future__ import annotations

import base64
import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.pictures import encoded, photograph, pixel_settings, png_file

from holotype.encoders.inputs.images import decode, each_picture
from holotype.encoders.inputs.pixels import PictureReader, prepare
from holotype.encoders.kinds.images import PixelSettings
from holotype.errors import ImageError


def settings(**changes: Any) -> PixelSettings:
    given = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5), "size": (16, 16)}
    return pixel_settings(**given | changes)


def pixels(picture: Any, **changes: Any) -> Any:
    return np.asarray(decode(picture, settings(**changes)))


class _AsBytes(os.PathLike[bytes]):
    """A path that the system knows as bytes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __fspath__(self) -> bytes:
        return os.fsencode(self._path)


def test_every_form_gives_the_same_pixels(tmp_path: Path) -> None:
    image = photograph()
    content = encoded(image)
    path = tmp_path / "picture.png"
    path.write_bytes(content)
    written = base64.b64encode(content).decode()
    forms: list[Any] = [
        path,
        str(path),
        content,
        bytearray(content),
        memoryview(content),
        memoryview(content[::-1])[::-1],
        _AsBytes(path),
        f"data:image/png;base64,{written}",
        f"data:image/png;base64,{base64.encodebytes(content).decode()}",
        f"DATA:image/PNG;BASE64,{written}",
        f"data:image/png;name=a.png;base64,{written}",
        f"data:;base64,{written}",
        Image.open(BytesIO(content)),
        image,
        np.asarray(image),
    ]
    for form in forms:
        assert np.array_equal(pixels(form), np.asarray(image))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_in_every_form(orientation: int, tmp_path: Path) -> None:
    upright = photograph()
    exif = Image.Exif()
    exif[0x0112] = orientation
    undone = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undone[orientation]) if orientation > 1 else upright
    content = encoded(stored, exif=exif)
    (tmp_path / "picture.png").write_bytes(content)
    for form in (content, tmp_path / "picture.png", Image.open(BytesIO(content))):
        assert np.array_equal(pixels(form), np.asarray(upright))
        assert np.array_equal(pixels(form, orientation="stored"), np.asarray(stored))


def test_exif_that_nothing_can_parse_leaves_a_picture_upright() -> None:
    image = photograph()
    assert np.array_equal(pixels(encoded(image, exif=b"Exif\0\0nonsense")), np.asarray(image))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "RGBa", "La"])
def test_transparency_is_laid_on_the_stated_colour(mode: str) -> None:
    clear = Image.new("RGBA", (4, 4), (200, 200, 200, 0))
    image = clear.convert("LA").convert("La") if mode == "La" else clear.convert(mode)
    assert (pixels(image) == 255).all()
    assert (pixels(image, transparency="black") == 0).all()
    if mode in ("RGBA", "LA"):
        assert (pixels(image, transparency="drop") == 200).all()


@pytest.mark.parametrize("mode", ["P", "RGB", "L", "1"])
def test_a_transparent_colour_is_laid_on_white(mode: str) -> None:
    image = Image.new("L", (4, 4), 0).convert(mode)
    hidden: Any = (0, 0, 0) if mode == "RGB" else 0
    content = encoded(image, transparency=hidden)
    assert (pixels(content) == 255).all()
    assert (pixels(Image.open(BytesIO(content))) == 255).all()


def test_half_transparent_pixels_are_mixed() -> None:
    image = Image.new("RGBA", (2, 2), (0, 100, 0, 128))
    expected = Image.alpha_composite(Image.new("RGBA", (2, 2), "white"), image).convert("RGB")
    assert np.array_equal(pixels(encoded(image)), np.asarray(expected))


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr", "HSV"])
def test_modes_without_transparency_are_those_of_pillow(mode: str) -> None:
    image = photograph().convert(mode)
    assert np.array_equal(pixels(image), np.asarray(image.convert("RGB")))


def test_a_jpeg_in_cmyk() -> None:
    content = encoded(photograph().convert("CMYK"), "JPEG")
    with Image.open(BytesIO(content)) as image:
        assert image.mode == "CMYK"
        assert np.array_equal(pixels(content), np.asarray(image.convert("RGB")))


def test_the_upper_bits_of_16_count() -> None:
    levels = (np.arange(256, dtype=np.uint16) * 257).reshape(16, 16)
    image = Image.fromarray(levels)
    content = encoded(image)
    expected = np.arange(256, dtype=np.uint8).reshape(16, 16)
    for form in (content, image, image.convert("I")):
        assert np.array_equal(pixels(form), np.stack([expected] * 3, axis=-1))


def test_16_bits_with_a_transparent_level() -> None:
    levels = np.full((4, 4), 1000, dtype=np.uint16)
    levels[0, 0] = 20_000
    found = pixels(encoded(Image.fromarray(levels), transparency=1000))
    assert found[0, 0].tolist() == [78, 78, 78]
    assert (found[1:] == 255).all()


def test_16_bits_a_colour() -> None:
    row = b"\0" + struct.pack(">6H", 0x1234, 0xABCD, 0xFFFF, 0, 0x00FF, 0x0100)
    found = pixels(png_file(2, 1, zlib.compress(row), depth=16))
    assert found.tolist() == [[[0x12, 0xAB, 0xFF], [0, 0, 1]]]


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP"])
def test_the_first_frame_of_an_animation(format: str) -> None:
    first, second = Image.new("RGB", (8, 8), (255, 0, 0)), Image.new("RGB", (8, 8), (0, 0, 255))
    options = {"lossless": True} if format == "WEBP" else {}
    content = encoded(first, format, save_all=True, append_images=[second], **options)
    assert (pixels(content) == (255, 0, 0)).all()


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP"])
def test_an_image_is_read_at_the_frame_it_stands_at(format: str) -> None:
    first, second = Image.new("RGB", (8, 8), (255, 0, 0)), Image.new("RGB", (8, 8), (0, 0, 255))
    options = {"lossless": True} if format == "WEBP" else {}
    content = encoded(first, format, save_all=True, append_images=[second], **options)
    with Image.open(BytesIO(content)) as image:
        image.seek(1)
        assert (pixels(image) == (0, 0, 255)).all()
        assert image.tell() == 1


def test_zeros_of_32_bits_are_black() -> None:
    assert (pixels(Image.new("I", (4, 4), 0)) == 0).all()


def test_levels_of_32_bits_are_read_as_16() -> None:
    levels = np.array([[0, 255, 256, 65_535]], dtype=np.int32)
    assert pixels(Image.fromarray(levels))[0, :, 0].tolist() == [0, 0, 1, 255]


def test_the_first_of_several_pictures_in_a_jpeg() -> None:
    first = Image.new("RGB", (16, 16), (255, 0, 0))
    content = encoded(first, "MPO", save_all=True, append_images=[Image.new("RGB", (16, 16))])
    assert pixels(content)[0, 0, 0] > 250


def test_the_content_and_not_the_name_tells_the_format(tmp_path: Path) -> None:
    path = tmp_path / "picture.gif"
    path.write_bytes(encoded(photograph()))
    assert np.array_equal(pixels(path), np.asarray(photograph()))


@pytest.mark.parametrize("channels", [None, 1, 3, 4])
def test_arrays(channels: int | None) -> None:
    shape = (5, 6) if channels is None else (5, 6, channels)
    array = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    if channels == 4:
        array[:, :, 3] = 255
    expected = array[:, :, :3] if channels in (3, 4) else np.stack([array.reshape(5, 6)] * 3, -1)
    assert np.array_equal(pixels(array), expected)
    assert np.array_equal(pixels(array[::-1, ::2]), expected[::-1, ::2])


@pytest.mark.parametrize(
    ("picture", "problem"),
    [
        (b"", "is empty"),
        (b"BM6 bitmaps are none", "begins with b'BM6 bitmaps "),
        (b"\x89PNG\r\n\x1a\n", "cannot be decoded|begins with"),
        (encoded(photograph())[:300], "cannot be decoded: .*; the file is damaged"),
        (encoded(photograph(), "JPEG")[:700], "cannot be decoded: image file is truncated"),
        (encoded(photograph(), "WEBP")[:200], "cannot be decoded|begins with"),
        (encoded(photograph(), "GIF")[:900], "cannot be decoded: .*; the file is damaged"),
        (png_file(20_000, 20_000, b""), "is too large: .* pixels"),
        (png_file(10_000, 10_000, b""), "is too large: .* pixels"),
        (png_file(0, 4, b""), "cannot be decoded|begins with|has no pixels"),
        ("no-such-file.png", r"\(no-such-file.png\) cannot be read: No such file"),
        ("nul\0.png", "cannot be read: embedded null"),
        ("https://example.org/cat.png", "is an address, and nothing is fetched"),
        ("data:text/plain;base64,QQ==", "expected data:image/png;base64"),
        ("data:image/png,abc", "expected data:image/png;base64"),
        ("data:image/png;base64,???", "base64 cannot be decoded"),
        ("data:;base64,", "is empty"),
        ("data:,abc", "expected data:image/png;base64"),
        ("DATA:TEXT/PLAIN;BASE64,QQ==", "expected data:image/png;base64"),
        ("", "is an empty path; expected that of a file"),
        ("/", "is a folder; pass the files in it"),
        (os.devnull, "is neither a file nor a folder"),
        (np.zeros((4, 4, 3), dtype=np.float32), "array of float32; expected uint8"),
        (np.zeros((3, 4, 4), dtype=np.uint8)[:, :, :2], r"the shape \[3, 4, 2\]"),
        (np.zeros((0, 4, 3), dtype=np.uint8), "has no pixels"),
        (np.zeros(4, dtype=np.uint8), r"the shape \[4\]"),
        (Image.new("RGB", (0, 4)), "has no pixels"),
        (Image.new("F", (4, 4)), "the mode 'F', whose black and white nobody knows"),
        (Image.new("I", (4, 4), -1), "the mode 'I', whose black and white nobody knows"),
        (Image.new("I", (4, 4), 65_536), "the mode 'I', whose black and white nobody knows"),
        (Image.new("I", (4, 4), 255), "the mode 'I', whose black and white nobody knows"),
        (photograph().convert("L").convert("I"), "the mode 'I', whose black and white"),
    ],
    ids=lambda value: str(value)[:20] if isinstance(value, str) else None,
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_what_is_no_picture_is_an_error_with_its_index(picture: Any, problem: str) -> None:
    reader = PictureReader(settings())
    good = photograph()
    with pytest.raises(ImageError, match=f"^the picture at index 2 .*({problem})") as error:
        reader.read([good, good, picture, good])
    assert error.value.index == 2


def test_a_warning_of_pillow_that_is_an_error_is_ours() -> None:
    with pytest.raises(ImageError, match="is too large"):
        decode(png_file(10_000, 10_000, b""), settings())


def test_a_compressed_bomb_of_allowed_size_is_decoded_in_the_memory_of_its_pixels() -> None:
    content = encoded(Image.new("1", (9_000, 9_000)))
    assert len(content) < 20_000
    assert decode(content, settings()).size == (9_000, 9_000)


def test_a_lower_limit_of_pillow_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    for format in ("PNG", "JPEG", "WEBP", "GIF"):
        with pytest.raises(ImageError, match=r"set PIL\.Image\.MAX_IMAGE_PIXELS to 100, below"):
            pixels(encoded(photograph(), format))


def test_no_limit_of_pillow_leaves_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    with pytest.raises(ImageError, match="expected at most 89,478,485 pixels"):
        decode(png_file(10_000, 10_000, b""), settings())
    assert np.array_equal(pixels(encoded(photograph())), np.asarray(photograph()))


def test_an_image_of_a_closed_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(encoded(photograph()))
    image = Image.open(tmp_path / "picture.png")
    image.close()
    with pytest.raises(ImageError, match="is a Pillow image that has been closed"):
        decode(image, settings())


def test_an_image_whose_file_is_closed_before_it_is_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(encoded(photograph()))
    with (tmp_path / "picture.png").open("rb") as file:
        image, read = Image.open(file), Image.open(file)
        read.load()
    with pytest.raises(ImageError, match=r"file was closed before .* call its load\(\)"):
        decode(image, settings())
    assert np.array_equal(pixels(read), np.asarray(photograph()))


def test_an_image_is_left_as_it_was() -> None:
    image = Image.open(BytesIO(encoded(photograph().convert("P"))))
    prepare(decode(image, settings()), settings())
    assert (image.mode, image.size) == ("P", (80, 60))
    image.convert("RGB")


def test_one_image_is_read_by_several_threads_at_once() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded(photograph(400, 300), "JPEG", exif=exif)
    expected = pixels(content)
    for _ in range(10):
        image = Image.open(BytesIO(content))
        with ThreadPoolExecutor(8) as threads:
            found = list(threads.map(pixels, [image] * 16))
        assert all(np.array_equal(each, expected) for each in found)


def test_what_is_too_narrow_to_be_resized_is_an_error() -> None:
    narrow = Image.new("RGB", (1, 4_000))
    with pytest.raises(ImageError, match="is 1 by 4,000 pixels, and would be 224 by 896,000"):
        prepare(decode(narrow, settings()), settings(size=None, shortest_edge=224))


@pytest.mark.parametrize("pictures", [None, 3, {"a": b""}, {1, 2}])
def test_what_is_no_sequence_of_pictures(pictures: Any) -> None:
    with pytest.raises(TypeError, match="pictures is"):
        each_picture(pictures)


def test_an_open_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(encoded(photograph()))
    with (
        (tmp_path / "picture.png").open("rb") as file,
        pytest.raises(TypeError, match=r"pass its bytes, as file.read\(\)"),
    ):
        each_picture(file)


def test_what_is_no_picture_among_several() -> None:
    several: Any = [b"", 5]
    with pytest.raises(TypeError, match="the picture at index 1 is of type int; expected a path"):
        list(each_picture(several))


def test_one_picture_or_several() -> None:
    grey, four = np.zeros((4, 5), dtype=np.uint8), np.zeros((2, 4, 5, 3), dtype=np.uint8)
    assert [len(list(each_picture(one))) for one in (b"", "a.png", Path("a"), grey)] == [1] * 4
    assert [len(list(each_picture(several))) for several in (four, [grey] * 2)] == [2, 2]
