"""Keeps measurements of versions, and answers how they developed and how two versions compare."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Select, exists, insert, select
from sqlalchemy.exc import IntegrityError

from holotype.errors import InvalidArgumentError
from holotype.registry.comparing import (
    Comparison,
    VersionsCompared,
    compare_runs,
    compare_versions,
)
from holotype.registry.errors import VersionExistsError
from holotype.registry.measurements import (
    BenchmarkRun,
    Measurement,
    Point,
    Series,
    check_digest,
    thin_out,
)
from holotype.registry.model_registry import ModelRegistry
from holotype.registry.tables import LONGEST_MODEL_ID, benchmark_run, measurement, model_version
from holotype.registry.versions import check_kind, check_line, select_versions, version_of

_MOST_RUNS = 1000
_MOST_COMPARED = 8


class PerformanceTracker:
    """The measurements of the versions of a registry."""

    def __init__(self, registry: ModelRegistry) -> None:
        """Use the database of a registry."""
        self._registry = registry
        self._database = registry.database

    def record(
        self,
        kind: str,
        version: str,
        measurements: Sequence[Measurement],
        *,
        dataset: str,
        dataset_digest: str,
        environment: Mapping[str, Any],
        test_run_id: str | None = None,
    ) -> BenchmarkRun:
        """Keep the measurements of one version on one set of data.

        Args:
            kind: the kind of the version.
            version: its name; see `ModelRegistry.get`.
            measurements: the numbers, each of another name.
            dataset: the name of the data.
            dataset_digest: the SHA-256 of the data, ``sha256:`` and 64 hexadecimal digits.
            environment: what the numbers depend on besides; versions are compared only where it is
                equal. `describe_environment` has what counts.
            test_run_id: a name that runs of several versions share; None makes one.

        Raises:
            InvalidArgumentError: there are no measurements, two have one name, or a value is wrong.
            VersionNotFoundError: there is no such version.
            VersionExistsError: the version has a run of this name on these data.
            DatabaseUnavailableError: the database does not answer.
        """
        names = [each.name for each in measurements]
        if not names or len(set(names)) != len(names):
            raise InvalidArgumentError(
                f"the measurements are {names!r}; expected one or more, each of another name"
            )
        name = check_line("test_run_id", str(uuid.uuid4()) if test_run_id is None else test_run_id)
        if len(name) > LONGEST_MODEL_ID:
            raise InvalidArgumentError(f"test_run_id has more than {LONGEST_MODEL_ID} characters")
        found = self._registry.get(kind, version)
        values = {
            "test_run_id": name,
            "version": found.id,
            "dataset": check_line("dataset", dataset),
            "dataset_digest": check_digest(dataset_digest),
            "environment": _plain(environment),
            "recorded_at": datetime.now(UTC),
        }
        try:
            with self._database.writing() as connection:
                added = connection.execute(insert(benchmark_run).values(values))
                number = added.inserted_primary_key[0] if added.inserted_primary_key else None
                rows = [{"run": number, **_row(each)} for each in measurements]
                connection.execute(insert(measurement), rows)
        except IntegrityError as error:
            raise VersionExistsError(
                f"{self._database.location} {kind}",
                f"{found.name} has a run {name!r} on these data; runs never change, so give this "
                "one another test_run_id",
            ) from error
        with self._database.reading() as connection:
            (run,) = self._read(connection, _select_runs().where(benchmark_run.c.id == number))
            return run

    def runs(
        self,
        kind: str,
        version: str | None = None,
        *,
        limit: int = 50,
        before: int | None = None,
        dataset: str | None = None,
        metric: str | None = None,
    ) -> tuple[BenchmarkRun, ...]:
        """Return runs, the newest first.

        Args:
            kind: the kind.
            version: only runs of this version; None means all.
            limit: how many at most, 1 to 1,000.
            before: only runs whose `id` is lower, for the next page; None means all.
            dataset: only runs on data of this name; None means all.
            metric: only runs that have this metric; None means all.

        Raises:
            VersionNotFoundError: there is no such kind or version.
            InvalidArgumentError: `limit` is out of range.
            DatabaseUnavailableError: the database does not answer.
        """
        if not 1 <= limit <= _MOST_RUNS:
            raise InvalidArgumentError(f"limit is {limit!r}; expected 1 to {_MOST_RUNS}")
        query = _select_runs().where(model_version.c.kind == check_kind(kind))
        if version is None:
            self._registry.type_of(kind)
        else:
            query = query.where(model_version.c.id == self._registry.get(kind, version).id)
        if before is not None:
            query = query.where(benchmark_run.c.id < before)
        if dataset is not None:
            query = query.where(benchmark_run.c.dataset == check_line("dataset", dataset))
        if metric is not None:
            check_line("metric", metric)
            has = (measurement.c.run == benchmark_run.c.id) & (measurement.c.metric_name == metric)
            query = query.where(exists().where(has))
        query = query.order_by(benchmark_run.c.id.desc()).limit(limit)
        with self._database.reading() as connection:
            return self._read(connection, query)

    def series(
        self,
        kind: str,
        metric: str,
        *,
        version: str | None = None,
        dataset: str | None = None,
        n_points: int = 300,
    ) -> Series:
        """Return how a metric developed, as a chart shows it.

        If there are more measurements than points, the time is divided into equal shares, and of
        each share the smallest and the largest value are kept: no peak is lost.

        Args:
            kind: the kind.
            metric: the metric, such as ``latency_p95``.
            version: only measurements of this version; None means all.
            dataset: only measurements on data of this name; None means all.
            n_points: how many points at most, 2 to 1,000.

        Raises:
            VersionNotFoundError: there is no such kind or version.
            InvalidArgumentError: `n_points` is out of range.
            DatabaseUnavailableError: the database does not answer.
        """
        if not 2 <= n_points <= _MOST_RUNS:
            raise InvalidArgumentError(f"n_points is {n_points!r}; expected 2 to {_MOST_RUNS}")
        self._registry.type_of(kind)
        check_line("metric", metric)
        query = (
            select(
                benchmark_run.c.recorded_at,
                measurement.c.metric_value,
                measurement.c.ci_low,
                measurement.c.ci_high,
                measurement.c.unit,
            )
            .join(measurement, measurement.c.run == benchmark_run.c.id)
            .join(model_version, model_version.c.id == benchmark_run.c.version)
            .where(model_version.c.kind == kind, measurement.c.metric_name == metric)
            .order_by(benchmark_run.c.recorded_at, benchmark_run.c.id)
        )
        if version is not None:
            query = query.where(model_version.c.id == self._registry.get(kind, version).id)
        if dataset is not None:
            query = query.where(benchmark_run.c.dataset == check_line("dataset", dataset))
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        unit = rows[-1].unit if rows else ""
        points = [
            Point(at=row[0], value=row[1], low=row[2], high=row[3])
            for row in rows
            if row.unit == unit
        ]
        return Series(metric=metric, unit=unit, points=thin_out(points, n_points))

    def compare_many(self, kind: str, versions: Sequence[str]) -> VersionsCompared:
        """Compare versions with the first of them; see `VersionsCompared`.

        Raises:
            InvalidArgumentError: there are not 2 to 8 versions, or one comes twice.
            VersionNotFoundError: there is no such version.
            DatabaseUnavailableError: the database does not answer.
        """
        found = [self._registry.get(kind, each) for each in versions]
        if not 2 <= len(found) <= _MOST_COMPARED or len({each.id for each in found}) < len(found):
            raise InvalidArgumentError(
                f"the versions are {', '.join(versions) or 'none'}; expected 2 to {_MOST_COMPARED} "
                "different ones"
            )
        runs = [self.runs(kind, each.name, limit=_MOST_RUNS) for each in found]
        return compare_versions(found, runs)

    def compare(self, kind: str, before: str, after: str) -> Comparison:
        """Compare two versions by their newest runs; see `Comparison`.

        Raises:
            VersionNotFoundError: there is no such version.
            DatabaseUnavailableError: the database does not answer.
        """
        first, second = (self._registry.get(kind, each) for each in (before, after))
        runs = (self.runs(kind, each.name, limit=_MOST_RUNS) for each in (first, second))
        return compare_runs(first, second, *runs)

    def _read(self, connection: Connection, query: Select[Any]) -> tuple[BenchmarkRun, ...]:
        rows = connection.execute(query).all()
        numbers = [row.run_id for row in rows]
        found: dict[int, list[Measurement]] = {number: [] for number in numbers}
        ordered = select(measurement).where(measurement.c.run.in_(numbers))
        for each in connection.execute(ordered.order_by(measurement.c.metric_name)):
            found[each.run].append(_measurement(each))
        return tuple(
            BenchmarkRun(
                id=row.run_id,
                test_run_id=row.test_run_id,
                version=version_of(row),
                dataset=row.dataset,
                dataset_digest=row.dataset_digest,
                environment=row.environment,
                recorded_at=row.recorded_at,
                measurements=tuple(found[row.run_id]),
            )
            for row in rows
        )


def _select_runs() -> Select[Any]:
    columns = (each for each in benchmark_run.c if each.name not in ("id", "version"))
    return (
        select_versions()
        .add_columns(benchmark_run.c.id.label("run_id"), *columns)
        .join(benchmark_run, benchmark_run.c.version == model_version.c.id)
    )


def _row(each: Measurement) -> dict[str, Any]:
    low, high = each.interval or (None, None)
    return {
        "metric_name": each.name,
        "unit": each.unit,
        "metric_value": float(each.value),
        "n_samples": each.n_samples,
        "ci_low": low,
        "ci_high": high,
        "higher_is_better": each.higher_is_better,
        "notes": each.notes,
    }


def _measurement(row: Any) -> Measurement:
    return Measurement(
        name=row.metric_name,
        unit=row.unit,
        value=row.metric_value,
        n_samples=row.n_samples,
        interval=None if row.ci_low is None else (row.ci_low, row.ci_high),
        higher_is_better=row.higher_is_better,
        notes=row.notes,
    )


def _plain(environment: Mapping[str, Any]) -> dict[str, Any]:
    try:
        kept: dict[str, Any] = json.loads(json.dumps(dict(environment), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"environment is not a JSON object: {error}") from None
    return kept
