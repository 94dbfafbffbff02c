"""What was lost by an export, and when that is too much."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from holotype.encoders.exports.losses import (
    MAX_SCORE_DIFFERENCES,
    MIN_AGREEMENTS,
    MIN_COSINES,
    MIN_WORDS_KEPT,
    Limits,
    check_loss,
    order_kept,
    words_kept,
)
from holotype.encoders.exports.vector_losses import relative_difference, smallest_cosine
from holotype.encoders.graphs.losses import (
    Loss,
    ScoreLoss,
    TextLoss,
    TextWordLoss,
    VectorLoss,
    WordLoss,
)
from holotype.errors import ExportError

DTYPES = list(MIN_COSINES)


def floats(values: Any) -> NDArray[np.float32]:
    return np.asarray(values, dtype=np.float32)


def vectors(cosine: float, difference: float = 0.0) -> VectorLoss:
    text = TextLoss(max_difference=difference, min_cosine=cosine)
    return VectorLoss(max_difference=difference, min_cosine=cosine, texts=(text,))


def words(kept: float) -> WordLoss:
    text = TextWordLoss(max_difference=0.0, min_cosine=1.0, min_words_kept=kept)
    return WordLoss(max_difference=0.0, min_cosine=1.0, min_words_kept=kept, texts=(text,))


def scores(difference: float, agreement: float = 1.0) -> ScoreLoss:
    return ScoreLoss(max_difference=difference, agreement=agreement, inputs=(0.0, difference))


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_type_has_its_limits(dtype: str) -> None:
    least, most = MIN_COSINES[dtype], MAX_SCORE_DIFFERENCES[dtype]
    kept, agreement = MIN_WORDS_KEPT[dtype], MIN_AGREEMENTS[dtype]
    near: list[Loss] = [vectors(least), words(kept), scores(most, agreement)]
    far: list[Loss] = [
        vectors(least - 1e-6),
        words(kept - 0.01),
        scores(most * 1.01),
        scores(0.0, agreement - 0.01),
    ]
    for loss in near:
        check_loss("tiny", loss, dtype, Limits())
    for loss in far:
        with pytest.raises(ExportError, match=f"in {dtype} are too far from the original ones"):
            check_loss("tiny", loss, dtype, Limits())


def vectors_of_texts(*cosines: float) -> VectorLoss:
    texts = tuple(TextLoss(max_difference=0.0, min_cosine=cosine) for cosine in cosines)
    return VectorLoss(max_difference=0.0, min_cosine=min(cosines), texts=texts)


def test_in_bfloat16_one_text_in_ten_may_be_further_away_but_not_far() -> None:
    near = [0.9999] * 11
    check_loss("tiny", vectors_of_texts(*near, 0.998), "bfloat16", Limits())
    check_loss("tiny", vectors_of_texts(0.998, *near), "bfloat16", Limits())
    for cosines in ([*near, 0.989], [*near[1:], 0.998, 0.998], [*near[3:], 0.998], [*near, np.nan]):
        with pytest.raises(ExportError, match=r"expected at least 0\.999(, and 0\.99 for 1 of|\))"):
            check_loss("tiny", vectors_of_texts(*cosines), "bfloat16", Limits())
    with pytest.raises(ExportError, match=r"expected at least 0\.999\)"):
        check_loss("tiny", vectors_of_texts(*near, 0.998), "float16", Limits())
    with pytest.raises(ExportError, match=r"expected at least 0\.9985\)"):
        check_loss("tiny", vectors_of_texts(*near, 0.998), "bfloat16", Limits(min_cosine=0.9985))


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_the_caller_says_is_near_enough_takes_the_place_of_the_limits(dtype: str) -> None:
    check_loss("tiny", vectors(0.5, 1.0), dtype, Limits(min_cosine=0.5))
    check_loss("tiny", words(0.0), dtype, Limits(min_cosine=0.5))
    check_loss("tiny", scores(3.0, 0.0), dtype, Limits(max_difference=3.0))
    with pytest.raises(ExportError, match="expected at least 1"):
        check_loss("tiny", vectors(0.9999999), dtype, Limits(min_cosine=1))
    with pytest.raises(ExportError, match=r"expected at most 0\.1\), that of the input at index 1"):
        check_loss("tiny", scores(0.2), dtype, Limits(max_difference=0.1))


def test_differences_count_in_float32_only_and_nan_is_always_too_far() -> None:
    with pytest.raises(ExportError, match=r"the greatest difference 2\.00e-04"):
        check_loss("tiny", vectors(1.0, 2e-4), "float32", Limits())
    check_loss("tiny", vectors(1.0, 2e-4), "float16", Limits())
    for loss in (vectors(np.nan), vectors(1.0, np.nan), scores(np.nan)):
        with pytest.raises(ExportError):
            check_loss("tiny", loss, "int8", Limits(min_cosine=-1, max_difference=9))


def test_differences_of_large_numbers_are_shares() -> None:
    small, large = floats([0.5, -0.25]), floats([10, -40])
    assert relative_difference(small + np.float32(0.125), small) == 0.125
    assert relative_difference(large + 1, large) == pytest.approx(1 / 40)


def test_equal_vectors_of_zeros_have_a_cosine_of_one() -> None:
    zeros = np.zeros((2, 3), dtype=np.float32)
    assert smallest_cosine(zeros, zeros) == 1
    assert smallest_cosine(zeros + 1, zeros) == 0


def test_words_are_kept_as_long_as_they_are_among_the_heaviest() -> None:
    theirs = np.zeros(100, dtype=np.float32)
    theirs[:40] = np.arange(40, 0, -1)
    assert words_kept(theirs * 2, theirs) == 1
    ours = theirs.copy()
    ours[:8] = 0
    assert words_kept(ours, theirs) == 24 / 32
    assert words_kept(np.zeros(100, dtype=np.float32), theirs) == 0
    assert words_kept(theirs, np.zeros(100, dtype=np.float32)) == 1
    few = floats([0, 3, 2, 0])
    assert words_kept(floats([0, 1, 0.5, 0.75]), few) == 0.5


def test_an_order_is_kept_or_was_none() -> None:
    theirs = floats([[1, 2, 3], [3, 1, 1.00001]])
    assert order_kept(theirs * 5, theirs, 1e-4) == 1
    assert order_kept(floats([[1, 3, 2], [3, 2, 1]]), theirs, 1e-4) == 5 / 6
    assert order_kept(theirs[:, :1], theirs[:, :1], 1e-4) == 1
