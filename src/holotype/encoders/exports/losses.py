"""What exports lose against the model that they were made from, by the kind of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.classifier import Classifier, TextOrPair
from holotype.encoders.colbert import ColbertEncoder
from holotype.encoders.cross_encoder import CrossEncoder
from holotype.encoders.dense import DenseEncoder
from holotype.encoders.encoder import LoadedRecord
from holotype.encoders.exports.vector_losses import (
    compare_vectors,
    relative_difference,
    smallest_cosine,
)
from holotype.encoders.graphs.losses import (
    CaptionLoss,
    Loss,
    ScoreLoss,
    TextWordLoss,
    VectorLoss,
    WordLoss,
)
from holotype.encoders.kinds.prompts import needed_instruction
from holotype.encoders.running.scores import Scores
from holotype.encoders.sparse import SparseEncoder
from holotype.encoders.vectors.sparse import SparseVectors
from holotype.errors import ExportError
from holotype.errors.checkpoints import how_to_limit


def measure_vectors(
    exported: DenseEncoder | ColbertEncoder,
    original: DenseEncoder | ColbertEncoder,
    texts: Sequence[str],
) -> VectorLoss:
    """Compare the vectors of texts; those of both sides, where a model tells queries apart."""
    return compare_vectors(_vectors(exported, texts), _vectors(original, texts))


def _vectors(
    encoder: DenseEncoder | ColbertEncoder, texts: Sequence[str]
) -> list[NDArray[np.float32]]:
    """Return all vectors of each text: ``[n_vectors, dim]``."""
    given = list(texts)
    if isinstance(encoder, DenseEncoder):
        return list(encoder.encode(given, on_overflow="truncate")[:, None])
    sides = encoder.encoding
    queries = encoder.encode_query(
        given, instruction=needed_instruction(sides.query.prompt), on_overflow="truncate"
    )
    documents = encoder.encode_document(
        given, instruction=needed_instruction(sides.document.prompt), on_overflow="truncate"
    )
    return [np.concatenate(pair) for pair in zip(queries, documents, strict=True)]


_N_QUERIES = 3
# Logits that differ by less, as a share of the greatest, have no order that an export could keep.
_TIE = 1e-4


def measure_scores(
    exported: CrossEncoder | Classifier, original: CrossEncoder | Classifier, texts: Sequence[str]
) -> ScoreLoss:
    """Compare the logits of texts and of pairs of them.

    A cross-encoder reads each of the first texts with all of them; a classifier reads every text
    alone, and with the one that follows.
    """
    ours, theirs = _logits(exported, texts), _logits(original, texts)
    rows = zip(ours, theirs, strict=True)
    differences = tuple(relative_difference(mine, other) for mine, other in rows)
    return ScoreLoss(
        # NaN must not get lost on the way.
        max_difference=float(np.max(differences)),
        agreement=_agreement(original, ours, theirs, len(texts)),
        inputs=differences,
    )


def _logits(encoder: CrossEncoder | Classifier, texts: Sequence[str]) -> Scores:
    """Return the logits of all inputs: ``[n_inputs, n_labels]``."""
    if isinstance(encoder, Classifier):
        pairs = zip(texts, (*texts[1:], texts[0]), strict=True)
        inputs: list[TextOrPair] = [*texts, *pairs]
        return encoder.predict_scores(inputs, activation="logits", on_overflow="truncate")
    found = encoder.predict(
        [(query, text) for query in texts[:_N_QUERIES] for text in texts],
        activation="logits",
        instruction=needed_instruction(encoder.encoding.query_prompt),
        on_overflow="truncate",
    )
    return found.reshape(-1, encoder.n_labels)


def _agreement(
    original: CrossEncoder | Classifier, ours: Scores, theirs: Scores, n_texts: int
) -> float:
    tie = _TIE * max(1.0, float(np.abs(theirs).max(initial=0)))
    if isinstance(original, Classifier) and original.multi_label:
        return float((((ours > 0) == (theirs > 0)) | (np.abs(theirs) <= tie)).mean())
    if theirs.shape[1] == 1:
        return order_kept(ours.reshape(-1, n_texts), theirs.reshape(-1, n_texts), tie)
    best = np.take_along_axis(theirs, ours.argmax(axis=1)[:, None], axis=1)[:, 0]
    return float((best >= theirs.max(axis=1) - tie).mean())


def order_kept(ours: NDArray[np.float32], theirs: NDArray[np.float32], tie: float) -> float:
    """Return the share of pairs of one row's scores that are in the same order as originally.

    Args:
        ours: scores: ``[n_rows, n_scores]``.
        theirs: the original ones.
        tie: how far apart two of the original scores must be to have an order.
    """
    first, second = np.triu_indices(theirs.shape[1], k=1)
    if not first.size:
        return 1.0
    apart = theirs[:, first] - theirs[:, second]
    now = ours[:, first] - ours[:, second]
    return float(((np.abs(apart) <= tie) | (apart * now > 0)).mean())


_HEAVIEST = 32
# Words whose weights differ by less have no order that an export could keep.


def measure_words(
    exported: SparseEncoder, original: SparseEncoder, texts: Sequence[str]
) -> WordLoss:
    """Compare the sparse vectors of texts, as queries and as documents."""
    ours, theirs = _both_sides(exported, texts), _both_sides(original, texts)
    found = tuple(
        _word_loss_of_text(
            np.stack([side[at].to_dense() for side in ours]),
            np.stack([side[at].to_dense() for side in theirs]),
        )
        for at in range(len(texts))
    )
    return WordLoss(
        # NaN must not get lost on the way.
        max_difference=float(np.max([loss.max_difference for loss in found])),
        min_cosine=float(np.min([loss.min_cosine for loss in found])),
        min_words_kept=float(np.min([loss.min_words_kept for loss in found])),
        texts=found,
    )


def _both_sides(encoder: SparseEncoder, texts: Sequence[str]) -> tuple[SparseVectors, ...]:
    given, encoding = list(texts), encoder.encoding
    queries = encoder.encode_query(
        given, instruction=needed_instruction(encoding.query_prompt), on_overflow="truncate"
    )
    documents = encoder.encode_document(
        given, instruction=needed_instruction(encoding.document_prompt), on_overflow="truncate"
    )
    return queries, documents


def _word_loss_of_text(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> TextWordLoss:
    kept = (words_kept(*pair) for pair in zip(ours, theirs, strict=True))
    return TextWordLoss(
        max_difference=relative_difference(ours, theirs),
        min_cosine=smallest_cosine(ours, theirs),
        min_words_kept=min(kept),
    )


def words_kept(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> float:
    """Return the share of the original's heaviest words that are among the heaviest here, too.

    Args:
        ours: the weights of all words: ``[dim]``.
        theirs: the original ones.
    """
    n_words = min(_HEAVIEST, int(np.count_nonzero(theirs)))
    if not n_words:
        return 1.0
    heaviest = np.argsort(-theirs, kind="stable")[:n_words]
    least = np.sort(ours)[-n_words]
    tie = _TIE * max(1.0, float(theirs.max()))
    kept = (ours[heaviest] > 0) & (ours[heaviest] >= least - tie)
    return float(kept.mean())


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
WORST_COSINES = {**MIN_COSINES, "bfloat16": 0.99}
"""How near the vectors of one text in ten must be, by the type of the export.

bfloat16 keeps 8 bits of a number, and texts that repeat themselves add up the same error again and
again: of all-mpnet-base-v2 one text of twelve has 0.998, the others 0.9999. A wrong model is wrong
for most texts, and where it is for one, by more.
"""
_TEXTS_PER_WORST = 10
MIN_WORDS_KEPT = {"float32": 0.99, "float16": 0.9, "bfloat16": 0.8, "int8": 0.6}
"""How many of the heaviest words of a sparse vector must stay, by the type of the export."""
MAX_SCORE_DIFFERENCES = {"float32": 1e-4, "float16": 0.01, "bfloat16": 0.05, "int8": 0.25}
"""How far a logit may be from its original, by the type of the export."""
MIN_AGREEMENTS = {"float32": 0.99, "float16": 0.95, "bfloat16": 0.9, "int8": 0.8}
"""How many decisions of a head must stay as they were, by the type of the export."""
MIN_CAPTION_WORDS = {"float32": 1.0, "float16": 0.9, "bfloat16": 0.75, "int8": 0.5}
"""How many words of captions must stay where they were, by the type of the export.

One token that another one overtakes changes all that follow it.
"""
_MAX_DIFFERENCE = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the caller says is near enough; None means what is usual for the type.

    Attributes:
        min_cosine: for models that make vectors.
        max_difference: for models that make scores, or captions, whose scores these are then.
    """

    min_cosine: float | None = None
    max_difference: float | None = None


def measure_loss(
    exported: LoadedRecord[Any, Any], original: LoadedRecord[Any, Any], texts: Sequence[str]
) -> Loss:
    """Compare what two encoders of one model give for texts, and for pictures if it reads some."""
    if str(original.record.type) == "captioner":
        from holotype.encoders.exports.picture_losses import measure_captions

        return measure_captions(exported, original)
    if str(original.record.type) == "image-text":
        # Exports of other models need no Pillow.
        from holotype.encoders.exports.picture_losses import measure_both_sides

        return measure_both_sides(exported, original, texts)
    if (
        isinstance(exported, ColbertEncoder)
        and isinstance(original, ColbertEncoder)
        and original.encoding.pictures is not None
    ):
        from holotype.encoders.exports.picture_losses import measure_pages

        return measure_pages(exported, original, texts)
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
    if isinstance(loss, CaptionLoss):
        _check_captions(model_id, loss, dtype, limits.max_difference)
    elif isinstance(loss, ScoreLoss):
        _check_scores(model_id, loss, dtype, limits.max_difference)
    else:
        _check_vectors(model_id, loss, dtype, limits.min_cosine)


def _check_vectors(
    model_id: str, loss: VectorLoss | WordLoss, dtype: str, min_cosine: float | None
) -> None:
    told = min_cosine is not None
    least, worst_allowed = (
        (MIN_COSINES[dtype], WORST_COSINES[dtype]) if min_cosine is None else (min_cosine,) * 2
    )
    cosines = sorted(text.min_cosine for text in loss.texts)
    n_worst = len(cosines) // _TEXTS_PER_WORST
    exact = dtype != "float32" or told or loss.max_difference <= _MAX_DIFFERENCE
    kept, words = True, ""
    if isinstance(loss, WordLoss):
        kept = told or loss.min_words_kept >= MIN_WORDS_KEPT[dtype]
        words = (
            f", the smallest share of the heaviest words that stay {loss.min_words_kept:.2f} "
            f"(expected at least {MIN_WORDS_KEPT[dtype]})"
        )
    # Written so that NaN is refused.
    near = all(cosine >= worst_allowed for cosine in cosines) and cosines[n_worst] >= least
    if near and exact and kept and np.isfinite(loss.max_difference):
        return
    most = ""
    if n_worst and worst_allowed < least:
        most = f", and {worst_allowed} for {n_worst} of the {len(cosines)} texts"
    worst = int(np.argmin([text.min_cosine for text in loss.texts]))
    raise ExportError(
        model_id,
        f"its vectors in {dtype} are too far from the original ones: the smallest cosine is "
        f"{loss.min_cosine:.6f} (expected at least {least}{most}), the greatest difference "
        f"{loss.max_difference:.2e}{words}, the worst text the one at index {worst}. Take another dtype",
        how_to_limit("min_cosine", joint=", or "),
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
        f"{MIN_AGREEMENTS[dtype]:.0%}). Take another dtype",
        how_to_limit("max_difference", joint=", or "),
    )


def _check_captions(
    model_id: str, loss: CaptionLoss, dtype: str, max_difference: float | None
) -> None:
    most = MAX_SCORE_DIFFERENCES[dtype] if max_difference is None else max_difference
    kept = max_difference is not None or loss.words_kept >= MIN_CAPTION_WORDS[dtype]
    if loss.max_difference <= most and kept:
        return
    worst = max(range(len(loss.pictures)), key=lambda at: loss.pictures[at])
    raise ExportError(
        model_id,
        f"its captions in {dtype} are too far from the original ones: the greatest difference of a "
        f"score is {loss.max_difference:.2e} (expected at most {most}), that of the picture at index "
        f"{worst}, and {loss.words_kept:.0%} of the words stay where they were (expected at least "
        f"{MIN_CAPTION_WORDS[dtype]:.0%}). Take another dtype",
        how_to_limit("max_difference", joint=", or "),
    )
