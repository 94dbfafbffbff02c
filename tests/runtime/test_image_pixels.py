"""The numbers that a network reads are those of transformers' processors on Pillow, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.pictures import photograph
from tests.pictures import pixel_settings as settings
from transformers import (
    BlipImageProcessorPil,
    CLIPImageProcessorPil,
    Idefics3ImageProcessorPil,
    Siglip2ImageProcessorPil,
    SiglipImageProcessorPil,
)

from holotype.encoders.inputs.images import decode
from holotype.encoders.inputs.pixels import prepare
from holotype.encoders.inputs.resizing import (
    FILTERS,
    Resizer,
    _in_two_steps,
    _narrows_first,
    narrowed,
)

SIZES = [(60, 80), (80, 60), (7, 90), (90, 7), (1, 1), (1, 40), (224, 224), (333, 501), (31, 31)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("crop", [(224, 224), (225, 223), (30, 40)])
@pytest.mark.parametrize("edge", [224, 31])
def test_clip(size: tuple[int, int], crop: tuple[int, int], edge: int) -> None:
    image = photograph(*size)
    processor: Any = CLIPImageProcessorPil(
        size={"shortest_edge": edge}, crop_size={"height": crop[0], "width": crop[1]}
    )
    theirs = processor(image, return_tensors="np").pixel_values[0]
    chosen = settings(shortest_edge=edge, crop=crop)
    ours = prepare(decode(image, chosen), chosen).pixels
    assert ours.dtype == np.float32
    assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("processor", "side", "centred"),
    [(SiglipImageProcessorPil, 224, True), (BlipImageProcessorPil, 384, False)],
)
def test_squeezed(size: tuple[int, int], processor: Any, side: int, centred: bool) -> None:
    image = photograph(*size)
    own = {"mean": (0.5,) * 3, "std": (0.5,) * 3} if centred else {}
    chosen = settings(size=(side, side), **own)
    theirs = processor()(image, return_tensors="np").pixel_values[0]
    assert np.array_equal(prepare(decode(image, chosen), chosen).pixels, theirs)


@pytest.mark.parametrize("size", [*SIZES, (2000, 31), (17, 3000)])
@pytest.mark.parametrize(("patch", "most"), [(16, 256), (14, 100), (16, 1)])
def test_patches(size: tuple[int, int], patch: int, most: int) -> None:
    image = photograph(*size)
    processor: Any = Siglip2ImageProcessorPil(patch_size=patch, max_num_patches=most)
    theirs = processor(image, return_tensors="np")
    chosen = settings(
        resample="bilinear", mean=(0.5,) * 3, std=(0.5,) * 3, patch_size=patch, max_patches=most
    )
    row = prepare(decode(image, chosen), chosen)
    assert row.grid == tuple(theirs.spatial_shapes[0])
    assert row.n_tokens == theirs.pixel_attention_mask[0].sum() == row.grid[0] * row.grid[1]
    assert np.array_equal(row.pixels, theirs.pixel_values[0][: row.n_tokens])


@pytest.mark.parametrize("size", [*SIZES, (2000, 31), (17, 3000), (1, 900)])
@pytest.mark.parametrize(("edge", "tile"), [(256, 64), (250, 64), (64, 64)])
def test_tiles(size: tuple[int, int], edge: int, tile: int) -> None:
    compare_tiles(size, edge, tile)


def test_a_picture_in_tiles_has_a_largest_size() -> None:
    for size in ((50, 800), (800, 50)):
        compare_tiles(size, 5000, 2048)


def compare_tiles(size: tuple[int, int], edge: int, tile: int) -> None:
    image = photograph(*size)
    processor: Any = Idefics3ImageProcessorPil(
        size={"longest_edge": edge}, max_image_size={"longest_edge": tile}
    )
    theirs = processor(image, return_tensors="np", return_row_col_info=True)
    chosen = settings(
        resample="lanczos",
        mean=(0.5,) * 3,
        std=(0.5,) * 3,
        longest_edge=edge,
        tile_size=tile,
        patch_size=16,
    )
    row = prepare(decode(image, chosen), chosen)
    assert row.grid == (theirs["rows"][0][0], theirs["cols"][0][0])
    assert row.n_tokens == len(row.pixels) * (tile // 16) ** 2
    assert np.array_equal(row.pixels, theirs.pixel_values[0])


@pytest.mark.parametrize(
    ("resample", "number"),
    [("nearest", 0), ("lanczos", 1), ("bilinear", 2), ("bicubic", 3), ("box", 4), ("hamming", 5)],
)
def test_filters(resample: str, number: int) -> None:
    image = photograph()
    processor: Any = SiglipImageProcessorPil(resample=number, do_rescale=False, do_normalize=False)
    theirs = processor(image, return_tensors="np").pixel_values[0]
    plain = {"rescale": 1.0, "mean": (0.0,) * 3, "std": (1.0,) * 3}
    chosen = settings(size=(224, 224), resample=resample, **plain)
    assert np.array_equal(prepare(decode(image, chosen), chosen).pixels, theirs)


LARGE = [(1_632, 1_224), (1_224, 1_632), (3_000, 500), (1_000, 1_000), (400_000, 2), (700, 1_500)]


@pytest.mark.parametrize("size", LARGE, ids=str)
@pytest.mark.parametrize("resample", ["box", "bilinear", "hamming", "bicubic", "lanczos"])
def test_several_threads_resize_a_picture_to_the_same_pixels(
    size: tuple[int, int], resample: Any
) -> None:
    levels = np.random.default_rng(3).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    image = Image.fromarray(levels)
    for target in ({"shortest_edge": 224, "crop": (224, 224)}, {"size": (224, 224)}):
        if max(size) > 10_000 and "shortest_edge" in target:
            continue
        chosen = settings(resample=resample, **target)
        expected = prepare(image, chosen).pixels
        for n_threads in (2, 3, 8):
            assert (prepare(image, chosen, Resizer(n_threads)).pixels == expected).all()


def test_pictures_of_all_shapes_that_are_narrowed_first_stay_the_same() -> None:
    dice = np.random.default_rng(4)
    n_narrowed = 0
    for resample in (*FILTERS.values(),) * 60:
        width = int(dice.integers(24, 500))
        size = width, max(4, int(width * dice.uniform(0.1, 1.7)))
        target = (
            max(1, int(width / dice.uniform(1.8, 20))),
            max(1, int(size[1] / dice.uniform(1.8, 20))),
        )
        if not _narrows_first(size, target):
            continue
        n_narrowed += 1
        image = Image.fromarray(dice.integers(0, 256, (*size[::-1], 3), dtype=np.uint8))
        narrow = narrowed(image, target[0], resample, n_bands=3)
        expected = image.resize(target, resample)
        assert narrow.resize(target, resample).tobytes() == expected.tobytes(), (size, target)
    assert n_narrowed > 50
    assert all(_in_two_steps(resample) for resample in FILTERS.values())
