"""MaxSim, the score of late interaction.

For every token of a query the best token of a document is taken, and these are summed (Khattab and
Zaharia, ColBERT, 2020, https://arxiv.org/abs/2004.12832).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_TOKENS_AT_ONCE = 65_536


def maxsim(
    queries: Sequence[NDArray[np.float32]], documents: Sequence[NDArray[np.float32]]
) -> NDArray[np.float32]:
    """Score every query against every document.

    Args:
        queries: ``[n_tokens, dim]`` each.
        documents: ``[n_tokens, dim]`` each.

    Returns:
        float32 ``[n_queries, n_documents]``. A document without any token is worse than all
        others: its score is -inf.
    """
    scores = np.full((len(queries), len(documents)), -np.inf, dtype=np.float32)
    for columns in _groups([len(document) for document in documents]):
        tokens = np.concatenate([documents[column] for column in columns])
        lengths = [len(documents[column]) for column in columns]
        starts = np.cumsum([0, *lengths[:-1]])
        for row, query in enumerate(queries):
            best = np.maximum.reduceat(query @ tokens.T, starts, axis=1)
            scores[row, columns] = best.sum(axis=0)
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
