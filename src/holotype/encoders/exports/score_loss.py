"""How far the scores of an export are from those of the original weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.classifier import Classifier, TextOrPair
from holotype.encoders.cross_encoder import CrossEncoder
from holotype.encoders.encodings.prompts import needed_instruction
from holotype.encoders.exports.vector_loss import relative_difference
from holotype.encoders.graph_backends.losses import ScoreLoss
from holotype.encoders.scores.activations import Scores

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
