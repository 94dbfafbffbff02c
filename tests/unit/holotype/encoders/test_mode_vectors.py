"""Vectors of several modes, put together from batches that come in any order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from holotype.encoders.mode_vectors import Found, Mode, Sizes, collect, concatenate, find
from holotype.encoders.running.network import Output, OutputOf

DIM, N_WORDS = 3, 7
SIZES = Sizes(dense=DIM, sparse=N_WORDS, colbert=2)


def dense_of(at: int) -> list[float]:
    return [at, at + 0.5, -at]


def words_of(at: int) -> list[float]:
    return [float(at + 1 if word <= at % N_WORDS else 0) for word in range(N_WORDS)]


def tokens_of(at: int) -> list[list[float]]:
    """The vectors of up to three tokens, of which the first never counts."""
    return [[-9.0, -9.0]] + [[at, token] for token in range(at % 3)]


def outputs_of(positions: list[int], mode: Mode) -> Iterator[Output]:
    """What a head yields: row by row, the last one first, padded."""
    for at in reversed(positions):
        if mode == "colbert":
            tokens = np.zeros((1, 5, 2), np.float32)
            tokens[0, : len(tokens_of(at))] = tokens_of(at)
            counted = np.zeros((1, 5), np.bool_)
            counted[0, 1 : len(tokens_of(at))] = True
            yield [at], tokens, counted
        else:
            row = dense_of(at) if mode == "dense" else words_of(at)
            yield [at], np.array([row], np.float32), np.ones((1, 1), np.bool_)


def batch(positions: list[int]) -> OutputOf[Found]:
    modes: tuple[Mode, ...] = ("dense", "sparse", "colbert")
    outputs = {mode: outputs_of(positions, mode) for mode in modes}
    return positions, find(positions, outputs, top_k=None), np.ones((len(positions), 1), np.bool_)


@given(st.permutations(range(9)), st.integers(1, 9))
def test_texts_keep_their_order_whatever_the_batches_are(order: list[int], size: int) -> None:
    batches = [order[start : start + size] for start in range(0, 9, size)]
    found = collect(9, map(batch, batches), SIZES)
    assert found.dense is not None
    assert found.sparse is not None
    assert found.colbert is not None
    np.testing.assert_array_equal(found.dense, np.array([dense_of(at) for at in range(9)]))
    np.testing.assert_array_equal(found.sparse.to_dense(), [words_of(at) for at in range(9)])
    for at, tokens in enumerate(found.colbert):
        assert tokens.tolist() == tokens_of(at)[1:]


def test_a_mode_that_was_not_loaded_is_none_also_of_several_windows() -> None:
    def only_dense(positions: list[int]) -> OutputOf[Found]:
        outputs: dict[Mode, Iterator[Output]] = {"dense": outputs_of(positions, "dense")}
        return positions, find(positions, outputs, top_k=None), np.ones((2, 1), np.bool_)

    sizes = Sizes(dense=DIM, sparse=None, colbert=None)
    windows = [collect(2, iter([only_dense([1, 0])]), sizes) for _ in range(3)]
    whole = concatenate(windows)
    assert (whole.sparse, whole.colbert) == (None, None)
    assert whole.dense is not None
    assert whole.dense.shape == (6, DIM)
    assert len(whole) == 6


def test_the_heaviest_words_are_kept() -> None:
    outputs: dict[Mode, Iterator[Output]] = {"sparse": outputs_of([6], "sparse")}
    found = find([6], outputs, top_k=2)
    assert found.sparse is not None
    assert len(found.sparse[0]) == 2
