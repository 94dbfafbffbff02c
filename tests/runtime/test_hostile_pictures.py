"""Strange and broken files by every way in: the right picture, or an error with its index."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.pictures import broken_files, encoded, photograph, unusual_files
from tests.runtime.image_models import blip, clip

from holotype import load
from holotype.encoders.captioner import Captioner
from holotype.encoders.image_text import ImageTextEncoder
from holotype.errors import ImageError

Call = Callable[[Any], Any]
LABELS = ["cat", "dog", "red house"]
PLAIN = encoded(photograph(50, 30, seed=9))
UNUSUAL, BROKEN = unusual_files(), broken_files()


@pytest.fixture(scope="module")
def ways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Call]]:
    """What reads pictures, each with results that tell pictures apart."""
    folder = tmp_path_factory.mktemp("models")
    clip(folder / "clip")
    blip(folder / "blip")
    encoder, captioner = load(folder / "clip", device="cpu"), load(folder / "blip", device="cpu")
    assert isinstance(encoder, ImageTextEncoder)
    assert isinstance(captioner, Captioner)

    def classify(pictures: Any) -> Any:
        return [
            [one.score for one in sorted(labels, key=lambda each: each.label)]
            for labels in encoder.classify_image(pictures, LABELS)
        ]

    def caption(pictures: Any) -> Any:
        return [[one.score, one.n_tokens] for one in captioner.caption(pictures)]

    with encoder, captioner:
        yield {
            "encode_image": encoder.encode_image,
            "classify_image": classify,
            "caption": caption,
        }


WAYS = ["encode_image", "classify_image", "caption"]


@pytest.mark.parametrize("way", WAYS)
def test_unusual_files_are_the_pictures_that_they_hold(
    ways: dict[str, Call], way: str, tmp_path: Path
) -> None:
    files = [content for content, _ in UNUSUAL.values()]
    paths = [tmp_path / f"{at}.txt" for at in range(len(files))]
    for path, content in zip(paths, files, strict=True):
        path.write_bytes(content)
    expected = ways[way]([image for _, image in UNUSUAL.values()])
    assert len(np.unique(np.round(expected, 6), axis=0)) > 2
    for given in (files, paths):
        np.testing.assert_allclose(ways[way](given), expected, atol=1e-6)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_an_error_with_their_index(
    ways: dict[str, Call], way: str, name: str, tmp_path: Path
) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(BROKEN[name])
    for given in (BROKEN[name], path):
        with pytest.raises(ImageError, match="index 2 ") as raised:
            ways[way]([PLAIN, PLAIN, given, PLAIN])
        assert raised.value.index == 2


@pytest.mark.parametrize("way", WAYS)
def test_a_folder_is_no_picture(ways: dict[str, Call], way: str, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="is a folder; pass the files in it") as raised:
        ways[way]([PLAIN, tmp_path])
    assert raised.value.index == 1
