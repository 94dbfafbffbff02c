"""What an export of a model that reads pictures loses against the model itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.captioner import Captioner
from holotype.encoders.colbert import ColbertEncoder
from holotype.encoders.encoder import LoadedRecord
from holotype.encoders.exports.vector_losses import compare_vectors
from holotype.encoders.graphs.losses import CaptionLoss, VectorLoss
from holotype.encoders.image_text import ImageTextEncoder


def measure_both_sides(
    exported: LoadedRecord[Any, Any], original: LoadedRecord[Any, Any], texts: Sequence[str]
) -> VectorLoss:
    """Compare the vectors of texts, and after them those of a few pictures."""
    if not isinstance(exported, ImageTextEncoder) or not isinstance(original, ImageTextEncoder):
        raise TypeError(f"cannot compare {type(exported).__name__} with {type(original).__name__}")
    pictures = probe_pictures()
    ours, theirs = (
        np.concatenate(
            [encoder.encode(list(texts), on_overflow="truncate"), encoder.encode_image(pictures)]
        )
        for encoder in (exported, original)
    )
    return compare_vectors(ours[:, None], theirs[:, None])


def measure_pages(
    exported: ColbertEncoder, original: ColbertEncoder, texts: Sequence[str]
) -> VectorLoss:
    """Compare the vectors of queries, and after them those of a few pictures."""
    ours, theirs = (
        [
            *encoder.encode_query(list(texts), on_overflow="truncate"),
            *encoder.encode_image(probe_pictures()),
        ]
        for encoder in (exported, original)
    )
    return compare_vectors(ours, theirs)


def measure_captions(
    exported: LoadedRecord[Any, Any], original: LoadedRecord[Any, Any]
) -> CaptionLoss:
    """Compare the captions of a few pictures, word by word, and their scores."""
    if not isinstance(exported, Captioner) or not isinstance(original, Captioner):
        raise TypeError(f"cannot compare {type(exported).__name__} with {type(original).__name__}")
    ours, theirs = (one.caption(probe_pictures()) for one in (exported, original))
    n_kept, n_words = 0, 0
    for mine, other in zip(ours, theirs, strict=True):
        words, before = mine.text.split(), other.text.split()
        n_kept += sum(one == two for one, two in zip(words, before, strict=False))
        n_words += max(len(words), len(before))
    differences = tuple(
        abs(mine.score - other.score) for mine, other in zip(ours, theirs, strict=True)
    )
    return CaptionLoss(
        # NaN must not get lost on the way.
        max_difference=float(np.max(differences)),
        words_kept=n_kept / n_words if n_words else 1.0,
        pictures=differences,
    )


def probe_pictures() -> list[NDArray[np.uint8]]:
    """Return pictures of several shapes: even, with gradients, of noise, with stripes."""
    rows, columns = np.mgrid[0:96, 0:128]
    ramp = np.stack([rows * 2, columns, 255 - rows - columns // 2], axis=-1).astype(np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, (64, 48, 3)).astype(np.uint8)
    stripes = np.repeat(((columns // 9 + rows // 31) % 2 * 255)[..., None], 3, axis=-1)
    return [
        np.full((40, 40, 3), 200, dtype=np.uint8),
        ramp,
        noise,
        stripes.astype(np.uint8)[:, :50],
    ]
