"""Measurements of versions: what was measured, on what, where, and how certain it is."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from holotype.errors import InvalidArgumentError
from holotype.registry.intervals import Interval
from holotype.registry.tables import LONGEST_TEXT
from holotype.registry.versions import ModelVersion

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@/-]{0,99}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One number, with its unit and how certain it is.

    Attributes:
        name: what was measured, such as ``latency_p95`` or ``recall@10``.
        unit: its unit, such as ``ms`` or ``texts/s``; ``1`` for a share.
        value: the number; finite.
        n_samples: how many samples it was computed from.
        interval: the ends of its confidence interval of 95 %; None if it has none.
        higher_is_better: whether more is better; None if neither is.
        notes: how it was measured; can be empty.

    Raises:
        InvalidArgumentError: a value is not finite, or outside of its interval, or a name is wrong.
    """

    name: str
    unit: str
    value: float
    n_samples: int
    interval: Interval | None = None
    higher_is_better: bool | None = None
    notes: str = ""

    def __post_init__(self) -> None:
        """Check the values."""
        if not _NAME.fullmatch(self.name):
            raise InvalidArgumentError(
                f"the metric is called {self.name!r}; expected a name such as 'recall@10'"
            )
        numbers = (self.value, *(self.interval or ()))
        if not all(isinstance(each, int | float) and math.isfinite(each) for each in numbers):
            raise InvalidArgumentError(
                f"{self.name} is {self.value!r} with the interval {self.interval!r}; expected finite "
                "numbers: leave out what could not be measured"
            )
        if self.interval is not None and not self.interval[0] <= self.value <= self.interval[1]:
            raise InvalidArgumentError(
                f"{self.name} is {self.value!r}, outside of its interval {self.interval!r}"
            )
        if self.n_samples < 1 or not 1 <= len(self.unit) <= 50 or len(self.notes) > LONGEST_TEXT:
            raise InvalidArgumentError(
                f"{self.name} has {self.n_samples!r} samples, the unit {self.unit!r} and "
                f"{len(self.notes)} characters of notes; expected 1 sample or more, a unit, and up "
                f"to {LONGEST_TEXT} characters"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkRun:
    """The measurements of one version on one set of data, in one go; it never changes.

    Attributes:
        id: its number in the database.
        test_run_id: a name that runs of several versions share if they were made to be compared.
        version: the version.
        dataset: the name of the data.
        dataset_digest: the SHA-256 of the data, ``sha256:`` and 64 hexadecimal digits.
        environment: what the numbers depend on besides: machine, device, threads, packages.
        recorded_at: when it was recorded, in UTC.
        measurements: the numbers, by name.
    """

    id: int
    test_run_id: str
    version: ModelVersion
    dataset: str
    dataset_digest: str
    environment: Mapping[str, Any] = field(hash=False)
    recorded_at: datetime
    measurements: tuple[Measurement, ...]

    def find(self, name: str) -> Measurement | None:
        """Return the measurement of a name; None if there is none."""
        return next((each for each in self.measurements if each.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One value of a metric at one time.

    Attributes:
        at: when it was recorded, in UTC.
        value: the value.
        low: the lower end of its confidence interval; None if it has none.
        high: the upper end; likewise.
    """

    at: datetime
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """How a metric developed.

    Attributes:
        metric: the metric.
        unit: its unit; empty if it was never measured. Values in an earlier unit are left out.
        points: the values, from the oldest to the newest.
    """

    metric: str
    unit: str
    points: tuple[Point, ...]


def thin_out(points: Sequence[Point], n_points: int) -> tuple[Point, ...]:
    """Return at most `n_points` of points ordered by time, with the extremes of each share."""
    if len(points) <= n_points:
        return tuple(points)
    first, last = points[0].at.timestamp(), points[-1].at.timestamp()
    n_shares = n_points // 2
    width = (last - first) / n_shares or 1.0
    shares: dict[int, list[int]] = {}
    for number, point in enumerate(points):
        share = min(n_shares - 1, int((point.at.timestamp() - first) / width))
        shares.setdefault(share, []).append(number)
    kept: set[int] = set()
    for numbers in shares.values():
        kept.add(min(numbers, key=lambda number: points[number].value))
        kept.add(max(numbers, key=lambda number: points[number].value))
    return tuple(points[number] for number in sorted(kept))


def check_digest(digest: str) -> str:
    """Return the digest of a set of data.

    Raises:
        InvalidArgumentError: it is none.
    """
    if not _DIGEST.fullmatch(digest):
        raise InvalidArgumentError(
            f"dataset_digest is {digest!r}; expected 'sha256:' and 64 hexadecimal digits"
        )
    return digest
