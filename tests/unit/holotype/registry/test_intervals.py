"""Confidence intervals, against SciPy and by simulation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holotype.registry.intervals import (
    Interval,
    bootstrap_interval,
    difference_interval,
    quantile,
    quantile_interval,
    share_interval,
    t_interval,
    t_quantile,
)

stats: Any = pytest.importorskip("scipy.stats")


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 5, 9, 30, 1000])
def test_the_quantile_of_t_is_that_of_scipy(degrees: int) -> None:
    assert t_quantile(degrees) == pytest.approx(stats.t.ppf(0.975, degrees), rel=0.003)


def test_an_interval_by_t_is_that_of_scipy() -> None:
    samples = [3.1, 2.9, 3.3, 3.0, 2.8, 3.2, 3.1, 3.05]
    theirs = stats.t.interval(0.95, 7, np.mean(samples), stats.sem(samples))
    assert t_interval(samples) == pytest.approx(theirs, rel=1e-4)


def test_an_interval_by_bootstrap_is_near_that_of_scipy_and_the_same_each_time() -> None:
    samples = np.random.default_rng(1).random(200).tolist()
    mine = bootstrap_interval(samples)
    theirs = stats.bootstrap(
        (samples,), np.mean, method="percentile", n_resamples=2000, rng=np.random.default_rng(2)
    ).confidence_interval
    assert mine == pytest.approx((theirs.low, theirs.high), abs=0.01)
    assert mine == bootstrap_interval(samples)


def test_a_bootstrap_of_many_samples_is_made_in_parts() -> None:
    samples = np.random.default_rng(1).random(5000).tolist()
    low, high = bootstrap_interval(samples) or (0, 0)
    assert 0.005 < high - low < 0.03


def test_the_interval_of_the_median_is_that_of_scipy() -> None:
    samples = np.random.default_rng(3).random(101).tolist()
    theirs = stats.quantile_test(samples, p=0.5).confidence_interval(0.95)
    mine = quantile_interval(samples, 0.5)
    assert mine is not None
    ordered = sorted(samples)
    for own, other in zip(mine, theirs, strict=True):
        assert abs(ordered.index(own) - ordered.index(other)) <= 1


def test_too_few_samples_have_no_interval() -> None:
    assert t_interval([1.0]) is None
    assert bootstrap_interval([1.0] * 9) is None
    assert quantile_interval([float(n) for n in range(300)], 0.99) is None
    assert quantile_interval([float(n) for n in range(400)], 0.99) is not None


@pytest.mark.parametrize(
    ("make", "true", "interval"),
    [
        (lambda r: r.normal(5, 1, 10), 5.0, t_interval),
        (lambda r: (r.random(100) < 0.8).astype(float), 0.8, bootstrap_interval),
        (lambda r: r.exponential(1, 400), math.log(20), lambda s: quantile_interval(s, 0.95)),
    ],
    ids=["t", "bootstrap", "quantile"],
)
def test_nineteen_of_twenty_intervals_hold_the_true_value(
    make: Callable[[np.random.Generator], Any],
    true: float,
    interval: Callable[[Sequence[float]], Interval | None],
) -> None:
    random = np.random.default_rng(7)
    found = [interval(make(random).tolist()) for _ in range(200)]
    held = sum(each is not None and each[0] <= true <= each[1] for each in found)
    assert 0.90 <= held / len(found) <= 0.995


def test_a_difference_combines_both_intervals() -> None:
    low, high = difference_interval(10, (8, 11), 20, (17, 24))
    assert (low, high) == pytest.approx((10 - math.hypot(3, 1), 10 + math.hypot(4, 2)))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.floats(0.01, 1))
def test_a_quantile_is_a_sample_that_enough_others_do_not_exceed(
    samples: list[float], q: float
) -> None:
    found = quantile(samples, q)
    assert found in samples
    assert sum(each <= found for each in samples) >= q * len(samples) - 1e-6


@given(st.lists(st.floats(0, 1), min_size=10, max_size=40))
def test_a_bootstrapped_interval_holds_the_mean_and_stays_in_range(samples: list[float]) -> None:
    low, high = bootstrap_interval(samples) or (math.nan, math.nan)
    mean = math.fsum(samples) / len(samples)
    assert min(samples) - 1e-12 <= low <= mean + 1e-12
    assert mean - 1e-12 <= high <= max(samples) + 1e-12


def test_the_interval_of_a_share_is_that_of_wilson() -> None:
    # Newcombe (1998), table I, method 3.
    assert share_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert share_interval(0, 20) == pytest.approx((0, 0.1611), abs=5e-5)
    assert share_interval(20, 20) == pytest.approx((0.8389, 1), abs=5e-5)
