"""Resizing by the kernels: the pixels of Pillow, whatever the sizes."""

from __future__ import annotations

import importlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from tests.pictures import encoded, photograph, pixel_settings

from holotype.encoders.inputs import resizing
from holotype.encoders.inputs.pixels import PictureReader
from holotype.encoders.inputs.resizing import FILTERS, Resizer, find_kernels

SAME = ["box", "bilinear", "hamming", "bicubic", "lanczos"]


def noise(width: int, height: int, seed: int = 0, *, extremes: bool = False) -> Image.Image:
    """Return a picture of any levels, or of black and white alone, which overshoot most."""
    dice = np.random.default_rng(seed)
    if extremes:
        levels = dice.integers(0, 2, (height, width, 3)) * 255
    else:
        levels = dice.integers(0, 256, (height, width, 3))
    return Image.fromarray(levels.astype(np.uint8))


def resized(found: Any, image: Image.Image, size: tuple[int, int], name: str) -> NDArray[np.uint8]:
    """Return what the kernels make of an image, without the way out that Pillow is."""
    return resizing._resampled(found, image, size, name)[:, :, :3]


@pytest.mark.parametrize("name", SAME)
def test_pictures_of_many_sizes_get_the_pixels_of_pillow(kernels: Any, name: str) -> None:
    dice = np.random.default_rng(SAME.index(name))
    for at in range(400):
        width, height = (int(n) for n in np.exp(dice.uniform(0, 5.8, 2)))
        size = tuple(int(n) for n in np.exp(dice.uniform(0, 5.6, 2)))
        size = (width if at % 9 == 0 else size[0], height if at % 11 == 0 else size[1])
        if size == (width, height):
            continue
        image = noise(width, height, at, extremes=at % 2 == 0)
        expected = np.asarray(image.resize(size, FILTERS[name]))
        assert np.array_equal(resized(kernels, image, size, name), expected), (image.size, size)


# What Pillow keeps in one piece, and in several; high ones, whose columns are first.
LARGE = [
    ((1_632, 1_224), (298, 224)),
    ((2_901, 1_503), (432, 224)),
    ((1_203, 3_701), (300, 224)),
    ((1_203, 3_701), (1_203, 224)),
    ((4_000_003, 2), (5, 1)),
    ((2, 1_000_003), (1, 7)),
]


@pytest.mark.parametrize(("before", "size"), LARGE, ids=str)
@pytest.mark.parametrize("name", SAME)
def test_several_threads_give_large_pictures_the_pixels_of_pillow(
    kernels: Any, before: tuple[int, int], size: tuple[int, int], name: str
) -> None:
    image = noise(*before)
    expected = image.resize(size, FILTERS[name]).tobytes()
    for n_threads in (1, 2, 3):
        found = Resizer(n_threads, kernels).resize(image, size, name)
        assert found.mode == "RGB"
        assert found.tobytes() == expected


def test_several_threads_resize_one_picture_at_once(kernels: Any) -> None:
    image = noise(700, 500)
    expected = image.resize((224, 160), FILTERS["bicubic"]).tobytes()
    with ThreadPoolExecutor(4) as threads:
        found = threads.map(
            lambda _: Resizer(1, kernels).resize(image, (224, 160), "bicubic"), range(40)
        )
        assert {one.tobytes() for one in found} == {expected}


def test_a_picture_that_pillow_shows_in_no_piece_is_left_to_it(kernels: Any) -> None:
    # Even some of its columns are more than a block.
    image = noise(20, 400_000)
    with pytest.raises(resizing._InPiecesError):
        resized(kernels, image, (10, 100), "bicubic")
    expected = image.resize((10, 100), FILTERS["bicubic"])
    assert Resizer(1, kernels).resize(image, (10, 100), "bicubic") == expected


def test_the_filter_of_the_nearest_pixel_is_left_to_pillow(kernels: Any) -> None:
    image = noise(90, 60)
    assert Resizer(1, kernels).resize(image, (31, 20), "nearest") == image.resize((31, 20), 0)


def test_pixels_stay_alive_where_the_image_does_not() -> None:
    image = noise(300, 200)
    expected = np.asarray(image)
    levels = resizing._pixels(image)
    del image
    assert levels is not None
    assert np.array_equal(levels[:, :, :3], expected)
    assert not levels.flags.writeable


SETTINGS: dict[str, dict[str, Any]] = {
    "CLIP": {"shortest_edge": 224, "crop": (224, 224)},
    "SigLIP": {"size": (224, 224), "resample": "bilinear"},
    "NaFlex": {"patch_size": 16, "max_patches": 256},
    "Qwen": {"patch_size": 14, "merge_size": 2, "min_pixels": 3_136, "max_pixels": 200_704},
    "tiles": {"patch_size": 16, "tile_size": 128, "longest_edge": 512, "resample": "lanczos"},
}


@pytest.mark.parametrize("given", SETTINGS.values(), ids=SETTINGS)
def test_networks_read_the_same_with_the_kernels_and_without(
    kernels: Any, given: dict[str, Any]
) -> None:
    settings = pixel_settings(**given)
    pictures: list[Any] = [
        encoded(photograph(600, 800), "JPEG"),
        encoded(photograph(90, 31).convert("L")),
        photograph(301, 1_200),
        np.asarray(photograph(1_300, 300)),
        encoded(photograph(1_224, 1_632), "JPEG"),
    ]
    reader = PictureReader(settings)
    assert reader.kernels is kernels
    for some in (pictures, pictures[-1:]):
        with_them, without = reader.read(some), PictureReader(settings, None).read(some)
        for ours, plain in zip(with_them.rows, without.rows, strict=True):
            assert np.array_equal(ours.pixels, plain.pixels)
            assert ours.n_tokens == plain.n_tokens


def test_a_pillow_that_computes_otherwise_resizes_alone(
    kernels: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_kernels() is kernels
    resize = Image.Image.resize

    def rows_first(self: Image.Image, size: tuple[int, int], resample: int) -> Image.Image:
        return resize(resize(self, (size[0], self.height), resample), size, resample)

    # Version 12 always begins with the rows.
    monkeypatch.setattr(Image.Image, "resize", rows_first)
    resizing._is_as_pillow.cache_clear()
    assert find_kernels() is None
    resizing._is_as_pillow.cache_clear()


def test_a_pillow_that_shows_no_pixels_resizes_alone(
    kernels: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def show_none(self: Image.Image) -> None:
        raise ValueError("Image rows are not contiguous in memory.")

    monkeypatch.setattr(Image.Image, "__arrow_c_array__", show_none)
    assert find_kernels() is None


def test_a_processor_without_avx2_resizes_by_pillow(
    kernels: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels, "instruction_sets", lambda: ())
    assert find_kernels() is None


def test_sizes_and_addresses_are_checked(kernels: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"expected a filter of box, bilinear, .*, not 'nearest'"):
        kernels.Weights("nearest", 8, 4)
    with pytest.raises(ValueError, match="n_outputs is 0, and must be 1 to"):
        kernels.Weights("box", 8, 0)
    weights = kernels.Weights("box", 8, 4)
    levels = np.zeros((3, 8, 4), dtype=np.uint8)
    source, target = (kernels.Pixels(levels.ctypes.data, n) for n in (32, 16))
    for resample in (kernels.resample_rows, kernels.resample_columns):
        with pytest.raises(ValueError, match=r"expected 1 to .* rows or columns, not 0"):
            resample(weights, source, target, 0)
        with pytest.raises(ValueError, match="the address of the target is 0"):
            resample(weights, source, kernels.Pixels(0, 16), 2)
    with pytest.raises(ValueError, match="the rows of the source lie 28 bytes apart, and have 32"):
        kernels.resample_rows(weights, kernels.Pixels(source.address, 28), target, 3)
    with pytest.raises(ValueError, match="the rows of the target lie 16 bytes apart, and have 20"):
        kernels.resample_columns(weights, source, target, 5)
    library = importlib.import_module("holotype_kernels.library")
    monkeypatch.setattr(library, "instruction_sets", lambda: ())
    with pytest.raises(OSError, match="avx2 is needed"):
        kernels.resample_rows(weights, source, target, 3)
