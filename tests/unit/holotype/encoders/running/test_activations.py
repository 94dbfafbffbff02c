"""From logits to scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holotype.encoders.running.scores import activate, choose_activation
from holotype.records import ScoreActivation

ACTIVATIONS: tuple[ScoreActivation, ...] = ("identity", "sigmoid", "softmax")
LOGITS = st.lists(
    st.lists(st.floats(-1e4, 1e4, width=32), min_size=3, max_size=3), min_size=1, max_size=5
)


@given(LOGITS)
def test_scores_are_finite_whatever_the_logits(logits: list[list[float]]) -> None:
    values = np.array(logits, dtype=np.float32)
    for activation in ACTIVATIONS[1:]:
        scores = activate(values, activation)
        assert scores.dtype == np.float32
        assert ((scores >= 0) & (scores <= 1)).all()
        # Rounding may make scores equal, but never turns their order round.
        ordered = np.take_along_axis(scores, values.argsort(-1), -1)
        assert (np.diff(ordered) >= 0).all()
    assert activate(values, "softmax").sum(-1) == pytest.approx(np.ones(len(values)), abs=1e-5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_logits_at_the_ends_of_float32_have_scores_without_a_warning(
    activation: ScoreActivation,
) -> None:
    ends = np.array([[3.4e38, -3.4e38, 0]], dtype=np.float32)
    with np.errstate(all="raise", under="ignore"):
        scores = activate(ends, activation)
    assert np.isfinite(scores).all()
    assert scores.argmax() == 0


def test_sigmoid_and_softmax_are_those_of_the_textbooks() -> None:
    logits = np.array([[0.0, np.log(3.0)]], dtype=np.float32)
    assert activate(logits, "sigmoid")[0] == pytest.approx([0.5, 0.75])
    assert activate(logits, "softmax")[0] == pytest.approx([0.25, 0.75])
    assert activate(logits, "identity") is logits


def test_no_inputs_have_no_scores() -> None:
    none = np.empty((0, 3), dtype=np.float32)
    for activation in ACTIVATIONS:
        assert activate(none, activation).shape == (0, 3)


def test_a_call_may_ask_for_other_scores() -> None:
    assert choose_activation("record", "sigmoid", 1) == "sigmoid"
    assert choose_activation("logits", "sigmoid", 1) == "identity"
    assert choose_activation("identity", "sigmoid", 1) == "identity"
    assert choose_activation("softmax", "identity", 3) == "softmax"


def test_activations_that_make_no_sense_are_refused() -> None:
    unknown: Any = "relu"
    with pytest.raises(ValueError, match="activation is 'relu'"):
        choose_activation(unknown, "sigmoid", 1)
    with pytest.raises(ValueError, match="softmax turns a single score into 1"):
        choose_activation("softmax", "sigmoid", 1)
