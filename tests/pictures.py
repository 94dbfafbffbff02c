"""Pictures that tests draw themselves, in every form in which files hold them."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image


def photograph(height: int = 60, width: int = 80, seed: int = 0) -> Image.Image:
    """Return a picture with smooth areas, edges and noise, none of them symmetrical."""
    noise = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width]
    levels = np.stack(
        [
            rows * 255 // height,
            columns * 255 // width,
            ((rows // 7 + columns // 5) % 2) * 160 + noise.integers(0, 90, (height, width)),
        ],
        axis=-1,
    )
    levels[: height // 3, : width // 4] = (250, 20, 30)
    return Image.fromarray(levels.astype(np.uint8))


def encoded(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    """Return the bytes of a file."""
    file = BytesIO()
    image.save(file, format, **options)
    return file.getvalue()
