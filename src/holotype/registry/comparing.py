"""Compares two versions: with a difference only where data and environment are equal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from statistics import fmean
from typing import Any, Literal, TypeAlias

from holotype.registry.intervals import Interval, difference_interval, t_interval
from holotype.registry.measurements import BenchmarkRun, Measurement
from holotype.registry.versions import ModelVersion

Verdict: TypeAlias = Literal["better", "worse", "unclear"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedMetric:
    """A metric of two versions on one set of data.

    Attributes:
        dataset: the name of the data.
        name: the metric.
        unit: its unit.
        before: the measurement of the first version; None if it has none.
        after: that of the second.
        apart: why the two are shown side by side, without a difference; empty if they are compared.
        repeated: whether both were measured in several runs. A machine is faster at one time than
            at another, which the interval of one run cannot know.
    """

    dataset: str
    name: str
    unit: str
    before: Measurement | None
    after: Measurement | None
    apart: str = ""
    repeated: bool = False

    @property
    def difference(self) -> float | None:
        """``after - before``, in the unit; None if the two are not compared."""
        if self.apart or self.before is None or self.after is None:
            return None
        return self.after.value - self.before.value

    @property
    def interval(self) -> Interval | None:
        """The confidence interval of the difference; None if one of the two has none."""
        if self.difference is None or self.before is None or self.after is None:
            return None
        if self.before.interval is None or self.after.interval is None:
            return None
        return difference_interval(
            self.before.value, self.before.interval, self.after.value, self.after.interval
        )

    @property
    def relative(self) -> float | None:
        """The difference as a share of the first value; None if that is 0."""
        if self.difference is None or self.before is None or self.before.value == 0:
            return None
        return self.difference / abs(self.before.value)

    @property
    def verdict(self) -> Verdict | None:
        """Whether the second is better or worse with 95 % confidence; None without an interval.

        That of times and rates is unclear where they are not `repeated`.
        """
        if self.interval is None or self.after is None or self.after.higher_is_better is None:
            return None
        low, high = self.interval
        if low <= 0 <= high or (_is_timed(self.unit) and not self.repeated):
            return "unclear"
        return "better" if (low > 0) == self.after.higher_is_better else "worse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two versions, metric by metric.

    Attributes:
        before: the first version.
        after: the second version.
        metrics: every metric of either, by data and name.
    """

    before: ModelVersion
    after: ModelVersion
    metrics: tuple[ComparedMetric, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricOfVersions:
    """A metric of several versions on one set of data.

    Attributes:
        dataset: the name of the data.
        name: the metric.
        unit: its unit.
        values: the measurement of each version; None where it has none.
        compared: each version against the first; None for the first itself.
    """

    dataset: str
    name: str
    unit: str
    values: tuple[Measurement | None, ...]
    compared: tuple[ComparedMetric | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionsCompared:
    """Several versions, metric by metric, each against the first.

    Attributes:
        versions: the versions.
        metrics: every metric of any of them, by data and name.
    """

    versions: tuple[ModelVersion, ...]
    metrics: tuple[MetricOfVersions, ...]


def compare_versions(
    versions: Sequence[ModelVersion], runs: Sequence[Sequence[BenchmarkRun]]
) -> VersionsCompared:
    """Compare versions by their runs, which come newest first; the first version is the base.

    Of each set of data, one run of the base is taken: the newest of those that can be compared with
    runs of most other versions. Of the others, the newest run that can be compared with it is
    taken, else the newest. Times and rates are means over all runs that can be compared with the
    one taken.
    """
    names = sorted({run.dataset for each in runs for run in each})
    metrics: list[MetricOfVersions] = []
    for name in names:
        base, *others = ([run for run in each if run.dataset == name] for each in runs)
        first = _alike(_base(base, others), base)
        chosen = [_alike(_match(first, each), each) for each in others]
        pairs = [tuple(_compare(name, first, each)) for each in chosen]
        found = {metric.name for pair in pairs for metric in pair}
        metrics += (_of_versions(metric, first, pairs) for metric in sorted(found))
    return VersionsCompared(versions=tuple(versions), metrics=tuple(metrics))


def _base(
    runs: Sequence[BenchmarkRun], others: Sequence[Sequence[BenchmarkRun]]
) -> BenchmarkRun | None:
    def n_comparable(run: BenchmarkRun) -> int:
        return sum(any(not _apart(run, each) for each in other) for other in others)

    # Of equal ones max takes the first, which is the newest.
    return max(runs, key=n_comparable, default=None)


def _match(base: Sequence[BenchmarkRun], runs: Sequence[BenchmarkRun]) -> BenchmarkRun | None:
    equal = (run for run in runs if base and not _apart(base[0], run))
    return next(equal, runs[0] if runs else None)


def _alike(chosen: BenchmarkRun | None, runs: Sequence[BenchmarkRun]) -> Sequence[BenchmarkRun]:
    """Return the runs that can be compared with the one chosen, which comes first; none of None."""
    if chosen is None:
        return ()
    others = (run for run in runs if run is not chosen and not _apart(chosen, run))
    return (chosen, *others)


def _of_versions(
    name: str, base: Sequence[BenchmarkRun], pairs: Sequence[Sequence[ComparedMetric]]
) -> MetricOfVersions:
    found = [next((each for each in pair if each.name == name), None) for pair in pairs]
    some = next(each for each in found if each is not None)
    first = _one(_all_measured(base, name))
    return MetricOfVersions(
        dataset=some.dataset,
        name=name,
        unit=some.unit,
        values=(first, *(None if each is None else each.after for each in found)),
        compared=(None, *found),
    )


def compare_runs(
    before: ModelVersion,
    after: ModelVersion,
    before_runs: Sequence[BenchmarkRun],
    after_runs: Sequence[BenchmarkRun],
) -> Comparison:
    """Compare two versions by their runs, which come newest first.

    Of each set of data, the newest two runs in equal environments are compared; where there are
    none, the newest of each version are shown side by side. Times and rates are means over all runs
    that can be compared with these.
    """
    names = sorted({run.dataset for run in (*before_runs, *after_runs)})
    metrics: list[ComparedMetric] = []
    for name in names:
        old = [run for run in before_runs if run.dataset == name]
        new = [run for run in after_runs if run.dataset == name]
        first, second = _pair(old, new)
        metrics += _compare(name, _alike(first, old), _alike(second, new))
    return Comparison(before=before, after=after, metrics=tuple(metrics))


def _pair(
    before: Sequence[BenchmarkRun], after: Sequence[BenchmarkRun]
) -> tuple[BenchmarkRun | None, BenchmarkRun | None]:
    equal = [(a, b) for a, b in product(before, after) if not _apart(a, b)]
    if equal:
        # The runs that were recorded last, the older of the two counting.
        return max(equal, key=lambda pair: (min(pair[0].id, pair[1].id), pair[0].id + pair[1].id))
    return (before[0] if before else None), (after[0] if after else None)


def _compare(
    dataset: str, before: Sequence[BenchmarkRun], after: Sequence[BenchmarkRun]
) -> Iterator[ComparedMetric]:
    if before and after:
        apart = _apart(before[0], after[0])
    else:
        apart = f"only the {'first' if before else 'second'} was measured"
    chosen = [*before[:1], *after[:1]]
    for name in sorted({each.name for run in chosen for each in run.measurements}):
        all_old, all_new = _all_measured(before, name), _all_measured(after, name)
        old, new = _one(all_old), _one(all_new)
        known = [each for each in (old, new) if each is not None]
        units = {each.unit for each in known}
        yield ComparedMetric(
            dataset=dataset,
            name=name,
            unit=known[0].unit,
            before=old,
            after=new,
            apart=apart or ("" if len(units) == 1 else f"the units differ: {sorted(units)}"),
            repeated=min(len(all_old), len(all_new)) > 1,
        )


def _all_measured(runs: Sequence[BenchmarkRun], name: str) -> list[Measurement]:
    """Return what was measured in the unit of the first run; nothing if that has none."""
    first = runs[0].find(name) if runs else None
    if first is None:
        return []
    found = (run.find(name) for run in runs)
    return [each for each in found if each is not None and each.unit == first.unit]


def _one(measured: Sequence[Measurement]) -> Measurement | None:
    """Return the first measurement, or the mean of all if it depends on when it was measured."""
    if len(measured) < 2 or not _is_timed(measured[0].unit):
        return measured[0] if measured else None
    values = [each.value for each in measured]
    return replace(
        measured[0],
        value=fmean(values),
        interval=t_interval(values),
        n_samples=sum(each.n_samples for each in measured),
        notes=f"the mean of {len(measured)} runs",
    )


def _is_timed(unit: str) -> bool:
    return unit in {"s", "ms"} or unit.endswith("/s")


def _apart(before: BenchmarkRun, after: BenchmarkRun) -> str:
    """Return why two runs cannot be compared; empty if they can."""
    if before.dataset_digest != after.dataset_digest:
        return "the data differ"
    differing = _differing(before.environment, after.environment)
    return f"the environments differ: {'; '.join(differing)}" if differing else ""


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return [
        f"{name} {before.get(name)}, then {after.get(name)}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]
