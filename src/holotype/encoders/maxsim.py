"""MaxSim, the score of late interaction.

For every token of a query the best token of a document is taken, and these are summed (Khattab and
Zaharia, ColBERT, 2020, https://arxiv.org/abs/2004.12832).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.ragged import Ragged

_TOKENS_AT_ONCE = 65_536


def maxsim(queries: Ragged[np.float32], documents: Ragged[np.float32]) -> NDArray[np.float32]:
    """Score every query against every document.

    Args:
        queries: their token vectors.
        documents: their token vectors.

    Returns:
        float32 ``[n_queries, n_documents]``. A document without any token is worse than all
        others: its score is -inf.
    """
    scores = np.full((len(queries), len(documents)), -np.inf, dtype=np.float32)
    for columns in _groups(documents.lengths.tolist()):
        tokens = np.concatenate([documents[column] for column in columns])
        lengths = [len(documents[column]) for column in columns]
        starts = np.cumsum([0, *lengths[:-1]])
        for row, query in enumerate(queries):
            best = np.maximum.reduceat(query @ tokens.T, starts, axis=1)
            scores[row, columns] = best.sum(axis=0)
    return scores


def maxsim_pairwise(
    queries: Ragged[np.float32], documents: Ragged[np.float32]
) -> NDArray[np.float32]:
    """Score every query against the document at its own position: float32 ``[n_queries]``.

    Raises:
        ValueError: there are not as many documents as queries.
    """
    if len(queries) != len(documents):
        raise ValueError(
            f"{len(queries)} queries and {len(documents)} documents make no pairs; expected as "
            "many of both"
        )
    scores = np.full(len(queries), -np.inf, dtype=np.float32)
    for at, (query, document) in enumerate(zip(queries, documents, strict=True)):
        if len(document):
            scores[at] = (query @ document.T).max(axis=1).sum()
    return scores


def _groups(lengths: Sequence[int]) -> list[list[int]]:
    """Return the positions of documents that have tokens, in groups of a bounded size."""
    groups: list[list[int]] = []
    room = 0
    for position, length in enumerate(lengths):
        if length == 0:
            continue
        if not groups or length > room:
            groups.append([])
            room = _TOKENS_AT_ONCE
        groups[-1].append(position)
        room -= length
    return groups
