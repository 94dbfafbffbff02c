"""Refuse NaN and infinity in vectors and scores."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ADVICE = (
    "encode the text again, in dtype='float32' or 'bfloat16' if the model ran in 'float16', whose "
    "range is small"
)

NOT_REAL = "OSUTcmM"
"""The kinds of NumPy's types that hold no real numbers: objects, texts, complex numbers, times."""


def require_finite(vectors: NDArray[Any], name: str, first: int = 0) -> None:
    """Refuse vectors with NaN or infinity.

    Args:
        vectors: ``[..., dim]``.
        name: their name in errors.
        first: the index of the first vector.

    Raises:
        ValueError: a vector has NaN or infinity; the error names the first one.
    """
    if np.isfinite(vectors).all():
        return
    rows = np.isfinite(vectors.reshape(-1, vectors.shape[-1])).all(axis=1)
    index = first + int(np.argmin(rows))
    raise ValueError(f"{name} hold NaN or infinity, first at index {index}; {_ADVICE}")


def require_finite_scores(
    scores: NDArray[np.float32],
    queries: Iterable[NDArray[Any]],
    documents: Iterable[NDArray[Any]],
    *,
    absent: NDArray[np.bool_] | bool = False,
    first: int = 0,
) -> NDArray[np.float32]:
    """Return the scores if none of them is NaN or infinite.

    Checking scores is cheaper than checking vectors, and NaN in a vector shows up as NaN in its
    scores.

    Args:
        scores: the scores of all pairs, or of some.
        queries: the values of each query, to name the culprit in the error.
        documents: the values of each document.
        absent: which documents are empty; theirs may be infinite.
        first: the index of the first document.

    Raises:
        ValueError: a score is NaN or infinite; the error names the first vector with such values.
    """
    if (np.isfinite(scores) | absent).all():
        return scores
    refuse_infinite("queries", queries)
    refuse_infinite("documents", documents, first)
    raise ValueError("vectors are too long for their products to be float32; normalise them")


def refuse_infinite(name: str, several: Iterable[NDArray[Any]], first: int = 0) -> None:
    """Refuse values with NaN or infinity.

    Args:
        name: their name in errors.
        several: the values of each.
        first: the index of the first of them.

    Raises:
        ValueError: they are in one of the several; the error names the first by its index.
    """
    for index, values in enumerate(several, first):
        if not np.isfinite(values).all():
            raise ValueError(f"{name} hold NaN or infinity, first at index {index}; {_ADVICE}")
