"""Which labels apply to a text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from holotype.encoders.running.scores import LabelScore, activate, label_rule
from holotype.errors import InvalidArgumentError

LABELS = ("a", "b", "c")
SCORES = np.array([0.25, 0.625, 0.5], dtype=np.float32)


def applying(
    *,
    multi_label: bool,
    top_k: int | None = None,
    threshold: float | None = None,
    thresholds: Mapping[str, float] | None = None,
) -> str:
    rule = label_rule(
        LABELS, multi_label=multi_label, top_k=top_k, threshold=threshold, thresholds=thresholds
    )
    return "".join(found.label for found in rule.apply(SCORES, SCORES))


def test_one_label_is_the_best_that_reaches_its_threshold() -> None:
    assert applying(multi_label=False) == "b"
    assert applying(multi_label=False, threshold=0.7) == ""
    assert applying(multi_label=False, thresholds={"b": 0.7}) == "c"
    assert applying(multi_label=False, top_k=2) == "bc"
    assert applying(multi_label=False, top_k=3, threshold=0.5) == "bc"


def test_several_labels_apply_from_a_half_on() -> None:
    assert applying(multi_label=True) == "bc"
    assert applying(multi_label=True, threshold=0.2) == "bca"
    assert applying(multi_label=True, thresholds={"c": 0.6}) == "b"
    assert applying(multi_label=True, thresholds={"a": 0.1}) == "bca"
    assert applying(multi_label=True, top_k=3) == "bca"
    assert applying(multi_label=True, top_k=1, threshold=0.7) == ""


def test_equal_scores_keep_the_order_of_the_labels() -> None:
    rule = label_rule(LABELS, multi_label=True, top_k=3, threshold=None, thresholds=None)
    equal = np.full(3, 0.5, dtype=np.float32)
    found = rule.apply(equal, equal)
    assert found == tuple(LabelScore(label=label, score=0.5) for label in LABELS)


def test_labels_are_sorted_by_logits_where_their_scores_are_the_same() -> None:
    rule = label_rule(LABELS, multi_label=True, top_k=None, threshold=None, thresholds=None)
    logits = np.array([60, 80, 70], dtype=np.float32)
    scores = activate(logits, "sigmoid")
    assert len(set(scores.tolist())) == 1
    assert [found.label for found in rule.apply(scores, logits)] == ["b", "c", "a"]


def test_a_threshold_for_no_label_is_refused() -> None:
    with pytest.raises(ValueError, match="thresholds names 'd', but the labels are 'a', 'b', 'c'"):
        applying(multi_label=True, thresholds={"d": 0.5})


@pytest.mark.parametrize("top_k", [0, -1, True, 1.5, "2"])
def test_a_number_of_labels_is_at_least_one(top_k: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=r"top_k is .*; expected a whole number of at"):
        applying(multi_label=True, top_k=top_k)


@pytest.mark.parametrize("least", [1.5, -0.1, np.nan, np.inf, True, "0.5", [0.5], 10**400])
def test_a_threshold_is_a_score_that_labels_can_have(least: Any) -> None:
    with pytest.raises(
        InvalidArgumentError, match=r"^threshold is .*; expected a number from 0 to"
    ):
        applying(multi_label=True, threshold=least)
    with pytest.raises(InvalidArgumentError, match=r"^thresholds\['a'\] is .*; expected a number"):
        applying(multi_label=False, thresholds={"a": least})


def test_logits_have_any_threshold_that_is_a_number() -> None:
    numpys: Any = np.float32(-2)
    rule = label_rule(
        LABELS,
        multi_label=True,
        top_k=None,
        threshold=numpys,
        thresholds={"b": 7},
        bounded=False,
    )
    assert rule.thresholds == (-2.0, 7.0, -2.0)
    with pytest.raises(InvalidArgumentError, match="threshold is nan; expected a finite number"):
        label_rule(
            LABELS, multi_label=True, top_k=None, threshold=np.nan, thresholds=None, bounded=False
        )


def test_thresholds_are_by_label() -> None:
    several: Any = 0.5
    with pytest.raises(InvalidArgumentError, match="a number for all is threshold="):
        applying(multi_label=True, thresholds=several)
