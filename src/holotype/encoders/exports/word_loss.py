"""How far the weights of words of an export are from those of the original weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.encodings.prompts import needed_instruction
from holotype.encoders.exports.vector_loss import relative_difference, smallest_cosine
from holotype.encoders.graph_backends.losses import TextWordLoss, WordLoss
from holotype.encoders.sparse import SparseEncoder
from holotype.encoders.sparse_vectors import SparseVectors

_HEAVIEST = 32
# Words whose weights differ by less have no order that an export could keep.
_TIE = 1e-4


def measure_words(
    exported: SparseEncoder, original: SparseEncoder, texts: Sequence[str]
) -> WordLoss:
    """Compare the sparse vectors of texts, as queries and as documents."""
    ours, theirs = _both_sides(exported, texts), _both_sides(original, texts)
    found = tuple(
        _loss_of_text(
            np.stack([side[at].to_dense() for side in ours]),
            np.stack([side[at].to_dense() for side in theirs]),
        )
        for at in range(len(texts))
    )
    return WordLoss(
        max_difference=max(loss.max_difference for loss in found),
        min_cosine=min(loss.min_cosine for loss in found),
        min_words_kept=min(loss.min_words_kept for loss in found),
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


def _loss_of_text(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> TextWordLoss:
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
