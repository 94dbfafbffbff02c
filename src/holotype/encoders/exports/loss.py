"""How far an export is from the original weights, and whether that is near enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from holotype.encoders.classifier import Classifier
from holotype.encoders.colbert import ColbertEncoder
from holotype.encoders.cross_encoder import CrossEncoder
from holotype.encoders.dense import DenseEncoder
from holotype.encoders.encoder import Encoder
from holotype.encoders.exports.score_loss import measure_scores
from holotype.encoders.exports.vector_loss import measure_vectors
from holotype.encoders.exports.word_loss import measure_words
from holotype.encoders.graph_backends.losses import Loss, ScoreLoss, VectorLoss, WordLoss
from holotype.encoders.sparse import SparseEncoder
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
MIN_WORDS_KEPT = {"float32": 0.99, "float16": 0.9, "bfloat16": 0.8, "int8": 0.6}
"""How many of the heaviest words of a sparse vector must stay, by the type of the export."""
MAX_SCORE_DIFFERENCES = {"float32": 1e-4, "float16": 0.01, "bfloat16": 0.05, "int8": 0.25}
"""How far a logit may be from its original, by the type of the export."""
MIN_AGREEMENTS = {"float32": 0.99, "float16": 0.95, "bfloat16": 0.9, "int8": 0.8}
"""How many decisions of a head must stay as they were, by the type of the export."""
_MAX_DIFFERENCE = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the caller says is near enough; None means what is usual for the type.

    Attributes:
        min_cosine: for models that make vectors.
        max_difference: for models that make scores.
    """

    min_cosine: float | None = None
    max_difference: float | None = None


def measure_loss(exported: Encoder[Any], original: Encoder[Any], texts: Sequence[str]) -> Loss:
    """Compare what two encoders of one model give for texts."""
    vectors, scores = (DenseEncoder, ColbertEncoder), (CrossEncoder, Classifier)
    if isinstance(exported, vectors) and isinstance(original, vectors):
        return measure_vectors(exported, original, texts)
    if isinstance(exported, SparseEncoder) and isinstance(original, SparseEncoder):
        return measure_words(exported, original, texts)
    if isinstance(exported, scores) and isinstance(original, scores):
        return measure_scores(exported, original, texts)
    raise TypeError(f"cannot compare {type(exported).__name__} with {type(original).__name__}")


def check_loss(model_id: str, loss: Loss, dtype: str, limits: Limits) -> None:
    """Refuse an export that is too far from its original.

    Args:
        model_id: the model, for the error.
        loss: what was measured.
        dtype: the type of the export; in float32 the differences of vectors are limited to 1e-4,
            too.
        limits: what the caller says is near enough.

    Raises:
        ExportError: it is too far.
    """
    if isinstance(loss, ScoreLoss):
        _check_scores(model_id, loss, dtype, limits.max_difference)
    else:
        _check_vectors(model_id, loss, dtype, limits.min_cosine)


def _check_vectors(
    model_id: str, loss: VectorLoss | WordLoss, dtype: str, min_cosine: float | None
) -> None:
    least = MIN_COSINES[dtype] if min_cosine is None else min_cosine
    told = min_cosine is not None
    exact = dtype != "float32" or told or loss.max_difference <= _MAX_DIFFERENCE
    kept, words = True, ""
    if isinstance(loss, WordLoss):
        kept = told or loss.min_words_kept >= MIN_WORDS_KEPT[dtype]
        words = (
            f", the smallest share of the heaviest words that stay {loss.min_words_kept:.2f} "
            f"(expected at least {MIN_WORDS_KEPT[dtype]})"
        )
    # Written so that NaN is refused.
    if loss.min_cosine >= least and exact and kept and np.isfinite(loss.max_difference):
        return
    worst = min(range(len(loss.texts)), key=lambda at: loss.texts[at].min_cosine)
    raise ExportError(
        model_id,
        f"its vectors in {dtype} are too far from the original ones: the smallest cosine is "
        f"{loss.min_cosine:.6f} (expected at least {least}), the greatest difference "
        f"{loss.max_difference:.2e}{words}, the worst text the one at index {worst}. Take another "
        "dtype, or say with min_cosine what is near enough for you",
    )


def _check_scores(model_id: str, loss: ScoreLoss, dtype: str, max_difference: float | None) -> None:
    most = MAX_SCORE_DIFFERENCES[dtype] if max_difference is None else max_difference
    agrees = max_difference is not None or loss.agreement >= MIN_AGREEMENTS[dtype]
    if loss.max_difference <= most and agrees:
        return
    worst = max(range(len(loss.inputs)), key=lambda at: loss.inputs[at])
    raise ExportError(
        model_id,
        f"its scores in {dtype} are too far from the original ones: the greatest difference of a "
        f"logit is {loss.max_difference:.2e} (expected at most {most}), that of the input at index "
        f"{worst}, and {loss.agreement:.2%} of the decisions stay (expected at least "
        f"{MIN_AGREEMENTS[dtype]:.0%}). Take another dtype, or say with max_difference what is "
        "near enough for you",
    )
