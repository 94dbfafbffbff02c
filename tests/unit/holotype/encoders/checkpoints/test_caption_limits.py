"""What the settings of the search for captions may be."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
import transformers

from holotype.encoders.checkpoints.caption_limits import (
    LENGTH_PENALTIES,
    MOST_TOKENS,
    CaptionLimits,
)
from holotype.encoders.checkpoints.captioner import USUAL_SIZES
from holotype.encoders.running.caption_search import SearchRules, write_captions

LIMITS = CaptionLimits(vocab_size=20, n_positions=40)
HUGE = 10**400
NAN, INFINITE = float("nan"), float("inf")
REFUSED: dict[str, tuple[Any, ...]] = {
    "num_beams": (0, -1, 21, 1000, HUGE, 2.0, NAN, True, "3", None),
    "max_new_tokens": (0, -1, 41, 60, HUGE, 3.5, True, "3"),
    "max_length": (0, -1, 41, 60, HUGE, 3.5, True),
    "min_length": (-1, -3, 41, HUGE, 1.5, False),
    "length_penalty": (1000, 1e308, 1e6, -1e6, -5.01, 5.01, HUGE, -HUGE, NAN, INFINITE, True, "1"),
    "repetition_penalty": (0, 0.0, -1, -1.0, 1e-40, 101, HUGE, NAN, INFINITE, -INFINITE, True),
    "early_stopping": (1, 0, 1.0, "Never", "always", None, []),
}
KEPT: dict[str, tuple[Any, ...]] = {
    "num_beams": (1, 20),
    "max_new_tokens": (1, 40),
    "max_length": (1, 40),
    "min_length": (0, 40),
    "length_penalty": (-5, -1.0, 0, 0.6, 5.0),
    "repetition_penalty": (0.01, 1, 1.5, 100),
    "early_stopping": (True, False, "never"),
}


@pytest.mark.parametrize(("name", "value"), [(k, v) for k, vs in REFUSED.items() for v in vs])
def test_what_no_search_can_do_is_refused_with_what_was_expected(name: str, value: Any) -> None:
    assert LIMITS.expected(name, value)


@pytest.mark.parametrize(("name", "value"), [(k, v) for k, vs in KEPT.items() for v in vs])
def test_the_bounds_themselves_may_be_stated(name: str, value: Any) -> None:
    assert LIMITS.expected(name, value) is None


def test_tokens_are_those_of_the_vocabulary() -> None:
    assert [LIMITS.expected_token(token) for token in (0, 19)] == [None, None]
    for token in (-1, 20, 99_999, 10**30, True, 3.0, "a", None):
        assert LIMITS.expected_token(token) == "from 0 to 19, as the vocabulary has it"


def test_sizes_that_are_not_known_have_bounds_too() -> None:
    limits = CaptionLimits(vocab_size=None, n_positions=None)
    assert limits.expected("max_length", MOST_TOKENS) is None
    assert limits.expected("max_length", MOST_TOKENS + 1)
    assert limits.expected("num_beams", HUGE)
    assert limits.expected_token(10**30)


@pytest.mark.parametrize("model_type", USUAL_SIZES)
def test_the_usual_sizes_are_those_of_transformers(model_type: str) -> None:
    name = "blip_text_model" if model_type == "blip" else model_type
    config: Any = transformers.CONFIG_MAPPING[name]()
    positions = getattr(config, "max_position_embeddings", None)
    assert USUAL_SIZES[model_type] == (config.vocab_size, positions)


@pytest.mark.parametrize("penalty", LENGTH_PENALTIES)
def test_the_longest_captions_have_finite_scores_at_the_bounds(penalty: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        divisor = np.float32(MOST_TOKENS**penalty)
        for score in (np.float32(-1e-7), np.float32(-2e9)):
            assert math.isfinite(score / divisor)
            assert score / divisor < 0


@pytest.mark.parametrize("penalty", LENGTH_PENALTIES)
def test_a_search_at_the_bounds_ends(penalty: float) -> None:
    logits = np.linspace(0, 3, 20, dtype=np.float32)
    rules = SearchRules(
        stops=frozenset({4}),
        ends=frozenset({4}),
        max_length=40,
        num_beams=20,
        length_penalty=penalty,
        repetition_penalty=100.0,
        early_stopping="never",
    )
    (found,) = write_captions(
        lambda ids, _: np.tile(logits, (len(ids), 1)),
        fed=[1],
        begin=[1],
        n_pictures=1,
        rules=rules,
    )
    assert 1 < len(found.ids) <= 40
    assert math.isfinite(found.log_probability)
