"""Counters and histograms."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from holotype.pool.metrics import BOUNDS_S, Metrics

A, A_NEXT, B = ("a", "default"), ("a", "next"), ("b", "default")


def test_counters_are_by_name_and_variant() -> None:
    metrics = Metrics()
    metrics.add("loads", A)
    metrics.add("loads", A_NEXT, 2)
    metrics.add("loads", B)
    assert metrics.value("loads", "a") == 3
    assert metrics.value("loads") == 4
    assert metrics.value("evictions") == 0
    assert [(one.labels, one.value) for one in metrics.counts()] == [(A, 1), (A_NEXT, 2), (B, 1)]


def test_a_time_falls_into_the_range_that_ends_at_or_above_it() -> None:
    metrics = Metrics()
    for seconds in (0.0005, 0.001, 0.002, 100.0):
        metrics.time("call_s", A, seconds)
    (found,) = metrics.histograms()
    assert found.counts[:2] == (2, 1)
    assert found.counts[-1] == 1
    assert len(found.counts) == len(BOUNDS_S) + 1
    assert found.count == 4
    assert abs(found.sum_s - 100.0035) < 1e-9


def count(metrics: Metrics) -> None:
    for _ in range(1000):
        metrics.add("loads", A)


def test_threads_lose_no_count() -> None:
    metrics = Metrics()
    with ThreadPoolExecutor(8) as threads:
        for _ in range(8):
            threads.submit(count, metrics)
    assert metrics.value("loads") == 8000
