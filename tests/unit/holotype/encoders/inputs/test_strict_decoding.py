"""Damaged files are refused, whatever a program has told Pillow to do with them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from threading import Event
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile
from tests.pictures import encoded, photograph

from holotype.encoders.inputs.images import decode
from holotype.encoders.inputs.strict_decoding import refusing_damage
from holotype.encoders.kinds.images import PixelSettings
from holotype.errors import ImageError

SETTINGS = PixelSettings(
    resample="bicubic",
    rescale=1 / 255,
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
    transparency="white",
    orientation="exif",
    size=(16, 16),
)
FORMATS = ["PNG", "JPEG", "WEBP", "GIF"]


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)


def flag() -> Any:
    return ImageFile.LOAD_TRUNCATED_IMAGES


@pytest.mark.usefixtures("lenient")
@pytest.mark.parametrize("format", FORMATS)
def test_half_a_file_is_an_error(format: str) -> None:
    content = encoded(photograph(), format)
    half = content[: len(content) // 2]
    for form in (half, _opened(half)):
        if form is not None:
            with pytest.raises(ImageError):
                decode(form, SETTINGS)
    assert flag() is True


def _opened(content: bytes) -> Image.Image | None:
    """Return an image whose header alone has been read; None where that needs the whole file."""
    try:
        return Image.open(BytesIO(content))
    except OSError:
        return None


@pytest.mark.usefixtures("lenient")
@pytest.mark.parametrize("format", FORMATS)
def test_a_whole_file_is_the_same_picture(format: str) -> None:
    content = encoded(photograph(), format)
    with Image.open(BytesIO(content)) as image:
        expected = np.asarray(image.convert("RGB"))
    assert np.array_equal(np.asarray(decode(content, SETTINGS)), expected)
    assert flag() is True


@pytest.mark.usefixtures("lenient")
def test_other_threads_of_the_program_stay_lenient() -> None:
    half = encoded(photograph())[:3000]
    with refusing_damage(), ThreadPoolExecutor(1) as threads:
        assert threads.submit(_load, half).result() == (80, 60)
        with refusing_damage():
            assert threads.submit(_load, half).result() == (80, 60)
        with pytest.raises(OSError, match="truncated"):
            _load(half)
    assert _load(half) == (80, 60)
    assert flag() is True


def _load(content: bytes) -> tuple[int, int]:
    with Image.open(BytesIO(content)) as image:
        image.load()
        return image.size


@pytest.mark.usefixtures("lenient")
def test_the_last_of_several_threads_puts_the_flag_back() -> None:
    entered, first_left = Event(), Event()

    def second() -> None:
        with refusing_damage():
            entered.set()
            first_left.wait(10)
            assert not flag()

    with ThreadPoolExecutor(1) as threads:
        with refusing_damage():
            running = threads.submit(second)
            assert entered.wait(10)
        first_left.set()
        running.result()
    assert flag() is True


@pytest.mark.usefixtures("lenient")
def test_what_the_program_sets_meanwhile_stays() -> None:
    with refusing_damage():
        ImageFile.LOAD_TRUNCATED_IMAGES = False
    assert flag() is False


def test_without_leniency_nothing_is_changed() -> None:
    with refusing_damage():
        assert flag() is False
