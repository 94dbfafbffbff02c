"""Modes: one reading for all of them, and vectors put together from what heads yield."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from holotype.encoders.modes import _ModesCollector
from holotype.encoders.running.collecting import VectorCollector
from holotype.encoders.sparse import _WordCollector

DIM, N_WORDS = 3, 7
ONE = np.ones((1, 1), np.bool_)


def dense_of(at: int) -> list[float]:
    return [at, at + 0.5, -at]


def words_of(at: int) -> list[float]:
    return [float(at + 1 if word <= at % N_WORDS else 0) for word in range(N_WORDS)]


def collector(n_texts: int) -> _ModesCollector:
    modes: dict[Any, Any] = {
        "dense": VectorCollector(n_texts, DIM),
        "sparse": _WordCollector(n_texts, dim=N_WORDS, top_k=None),
    }
    return _ModesCollector(modes)


@given(st.permutations(range(9)), st.permutations(range(9)))
def test_texts_keep_their_order_whatever_the_heads_yield_first(
    dense: list[int], sparse: list[int]
) -> None:
    collected = collector(9)
    for ours, theirs in zip(dense, sparse, strict=True):
        collected.add([ours], ("dense", np.array([dense_of(ours)], np.float32)), ONE)
        collected.add([theirs], ("sparse", np.array([words_of(theirs)], np.float32)), ONE)
    found = collected.result()
    np.testing.assert_array_equal(found.dense, [dense_of(at) for at in range(9)])
    np.testing.assert_array_equal(found.sparse.to_dense(), [words_of(at) for at in range(9)])
    assert found.colbert is None
    assert len(found) == 9


def test_the_first_text_without_a_finite_vector_in_any_mode_is_found() -> None:
    collected = collector(3)
    collected.add([0, 1, 2], ("dense", np.zeros((3, DIM), np.float32)), ONE)
    words = np.zeros((3, N_WORDS), np.float32)
    collected.add([0, 1, 2], ("sparse", words), ONE)
    assert collected.first_not_finite() is None
    words[2, 4] = np.nan
    collected.add([0, 1, 2], ("sparse", words), ONE)
    assert collected.first_not_finite() == 2
