"""Counters and histograms of a pool, by the name and variant of a model.

Never by its version: a pool that loads and unloads for weeks makes thousands, and each would stay.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Literal, TypeAlias

Counter: TypeAlias = Literal[
    "failures",
    "fallbacks",
    "loads",
    "load_failures",
    "swaps",
    "evictions",
    "unloads",
    "batches",
    "batched_texts",
    "batched_tokens",
    "refused",
    "expired",
]
Timer: TypeAlias = Literal["call_s", "wait_s", "load_s", "queue_s", "batch_s"]
Labels: TypeAlias = tuple[str, str]
"""Name and variant; the variant is empty where none was chosen yet."""

BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""The upper ends of the ranges of histograms; the last range has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """The value of a counter."""

    metric: Counter
    labels: Labels
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """How long something took.

    Attributes:
        metric: what.
        labels: whose.
        counts: how many fell into each range of `BOUNDS_S`, and above the last.
        sum_s: all of them together.
    """

    metric: Timer
    labels: Labels
    counts: tuple[int, ...]
    sum_s: float

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self.counts)


class _Times:
    __slots__ = ("counts", "sum_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.sum_s = 0.0


class Metrics:
    """What has been counted so far. Safe to share between threads."""

    def __init__(self) -> None:
        """Start at zero."""
        self._lock = Lock()
        self._counts: dict[tuple[Counter, Labels], int] = {}
        self._times: dict[tuple[Timer, Labels], _Times] = {}

    def add(self, metric: Counter, labels: Labels, n: int = 1) -> None:
        """Count something."""
        with self._lock:
            self._add(metric, labels, n)

    def _add(self, metric: Counter, labels: Labels, n: int) -> None:
        key = metric, labels
        self._counts[key] = self._counts.get(key, 0) + n

    def time(self, metric: Timer, labels: Labels, seconds: float) -> None:
        """Count how long something took."""
        with self._lock:
            self._time(metric, labels, (seconds,))

    def batch(
        self,
        labels: Labels,
        *,
        n_texts: int,
        n_tokens: int,
        seconds: float,
        waited_s: Sequence[float],
    ) -> None:
        """Count a batch, all of it at once, since every request waits for that.

        Args:
            labels: whose.
            n_texts: how many texts it had.
            n_tokens: how many tokens, estimated.
            seconds: how long it took.
            waited_s: how long each of its requests had waited.
        """
        with self._lock:
            self._add("batches", labels, 1)
            self._add("batched_texts", labels, n_texts)
            self._add("batched_tokens", labels, n_tokens)
            self._time("batch_s", labels, (seconds,))
            self._time("queue_s", labels, waited_s)

    def _time(self, metric: Timer, labels: Labels, several_s: Sequence[float]) -> None:
        key = metric, labels
        times = self._times.get(key)
        if times is None:
            times = self._times[key] = _Times()
        for seconds in several_s:
            times.counts[bisect_left(BOUNDS_S, seconds)] += 1
            times.sum_s += seconds

    def answered(self, labels: Labels, seconds: float) -> None:
        """Count a call that was answered, and how long it took."""
        self.time("call_s", labels, seconds)

    def value(self, metric: Counter, name: str | None = None) -> int:
        """Return a counter, over all variants of a model, or of all models."""
        with self._lock:
            return sum(
                n
                for (counted, labels), n in self._counts.items()
                if counted == metric and name in (None, labels[0])
            )

    def counts(self) -> Iterator[Count]:
        """Yield every counter."""
        with self._lock:
            found = list(self._counts.items())
        for (metric, labels), value in sorted(found):
            yield Count(metric=metric, labels=labels, value=value)

    def histograms(self) -> Iterator[Histogram]:
        """Yield every histogram."""
        with self._lock:
            found = [(key, tuple(times.counts), times.sum_s) for key, times in self._times.items()]
        for (metric, labels), counts, sum_s in sorted(found):
            yield Histogram(metric=metric, labels=labels, counts=counts, sum_s=sum_s)
