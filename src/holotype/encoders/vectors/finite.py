"""NaN and infinity: no vector may hold them, and no score is made of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ADVICE = (
    "encode the text again, in dtype='float32' or 'bfloat16' if the model ran in 'float16', whose "
    "range is small"
)


def require_finite(vectors: NDArray[Any], name: str, first: int = 0) -> None:
    """Refuse vectors with NaN or infinity.

    Args:
        vectors: ``[..., dim]``.
        name: what errors call them.
        first: the index of the first of them.

    Raises:
        ValueError: there are some; the error names the first.
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
    absent: float = 0.0,
) -> NDArray[np.float32]:
    """Return scores, once none of them is NaN or infinite.

    The scores are checked instead of the vectors: there are fewer of them, and NaN in a vector is
    NaN in its scores.

    Args:
        scores: of all pairs, or of some.
        queries: the values of each query, to name one in the error.
        documents: the values of each document.
        absent: a score that stands for an absent document, and is allowed.

    Raises:
        ValueError: a score is NaN or infinite; the error names the first vector that is.
    """
    if (np.isfinite(scores) | (scores == absent)).all():
        return scores
    for name, several in (("queries", queries), ("documents", documents)):
        for index, values in enumerate(several):
            if not np.isfinite(values).all():
                raise ValueError(f"{name} hold NaN or infinity, first at index {index}; {_ADVICE}")
    raise ValueError("vectors are too long for their products to be float32; normalise them")
