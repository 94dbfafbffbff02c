"""How far the vectors of an export are from those of the original weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.colbert import ColbertEncoder
from holotype.encoders.dense import DenseEncoder
from holotype.encoders.encodings.prompts import needed_instruction
from holotype.encoders.graph_backends.losses import TextLoss, VectorLoss


def measure_vectors(
    exported: DenseEncoder | ColbertEncoder,
    original: DenseEncoder | ColbertEncoder,
    texts: Sequence[str],
) -> VectorLoss:
    """Compare the vectors of texts; those of both sides, where a model tells queries apart."""
    pairs = zip(_vectors(exported, texts), _vectors(original, texts), strict=True)
    found = tuple(_loss_of_text(ours, theirs) for ours, theirs in pairs)
    return VectorLoss(
        max_difference=max(loss.max_difference for loss in found),
        min_cosine=min(loss.min_cosine for loss in found),
        texts=found,
    )


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


def relative_difference(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> float:
    """Return the greatest difference, as a share of the greatest number where that exceeds 1."""
    difference = np.abs(ours.astype(np.float64) - theirs).max(initial=0)
    return float(difference / max(1.0, np.abs(theirs).max(initial=0)))


def smallest_cosine(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> float:
    """Return the smallest cosine of the rows of both; equal rows, also of zeros, have 1."""
    mine, other = ours.astype(np.float64), theirs.astype(np.float64)
    lengths = np.linalg.norm(mine, axis=-1) * np.linalg.norm(other, axis=-1)
    same = (mine == other).all(axis=-1)
    cosines = np.where(same, 1.0, (mine * other).sum(axis=-1) / np.maximum(lengths, 1e-12))
    return float(cosines.min(initial=1))


def _loss_of_text(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> TextLoss:
    return TextLoss(
        max_difference=relative_difference(ours, theirs),
        min_cosine=smallest_cosine(ours, theirs),
    )
