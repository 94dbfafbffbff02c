"""Confidence intervals of 95 %, and what each rests on; None where samples are too few."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist, fmean, stdev
from typing import TypeAlias

import numpy as np

Interval: TypeAlias = tuple[float, float]

CONFIDENCE = 0.95

_Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
_RESAMPLES = 2000
_FEWEST_FOR_BOOTSTRAP = 10
_NUMBERS_AT_ONCE = 2_000_000


def t_interval(samples: Sequence[float]) -> Interval | None:
    """Return the interval of a mean by Student's t: for few repetitions of a measurement."""
    if len(samples) < 2:
        return None
    mean = fmean(samples)
    half = t_quantile(len(samples) - 1) * stdev(samples) / math.sqrt(len(samples))
    return mean - half, mean + half


def t_quantile(degrees: int) -> float:
    """Return the quantile of Student's t for an interval of 95 %, within 0.3 % of the exact one.

    The first two are tan and a square root; the others follow the expansion 26.7.5 in Abramowitz
    and Stegun, Handbook of Mathematical Functions.
    """
    upper = 0.5 + CONFIDENCE / 2
    if degrees == 1:
        return math.tan(math.pi * (upper - 0.5))
    if degrees == 2:
        return (2 * upper - 1) / math.sqrt(2 * upper * (1 - upper))
    z, n = _Z, degrees
    terms = (
        z,
        (z**3 + z) / (4 * n),
        (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2),
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3),
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * n**4),
    )
    return sum(terms)


def bootstrap_interval(samples: Sequence[float]) -> Interval | None:
    """Return the interval of a mean by the percentiles of 2,000 resamples.

    It assumes no distribution, and stays within the range of the samples, as scores of queries
    must. The same samples give the same interval.
    """
    n = len(samples)
    if n < _FEWEST_FOR_BOOTSTRAP:
        return None
    values = np.asarray(samples, dtype=np.float64)
    random = np.random.default_rng(0)
    at_once = max(1, _NUMBERS_AT_ONCE // n)
    means = np.concatenate(
        [
            values[random.integers(0, n, size=(min(at_once, _RESAMPLES - start), n))].mean(axis=1)
            for start in range(0, _RESAMPLES, at_once)
        ]
    )
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    # The mean of equal numbers can differ from them in the last digit.
    mean = fmean(samples)
    return min(float(low), mean), max(float(high), mean)


def quantile_interval(samples: Sequence[float], q: float) -> Interval | None:
    """Return the interval of a quantile, such as the 99th percentile, by order statistics.

    How many of n samples are below the true quantile is binomial, whatever their distribution; the
    interval is between the two samples that hold it with 95 %. It is None where there are too few
    samples for one: about 370 for the 99th percentile.
    """
    n = len(samples)
    below = _binomial_cumulative(n, q)
    tail = (1 - CONFIDENCE) / 2
    # The largest rank that is at or below the quantile with enough certainty, and the smallest
    # above.
    low = int(np.searchsorted(below, tail, side="right"))
    high = int(np.searchsorted(below, 1 - tail, side="left")) + 1
    if low < 1 or high > n:
        return None
    ordered = sorted(samples)
    return ordered[low - 1], ordered[high - 1]


def share_interval(n_hits: int, n: int) -> Interval:
    """Return the interval of a share of n trials (Wilson, 1927); it is right also for none and all."""
    share = n_hits / n
    middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    # Rounding must not leave the share itself out.
    return max(0.0, min(middle - half, share)), min(1.0, max(middle + half, share))


def quantile(samples: Sequence[float], q: float) -> float:
    """Return the smallest sample that a share `q` of them does not exceed."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(q * len(ordered)) - 1)]


def difference_interval(
    before: float, before_interval: Interval, after: float, after_interval: Interval
) -> Interval:
    """Return the interval of ``after - before`` for independent measurements.

    It combines the two intervals, which need not be symmetric, by the method of variance estimates
    recovery (Zou and Donner, 2008).
    """
    difference = after - before
    (before_low, before_high), (after_low, after_high) = before_interval, after_interval
    return (
        difference - math.hypot(after - after_low, before_high - before),
        difference + math.hypot(after_high - after, before - before_low),
    )


def _binomial_cumulative(n: int, q: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the probabilities that at most 0, 1, ... n of n samples are below a quantile."""
    k = np.arange(n + 1)
    # Logarithms of factorials, as sums; lgamma of the standard library takes no arrays.
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    terms = logs[n] - logs[k] - logs[n - k] + k * math.log(q) + (n - k) * math.log1p(-q)
    return np.cumsum(np.exp(terms))
