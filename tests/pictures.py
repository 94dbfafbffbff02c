"""Pictures that tests draw themselves, in every form in which files hold them."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from holotype.encoders.kinds.images import PixelSettings


def pixel_settings(**given: Any) -> PixelSettings:
    """Return how CLIP prepares pictures, with the given settings instead of its own."""
    common: dict[str, Any] = {
        "resample": "bicubic",
        "rescale": 1 / 255,
        "mean": (0.48145466, 0.4578275, 0.40821073),
        "std": (0.26862954, 0.26130258, 0.27577711),
        "transparency": "white",
        "orientation": "exif",
    }
    return PixelSettings(**common | given)


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


def png_file(width: int, height: int, data: bytes, *, depth: int = 8, colour: int = 2) -> bytes:
    """Return a PNG file of a stated size, whatever its data are."""

    def chunk(name: bytes, content: bytes) -> bytes:
        whole = name + content
        return struct.pack(">I", len(content)) + whole + struct.pack(">I", zlib.crc32(whole))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def unusual_files() -> dict[str, tuple[bytes, Image.Image]]:
    """Return files that few programs write, and the picture that each of them is."""
    image = photograph(40, 60)
    frames = [image.quantize(64), photograph(40, 60, seed=3).quantize(64)]
    others: dict[str, Any] = {"save_all": True, "append_images": frames[1:]}
    levels = (np.asarray(image.convert("L")).astype(np.uint16) << 8) + 77
    deep = levels.byteswap().tobytes()
    rows = b"".join(b"\0" + deep[at : at + 120] for at in range(0, len(deep), 120))
    cmyk = encoded(image.convert("CMYK"), "JPEG", quality=95)
    gif = encoded(frames[0], "GIF", **others)
    return {
        "CMYK": (cmyk, Image.open(BytesIO(cmyk)).convert("RGB")),
        "16 bits": (
            png_file(60, 40, zlib.compress(rows), depth=16, colour=0),
            Image.fromarray((levels >> 8).astype(np.uint8)).convert("RGB"),
        ),
        "palette": (encoded(frames[0]), frames[0].convert("RGB")),
        "animated GIF": (gif, Image.open(BytesIO(gif)).convert("RGB")),
        "animated PNG": (encoded(frames[0], "PNG", **others), frames[0].convert("RGB")),
        "animated WebP": (
            encoded(
                image, "WEBP", lossless=True, save_all=True, append_images=[photograph(40, 60)]
            ),
            image,
        ),
    }


def broken_files() -> dict[str, bytes]:
    """Return files that are no pictures, or whose pixels nobody should decode."""
    image = photograph()
    return {
        "bomb": png_file(20_000, 20_000, zlib.compress(bytes(1000))),
        "truncated PNG": encoded(image)[:-400],
        "truncated JPEG": encoded(image, "JPEG")[:700],
        "truncated WebP": encoded(image, "WEBP")[:200],
        "truncated GIF": encoded(image, "GIF")[:900],
        "zero size": png_file(0, 4, zlib.compress(b"")),
        "another format": encoded(image, "TIFF"),
        "nothing": b"",
    }
