"""MaxSim against its definition, written out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import holotype.encoders.vectors.similarity
from holotype.encoders.vectors.ragged import Ragged
from holotype.encoders.vectors.similarity import maxsim, maxsim_pairwise

Score = Callable[[Ragged[np.float32], Ragged[np.float32]], NDArray[np.float32]]

lengths = st.lists(st.integers(0, 6), max_size=5)


def arrays(generator: np.random.Generator, counts: list[int]) -> Ragged[np.float32]:
    found = [generator.standard_normal((count, 3)).astype(np.float32) for count in counts]
    return Ragged.from_arrays(found, dim=3)


@given(lengths, lengths, st.integers(0, 100))
def test_every_query_meets_every_document(
    n_query_tokens: list[int], n_document_tokens: list[int], seed: int
) -> None:
    generator = np.random.default_rng(seed)
    queries, documents = (
        arrays(generator, n_query_tokens),
        arrays(generator, n_document_tokens),
    )
    scores = maxsim(queries, documents)
    assert scores.shape == (len(queries), len(documents))
    assert scores.dtype == np.float32
    for row, query in enumerate(queries):
        for column, document in enumerate(documents):
            if len(document) == 0:
                assert scores[row, column] == -np.inf
                continue
            expected = sum(max(float(q @ d) for d in document) for q in query)
            assert scores[row, column] == pytest.approx(expected, abs=1e-4)


def test_many_documents_are_scored_in_groups_of_a_bounded_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    generator = np.random.default_rng(1)
    queries, documents = arrays(generator, [4, 2]), arrays(generator, [3, 0, 9, 1, 5, 5])
    at_once = maxsim(queries, documents)
    monkeypatch.setattr(holotype.encoders.vectors.similarity, "_TOKENS_AT_ONCE", 4)
    np.testing.assert_allclose(maxsim(queries, documents), at_once, rtol=1e-6)


def test_pairs_have_the_scores_of_the_diagonal() -> None:
    generator = np.random.default_rng(2)
    queries, documents = arrays(generator, [4, 2, 3]), arrays(generator, [3, 0, 9])
    np.testing.assert_allclose(
        maxsim_pairwise(queries, documents), maxsim(queries, documents).diagonal(), rtol=1e-6
    )


def test_queries_and_documents_that_are_not_as_many_make_no_pairs() -> None:
    generator = np.random.default_rng(3)
    with pytest.raises(ValueError, match="2 queries and 1 documents make no pairs"):
        maxsim_pairwise(arrays(generator, [4, 2]), arrays(generator, [3]))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused_with_the_index_of_the_text(wrong: float) -> None:
    good = Ragged.from_arrays([np.ones((2, 3), np.float32), np.ones((1, 3), np.float32)], dim=3)
    bad = good.with_values(good.values.copy())
    bad.values[2, 0] = wrong
    for score in (maxsim, maxsim_pairwise):
        with pytest.raises(ValueError, match="documents hold NaN or infinity, first at index 1"):
            score(good, bad)
        with pytest.raises(ValueError, match="queries hold NaN or infinity, first at index 1"):
            score(bad, good)


@pytest.mark.parametrize("score", [maxsim, maxsim_pairwise])
@pytest.mark.parametrize("n_before", [0, 2])
def test_a_token_that_no_maximum_shows_is_looked_at(score: Score, n_before: int) -> None:
    words = np.ones((3, 4), np.float32)
    words[1, 2] = -np.inf
    empty = [np.ones((0, 4), np.float32)] * n_before
    queries = Ragged.from_arrays([*empty, np.ones((2, 4), np.float32)], dim=4)
    documents = Ragged.from_arrays([*empty, words], dim=4)
    with pytest.raises(ValueError, match=f"documents hold NaN or infinity, .* at index {n_before}"):
        score(queries, documents)


@pytest.mark.parametrize("score", [maxsim, maxsim_pairwise])
def test_products_below_what_float32_holds_are_refused(score: Score) -> None:
    long = Ragged.from_arrays([np.full((1, 2), 3e38, np.float32)], dim=2)
    with pytest.raises(ValueError, match="too long for their products to be float32"):
        score(long, long.with_values(-long.values))
