"""Measures how fast a loaded model reads pictures, which are drawn here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from time import perf_counter
from typing import Any

import numpy as np

from holotype.errors import InvalidArgumentError
from holotype.registry.measurements import Measurement
from holotype.registry.speed import Calls, time_calls

_SIZES = ((640, 480), (1280, 960), (1024, 1024), (1080, 1920))
"""Width and height in pixels, from 0.3 to 2.1 megapixels."""
_SEED = 0
_GRAIN = 16
_QUALITY = 88


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureProfile:
    """How the speed of reading pictures is measured.

    Attributes:
        n_pictures: how many pictures are drawn; a round reads all of them in one call.
        n_requests: how many single pictures are timed; they start again if there are fewer.
        n_rounds: how many rounds are timed.
        n_warm_up: how many of each run before, without being timed.
    """

    n_pictures: int = 8
    n_requests: int = 400
    n_rounds: int = 10
    n_warm_up: int = 3

    def __post_init__(self) -> None:
        """Check the values."""
        if min(self.n_pictures, self.n_requests, self.n_rounds) < 1 or self.n_warm_up < 0:
            raise InvalidArgumentError(
                f"a profile has {self.n_pictures} pictures, {self.n_requests} requests and "
                f"{self.n_rounds} rounds; expected 1 or more of each"
            )

    @property
    def digest(self) -> str:
        """The SHA-256 of what is drawn and of the counts: ``sha256:`` and 64 hexadecimal digits.

        The bytes of the files are not part of it: another version of the JPEG library writes others
        for the same picture.
        """
        drawn = [_SIZES, _SEED, _GRAIN, _QUALITY, self.n_pictures]
        values = [*drawn, self.n_requests, self.n_rounds, self.n_warm_up]
        return f"sha256:{hashlib.sha256(json.dumps(values).encode()).hexdigest()}"


def draw_pictures(n_pictures: int) -> list[bytes]:
    """Return the bytes of JPEG files of 0.3 to 2.1 megapixels, with soft edges and many colours."""
    from PIL import Image

    dice = np.random.default_rng(_SEED)
    files = []
    for at in range(n_pictures):
        width, height = _SIZES[at % len(_SIZES)]
        levels = dice.integers(0, 256, (height // _GRAIN, width // _GRAIN, 3)).astype(np.uint8)
        image = Image.fromarray(levels).resize((width, height), Image.Resampling.BICUBIC)
        file = BytesIO()
        image.save(file, "JPEG", quality=_QUALITY)
        files.append(file.getvalue())
    return files


def reads_pictures(encoder: Any) -> bool:
    """Return whether a loaded model of holotype reads pictures."""
    kind = str(encoder.record.type)
    pages = kind == "colbert" and getattr(encoder.encoding, "pictures", None) is not None
    return pages or kind in ("image-text", "captioner")


def measure_picture_speed(
    encoder: Any,
    profile: PictureProfile,
    *,
    clock: Callable[[], float] = perf_counter,
    before_each: Callable[[], object] = lambda: None,
) -> tuple[Measurement, ...]:
    """Time single pictures, from the bytes of a file to a vector or caption, and several at once.

    See `measure_speed` for the numbers.

    Args:
        encoder: a loaded model that reads pictures.
        profile: how many pictures are read, and how often.
        clock: the time in seconds.
        before_each: see `measure_speed`.

    Raises:
        InvalidArgumentError: the model reads no pictures.
        Exception: whatever the model raises, if every request failed.
    """
    if not reads_pictures(encoder):
        raise InvalidArgumentError(
            f"{type(encoder).__name__} reads no pictures; measure_speed() is for models of texts"
        )
    pictures = draw_pictures(profile.n_pictures)
    caption = getattr(encoder, "caption", None)
    run = encoder.encode_image if caption is None else caption
    done = "encoded" if caption is None else "given a caption"
    calls = Calls(
        one=lambda picture: run(picture, progress=False),
        many=lambda: run(pictures, progress=False),
        unit="pictures",
        n_many=len(pictures),
        request=f"one JPEG at a time, decoded and {done}",
        round=f"{len(pictures)} JPEGs in one call, decoded and {done}",
    )
    return time_calls(
        encoder,
        calls,
        pictures,
        n_requests=profile.n_requests,
        n_rounds=profile.n_rounds,
        n_warm_up=profile.n_warm_up,
        clock=clock,
        before_each=before_each,
    )
