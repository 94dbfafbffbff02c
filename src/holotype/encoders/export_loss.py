"""How far an export is from the original weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.colbert import ColbertEncoder
from holotype.encoders.dense import DenseEncoder
from holotype.encoders.encoder import Encoder
from holotype.encoders.export_manifest import Loss, TextLoss
from holotype.encoders.prompts import PLACEHOLDER, Prompt
from holotype.errors import ExportError

PROBES = (
    "What is late interaction?",
    "Paris is the capital of France.",
    "x",
    "Ein Satz über Vögel, die im Herbst nach Süden ziehen; nicht alle kommen zurück.",
    "El café cuesta 3,50 € (IVA incluido) en la Calle Mayor nº 7.",
    "Поезд отправляется в 18:45 с третьего пути.",
    "検索エンジンは文書をベクトルに変換して比較する。",
    "محرك البحث يقارن بين النصوص حسب المعنى",
    "def mean(values): return sum(values) / len(values)  # raises ZeroDivisionError for []",
    "Keys: https://example.org/a?b=c&d=%20e, user_name@host, 0x7fff, 🙂🙃, ---, \t tabs.",
    "A retrieval model reads a query and a document and says how well they match. " * 6,
    "The quick brown fox jumps over the lazy dog, and then it does so again and again. " * 40,
)
"""Texts of several languages, scripts and lengths; the last is longer than most models read."""

MIN_COSINES = {"float32": 0.99999, "float16": 0.999, "bfloat16": 0.999, "int8": 0.9}
"""How near each vector must be to its original, by the type of the export."""
_MAX_DIFFERENCE = 1e-4


def measure_loss(exported: Encoder[Any], original: Encoder[Any], texts: Sequence[str]) -> Loss:
    """Compare the vectors of texts; those of both sides, where a model tells queries apart."""
    pairs = zip(_vectors(exported, texts), _vectors(original, texts), strict=True)
    found = tuple(_loss_of_text(ours, theirs) for ours, theirs in pairs)
    return Loss(
        max_difference=max(loss.max_difference for loss in found),
        min_cosine=min(loss.min_cosine for loss in found),
        texts=found,
    )


def check_loss(model_id: str, loss: Loss, dtype: str, min_cosine: float | None) -> None:
    """Refuse an export that is too far from its original.

    Args:
        model_id: the model, for the error.
        loss: what was measured.
        dtype: the type of the export; in float32 the differences are limited to 1e-4, too.
        min_cosine: how near each vector must be; None means what is usual for the type.

    Raises:
        ExportError: it is too far.
    """
    least = MIN_COSINES[dtype] if min_cosine is None else min_cosine
    exact = dtype != "float32" or min_cosine is not None or loss.max_difference <= _MAX_DIFFERENCE
    # Written so that NaN is refused.
    if loss.min_cosine >= least and exact and np.isfinite(loss.max_difference):
        return
    worst = min(range(len(loss.texts)), key=lambda at: loss.texts[at].min_cosine)
    raise ExportError(
        model_id,
        f"its vectors in {dtype} are too far from the original ones: the smallest cosine is "
        f"{loss.min_cosine:.6f} (expected at least {least}), the greatest difference "
        f"{loss.max_difference:.2e}, the worst text the one at index {worst}. Take another dtype, "
        "or say with min_cosine what is near enough for you",
    )


def _vectors(encoder: Encoder[Any], texts: Sequence[str]) -> list[NDArray[np.float32]]:
    """Return all vectors of each text: ``[n_vectors, dim]``."""
    given = list(texts)
    if isinstance(encoder, DenseEncoder):
        return list(encoder.encode(given, on_overflow="truncate")[:, None])
    if not isinstance(encoder, ColbertEncoder):
        raise TypeError(f"expected an encoder of vectors, got {type(encoder).__name__}")
    sides = encoder.encoding
    queries = encoder.encode_query(
        given, instruction=_instruction(sides.query.prompt), on_overflow="truncate"
    )
    documents = encoder.encode_document(
        given, instruction=_instruction(sides.document.prompt), on_overflow="truncate"
    )
    return [np.concatenate(pair) for pair in zip(queries, documents, strict=True)]


def _instruction(prompt: Prompt) -> str | None:
    needed = PLACEHOLDER in prompt.text and prompt.filled is None
    return "Find what matches." if needed else None


def _loss_of_text(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> TextLoss:
    if ours.size == 0 and theirs.size == 0:
        return TextLoss(max_difference=0.0, min_cosine=1.0)
    scale = max(1.0, float(np.abs(theirs).max()))
    mine, other = ours.astype(np.float64), theirs.astype(np.float64)
    lengths = np.linalg.norm(mine, axis=-1) * np.linalg.norm(other, axis=-1)
    same = (mine == other).all(axis=-1)
    cosines = np.where(same, 1.0, (mine * other).sum(axis=-1) / np.maximum(lengths, 1e-12))
    return TextLoss(
        max_difference=float(np.abs(mine - other).max()) / scale,
        min_cosine=float(cosines.min()),
    )
