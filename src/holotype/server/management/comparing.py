"""The bodies of the answers about measurements and comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from holotype.registry import BenchmarkRun, ComparedMetric, Comparison, Measurement
from holotype.registry.comparing import VersionsCompared
from holotype.registry.measurements import Series
from holotype.server.management.answers import Answer, VersionBody


class MeasurementBody(Answer):
    """One number, with its unit and how certain it is."""

    name: str
    """What was measured, such as `latency_p95` or `recall@10`."""
    unit: str
    """Its unit, such as `ms` or `texts/s`; `1` for a share."""
    value: float
    """The number."""
    n_samples: int
    """How many samples it was computed from."""
    interval: tuple[float, float] | None
    """The ends of its confidence interval of 95 %; null if it has none."""
    higher_is_better: bool | None
    """Whether more is better; null if neither is."""
    notes: str
    """How it was measured; it can be empty."""

    @classmethod
    def of(cls, each: Measurement) -> MeasurementBody:
        """Describe a measurement."""
        return cls(
            name=each.name,
            unit=each.unit,
            value=each.value,
            n_samples=each.n_samples,
            interval=each.interval,
            higher_is_better=each.higher_is_better,
            notes=each.notes,
        )


class RunBody(Answer):
    """The measurements of one version on one set of data."""

    id: int
    """Its number in the database."""
    test_run_id: str
    """A name that runs of several versions share if they were made to be compared."""
    version: VersionBody
    """The version."""
    dataset: str
    """The name of the data."""
    dataset_digest: str
    """The SHA-256 of the data."""
    environment: dict[str, Any]
    """What the numbers depend on besides: machine, device, threads, packages."""
    recorded_at: datetime
    """When it was recorded, in UTC."""
    measurements: list[MeasurementBody]
    """The numbers."""

    @classmethod
    def of(cls, run: BenchmarkRun, *, active: bool = False) -> RunBody:
        """Describe a run."""
        return cls(
            id=run.id,
            test_run_id=run.test_run_id,
            version=VersionBody.of(run.version, active=active),
            dataset=run.dataset,
            dataset_digest=run.dataset_digest,
            environment=dict(run.environment),
            recorded_at=run.recorded_at,
            measurements=[MeasurementBody.of(each) for each in run.measurements],
        )


class RunsBody(Answer):
    """A page of runs, the newest first."""

    items: list[RunBody]
    """The runs of this page."""
    next: int | None = Field(description="The value of before for the next page.")


class SeriesBody(Answer):
    """How a metric developed, from the oldest to the newest."""

    metric: str
    """The metric."""
    unit: str
    """Its unit."""
    points: list[tuple[datetime, float, float | None, float | None]] = Field(
        description="Time, value, and the ends of its confidence interval."
    )

    @classmethod
    def of(cls, series: Series) -> SeriesBody:
        """Describe a series."""
        return cls(
            metric=series.metric,
            unit=series.unit,
            points=[(each.at, each.value, each.low, each.high) for each in series.points],
        )


class DifferenceBody(Answer):
    """The difference of a version from the first."""

    difference: float
    """The difference, in the unit of the metric."""
    relative: float | None
    """The difference as a share of the first version's value; null if that is zero."""
    interval: tuple[float, float] | None
    """The ends of its confidence interval of 95 %; null if it has none."""
    verdict: Literal["better", "worse", "unclear"] | None
    """Whether the version is better, with 95 % confidence; null without an interval."""


class ComparedBody(Answer):
    """A metric of several versions on one set of data."""

    dataset: str
    """The name of the data."""
    name: str
    """The metric."""
    unit: str
    """Its unit."""
    higher_is_better: bool | None
    """Whether more is better; null if neither is."""
    values: list[MeasurementBody | None]
    """That of each version; null where it was not measured."""
    differences: list[DifferenceBody | None] = Field(
        description="From the first version; null for itself, and where two cannot be compared."
    )
    apart: str = Field(description="Why some are side by side, without a difference.")

    @classmethod
    def of(
        cls,
        dataset: str,
        name: str,
        unit: str,
        values: Sequence[Measurement | None],
        compared: Sequence[tuple[str, ComparedMetric | None]],
    ) -> ComparedBody:
        """Describe a metric.

        Args:
            dataset: the data.
            name: the metric.
            unit: its unit.
            values: that of each version.
            compared: each version but the first, by its name, against the first.
        """
        known = next(each for each in values if each is not None)
        reasons = [
            (version, each.apart) for version, each in compared if each is not None and each.apart
        ]
        apart = "; ".join(f"{version}: {why}" for version, why in reasons)
        if len(compared) == 1 and reasons:
            apart = reasons[0][1]
        return cls(
            dataset=dataset,
            name=name,
            unit=unit,
            higher_is_better=known.higher_is_better,
            values=[None if each is None else MeasurementBody.of(each) for each in values],
            differences=[None, *(_difference(each) for _, each in compared)],
            apart=apart,
        )


class ComparisonBody(Answer):
    """Several versions, metric by metric; the first is the base."""

    versions: list[VersionBody]
    """The versions; the others are compared with the first."""
    metrics: list[ComparedBody]
    """The metrics that any of them was measured by."""

    @classmethod
    def of(cls, found: VersionsCompared, *, active: int | None = None) -> ComparisonBody:
        """Describe versions that were compared; `active` is the number of the active one."""
        names = [each.name for each in found.versions]
        return cls(
            versions=[VersionBody.of(each, active=each.id == active) for each in found.versions],
            metrics=[
                ComparedBody.of(
                    each.dataset,
                    each.name,
                    each.unit,
                    each.values,
                    list(zip(names[1:], each.compared[1:], strict=True)),
                )
                for each in found.metrics
            ],
        )

    @classmethod
    def of_two(cls, found: Comparison) -> ComparisonBody:
        """Describe a comparison of the active version with another."""
        return cls(
            versions=[
                VersionBody.of(found.before, active=True),
                VersionBody.of(found.after, active=found.after.id == found.before.id),
            ],
            metrics=[
                ComparedBody.of(
                    each.dataset,
                    each.name,
                    each.unit,
                    (each.before, each.after),
                    [(found.after.name, each)],
                )
                for each in found.metrics
            ],
        )


def _difference(each: ComparedMetric | None) -> DifferenceBody | None:
    if each is None or each.difference is None:
        return None
    return DifferenceBody(
        difference=each.difference,
        relative=each.relative,
        interval=each.interval,
        verdict=each.verdict,
    )
