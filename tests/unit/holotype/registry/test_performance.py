"""Measurements are kept, compared where they can be, and exported."""

from __future__ import annotations

import csv
import io
import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from holotype.errors import InvalidArgumentError
from holotype.registry import (
    BenchmarkRun,
    Measurement,
    ModelRegistry,
    PerformanceTracker,
    Point,
    VersionExistsError,
    VersionNotFoundError,
    export_comparison,
    export_runs,
    export_versions,
)
from holotype.registry.measurements import thin_out

KIND = "text_embedding"
DATA = f"sha256:{'d' * 64}"
MACHINE: dict[str, Any] = {"cpu": "a", "packages": {"torch": "2.13.0"}}


def recall(value: float, half: float = 0.01, **others: Any) -> Measurement:
    interval = (value - half, value + half)
    values: dict[str, Any] = {"name": "recall@10", "unit": "1", "n_samples": 100, **others}
    return Measurement(value=value, interval=interval, higher_is_better=True, **values)


def latency(value: float, interval: tuple[float, float] | None = None) -> Measurement:
    values: dict[str, Any] = {"name": "latency_p95", "unit": "ms", "n_samples": 400}
    return Measurement(value=value, interval=interval, higher_is_better=False, **values)


@pytest.fixture
def tracker(registry: ModelRegistry, store: Path) -> PerformanceTracker:
    """The measurements of a registry with `v1` and `v2`."""
    for name in ("v1", "v2"):
        registry.register(KIND, name, store / name, actor="alice")
    return PerformanceTracker(registry)


def record(
    tracker: PerformanceTracker, version: str, *measurements: Measurement, **others: Any
) -> BenchmarkRun:
    values: dict[str, Any] = {
        **{"dataset": "questions", "dataset_digest": DATA, "environment": MACHINE},
        **others,
    }
    return tracker.record(KIND, version, measurements, **values)


def test_a_run_is_read_as_it_was_recorded(tracker: PerformanceTracker) -> None:
    run = record(tracker, "v1", recall(0.8, notes="exact search"), latency(12.5))
    assert tracker.runs(KIND) == (run,)
    assert run.find("recall@10") == recall(0.8, notes="exact search")
    assert run.find("latency_p95") == latency(12.5)
    assert run.find("recall@1") is None
    assert run.environment == MACHINE


def test_runs_are_listed_newest_first_by_version_and_in_pages(tracker: PerformanceTracker) -> None:
    first, second = (record(tracker, "v1", recall(value)) for value in (0.7, 0.8))
    other = record(tracker, "v2", recall(0.9))
    assert tracker.runs(KIND) == (other, second, first)
    assert tracker.runs(KIND, "v1") == (second, first)
    assert tracker.runs(KIND, "v1", limit=1) == (second,)
    assert tracker.runs(KIND, "v1", before=second.id) == (first,)
    with pytest.raises(VersionNotFoundError):
        tracker.runs(KIND, "v9")


def test_a_run_of_the_same_name_on_the_same_data_is_refused(tracker: PerformanceTracker) -> None:
    record(tracker, "v1", recall(0.7), test_run_id="nightly")
    record(tracker, "v2", recall(0.7), test_run_id="nightly")
    with pytest.raises(VersionExistsError, match="give this one another test_run_id"):
        record(tracker, "v1", recall(0.8), test_run_id="nightly")
    assert len(tracker.runs(KIND)) == 2


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none_are_refused_before_and_in_the_database(
    tracker: PerformanceTracker, value: float
) -> None:
    with pytest.raises(InvalidArgumentError, match="expected finite numbers"):
        latency(value)
    record(tracker, "v1", recall(0.7))
    statement = text(
        "INSERT INTO measurement (run, metric_name, unit, metric_value, n_samples, notes) "
        "SELECT id, 'x', '1', :value, 1, '' FROM benchmark_run"
    )
    with pytest.raises(DBAPIError), tracker._database.writing() as connection:
        connection.execute(statement, {"value": value})


@pytest.mark.parametrize(
    "values",
    [
        {"name": "a b"},
        {"n_samples": 0},
        {"unit": ""},
        {"interval": (0.9, 1.0)},
        {"interval": (0.0, math.nan)},
        {"notes": "x" * 501},
    ],
)
def test_wrong_measurements_are_refused(values: dict[str, Any]) -> None:
    right: dict[str, Any] = {"name": "x", "unit": "1", "value": 0.5, "n_samples": 1}
    with pytest.raises(InvalidArgumentError):
        Measurement(**{**right, **values})


@pytest.mark.parametrize("table", ["benchmark_run", "measurement"])
def test_runs_are_neither_changed_nor_deleted(tracker: PerformanceTracker, table: str) -> None:
    record(tracker, "v1", recall(0.7))
    column = "dataset" if table == "benchmark_run" else "unit"
    for statement in (f"UPDATE {table} SET {column} = 'x'", f"DELETE FROM {table}"):
        with (
            pytest.raises(DBAPIError, match="never change"),
            tracker._database.writing() as connection,
        ):
            connection.execute(text(statement))


def test_versions_are_compared_with_an_interval_and_a_verdict(tracker: PerformanceTracker) -> None:
    record(tracker, "v1", recall(0.7), latency(10), recall(0.5, 0.1, name="recall@1"))
    record(tracker, "v2", recall(0.8), latency(12), recall(0.6, 0.1, name="recall@1"))
    speed, first, tenth = tracker.compare(KIND, "v1", "v2").metrics
    assert (speed.name, speed.difference, speed.relative) == ("latency_p95", 2, 0.2)
    assert (speed.interval, speed.verdict) == (None, None)
    assert first.verdict == "unclear"
    assert tenth.verdict == "better"
    assert tenth.interval == pytest.approx((0.1 - 0.01 * 2**0.5, 0.1 + 0.01 * 2**0.5))
    back = tracker.compare(KIND, "v2", "v1").metrics
    assert [each.verdict for each in back] == [None, "unclear", "worse"]


def test_one_version_is_not_called_faster_for_a_run_at_another_time(
    tracker: PerformanceTracker,
) -> None:
    record(tracker, "v1", latency(10, (9.9, 10.1)))
    record(tracker, "v2", latency(8, (7.9, 8.1)))
    (metric,) = tracker.compare(KIND, "v1", "v2").metrics
    assert (metric.difference, metric.verdict) == (-2, "unclear")
    assert metric.interval is not None
    assert metric.interval[1] < 0


@pytest.mark.parametrize(
    ("times", "verdict"), [((8.0, 8.1, 8.2), "better"), ((8.0, 10.4, 12.2), "unclear")]
)
def test_times_of_several_runs_are_compared_by_their_means(
    tracker: PerformanceTracker, times: tuple[float, ...], verdict: str
) -> None:
    record(tracker, "v1", latency(90), environment={"cpu": "b"})
    for before, after in zip((10.0, 10.1, 10.2), times, strict=True):
        record(tracker, "v1", latency(before, (9.9, 10.3)), recall(before / 20))
        record(tracker, "v2", latency(after, (7.9, 12.3)), recall(after / 20))
    metrics = {each.name: each for each in tracker.compare(KIND, "v1", "v2").metrics}
    speed, quality = metrics["latency_p95"], metrics["recall@10"]
    assert speed.before is not None
    assert speed.before.value == pytest.approx(10.1)
    assert speed.before.n_samples == 1200
    assert speed.before.notes == "the mean of 3 runs"
    assert speed.difference == pytest.approx(sum(times) / 3 - 10.1)
    assert speed.verdict == verdict
    assert quality.after is not None
    assert quality.after.value == times[-1] / 20
    many = tracker.compare_many(KIND, ["v1", "v2"])
    assert [each.compared[1] for each in many.metrics] == [speed, quality]
    assert many.metrics[0].values == (speed.before, speed.after)


@pytest.mark.parametrize(
    ("others", "why"),
    [
        ({"dataset_digest": f"sha256:{'e' * 64}"}, "the data differ"),
        ({"environment": {**MACHINE, "cpu": "b"}}, "the environments differ: cpu a, then b"),
        ({"environment": {"cpu": "a"}}, "packages {'torch': '2.13.0'}, then None"),
    ],
)
def test_other_data_or_environments_are_shown_side_by_side_without_a_difference(
    tracker: PerformanceTracker, others: dict[str, Any], why: str
) -> None:
    record(tracker, "v1", recall(0.7))
    record(tracker, "v2", recall(0.8), **others)
    (metric,) = tracker.compare(KIND, "v1", "v2").metrics
    assert metric.before is not None
    assert metric.after is not None
    assert (metric.difference, metric.interval, metric.verdict) == (None, None, None)
    assert why in metric.apart


def test_the_newest_runs_in_equal_environments_are_compared(tracker: PerformanceTracker) -> None:
    record(tracker, "v1", recall(0.5))
    record(tracker, "v1", recall(0.7))
    record(tracker, "v2", recall(0.8))
    record(tracker, "v2", recall(0.9), environment={"cpu": "b"})
    (metric,) = tracker.compare(KIND, "v1", "v2").metrics
    assert metric.difference == pytest.approx(0.1)


def test_what_only_one_was_measured_on_is_shown_alone(tracker: PerformanceTracker) -> None:
    record(tracker, "v1", recall(0.7))
    (metric,) = tracker.compare(KIND, "v1", "v2").metrics
    assert (metric.after, metric.apart) == (None, "only the first was measured")


def test_runs_are_exported(tracker: PerformanceTracker) -> None:
    weights = Measurement(name="weights", unit="bytes", value=1_161e5, n_samples=1)
    run = record(tracker, "v1", recall(0.7), latency(10), weights, dataset="a|b", test_run_id="r1")
    (document,) = json.loads(export_runs([run], "json"))
    assert document["environment"] == MACHINE
    found = [each["metric"] for each in document["measurements"]]
    assert found == ["latency_p95", "recall@10", "weights"]
    rows = list(csv.DictReader(io.StringIO(export_runs([run], "csv"))))
    assert [row["value"] for row in rows] == ["10.0", "0.7", "116100000.0"]
    assert (rows[0]["ci_low"], rows[0]["version_id"], rows[0]["dataset"]) == ("", "v1", "a|b")
    lines = export_runs([run], "markdown").splitlines()
    assert lines[0].startswith("| version | test_run_id |")
    assert "| tiny/v1 | r1 | a\\|b | latency_p95 | 10 ms | - | 400 |" in lines[2]
    assert "| weights | 116.1 MB | - | 1 |" in lines[4]
    with pytest.raises(
        InvalidArgumentError, match="there is no format 'xml'; expected one of json"
    ):
        export_runs([run], "xml")  # type: ignore[arg-type]


def test_comparisons_are_exported(tracker: PerformanceTracker) -> None:
    record(tracker, "v1", recall(0.7), latency(10))
    record(tracker, "v2", recall(0.8))
    comparison = tracker.compare(KIND, "v1", "v2")
    document = json.loads(export_comparison(comparison, "json"))
    assert [each["verdict"] for each in document["metrics"]] == [None, "better"]
    rows = list(csv.DictReader(io.StringIO(export_comparison(comparison, "csv"))))
    assert (rows[0]["before"], rows[0]["after"], rows[1]["before_n"]) == ("10.0", "", "100")
    lines = export_comparison(comparison, "markdown").splitlines()
    assert lines[2].endswith("| 10 ms | - | - | - | not measured in both |")
    assert "+0.1 (+14.3%)" in lines[3]


def test_the_view_of_performance_has_the_columns_of_the_predecessor(
    tracker: PerformanceTracker,
) -> None:
    record(tracker, "v1", recall(0.7, notes="exact"), test_run_id="r1")
    with tracker._database.reading() as connection:
        (row,) = connection.execute(text("SELECT * FROM model_performance")).mappings().all()
    assert list(row) == [
        *("model_type", "version_id", "test_run_id", "metric_name", "metric_value"),
        *("recorded_at", "notes"),
    ]
    assert (row["model_type"], row["metric_value"], row["notes"]) == (KIND, 0.7, "exact")


def test_a_series_is_what_was_measured_by_time(tracker: PerformanceTracker) -> None:
    for value in (3.0, 1.0, 2.0):
        record(tracker, "v1", latency(value))
    record(tracker, "v2", latency(9.0), recall(0.5), dataset="others")
    series = tracker.series(KIND, "latency_p95", version="v1")
    assert (series.unit, [each.value for each in series.points]) == ("ms", [3, 1, 2])
    assert len(tracker.series(KIND, "latency_p95").points) == 4
    (point,) = tracker.series(KIND, "recall@10", dataset="others").points
    assert point.low == pytest.approx(0.49)
    assert point.high == pytest.approx(0.51)
    assert tracker.series(KIND, "nothing").points == ()
    with pytest.raises(VersionNotFoundError):
        tracker.series("nothing", "latency_p95")
    with pytest.raises(InvalidArgumentError, match="n_points is 1"):
        tracker.series(KIND, "latency_p95", n_points=1)
    assert [each.version.version_id for each in tracker.runs(KIND, metric="recall@10")] == ["v2"]
    assert len(tracker.runs(KIND, dataset="questions")) == 3


def test_a_series_of_many_points_keeps_every_peak() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    values = [float(number % 7) for number in range(10_000)]
    values[5_003], values[9_999] = 100.0, -100.0
    points = [
        Point(at=start + timedelta(minutes=n), value=value, low=None, high=None)
        for n, value in enumerate(values)
    ]
    kept = thin_out(points, 300)
    assert len(kept) <= 300
    assert {100.0, -100.0} <= {each.value for each in kept}
    assert list(kept) == sorted(kept, key=lambda each: each.at)
    assert thin_out(points[:300], 300) == tuple(points[:300])
    same = [Point(at=start, value=v, low=None, high=None) for v in (1.0, 3.0, 2.0)]
    assert [each.value for each in thin_out(same, 2)] == [1, 3]


def test_several_versions_are_compared_with_the_first(
    tracker: PerformanceTracker, registry: ModelRegistry, store: Path
) -> None:
    registry.register(KIND, "v3", store / "v3", actor="alice")
    record(tracker, "v1", recall(0.7), latency(5))
    record(tracker, "v1", recall(0.1), environment={"cpu": "b"})
    record(tracker, "v2", recall(0.8))
    record(tracker, "v3", recall(0.9), environment={"cpu": "c"})
    found = tracker.compare_many(KIND, ["v1", "v2", "v3"])
    assert [each.version_id for each in found.versions] == ["v1", "v2", "v3"]
    latencies, recalls = found.metrics
    assert (recalls.name, latencies.name) == ("recall@10", "latency_p95")
    assert [None if each is None else each.value for each in recalls.values] == [0.7, 0.8, 0.9]
    first, second, third = recalls.compared
    assert first is None
    assert second is not None
    assert second.difference == pytest.approx(0.1)
    assert second.verdict == "better"
    assert third is not None
    assert (third.difference, third.apart) == (
        None,
        "the environments differ: cpu a, then c; packages {'torch': '2.13.0'}, then None",
    )
    assert [each is None for each in latencies.values] == [False, True, True]
    with pytest.raises(InvalidArgumentError, match="2 to 8"):
        tracker.compare_many(KIND, ["v1"])
    with pytest.raises(InvalidArgumentError, match="2 to 8"):
        tracker.compare_many(KIND, ["v1", "tiny/v1"])

    rows = list(csv.DictReader(io.StringIO(export_versions(found, "csv"))))
    by_metric = {row["metric"]: row for row in rows}
    assert by_metric["recall@10"]["tiny/v2 verdict"] == "better"
    assert by_metric["recall@10"]["tiny/v3 apart"].startswith("the environments differ")
    assert by_metric["latency_p95"]["tiny/v2 value"] == ""
    text = export_versions(found, "markdown")
    assert "| 0.7 | 0.8 (+0.1, better) | 0.9 (the environments differ" in text
    values = json.loads(export_versions(found, "json"))
    assert values["versions"] == ["tiny/v1", "tiny/v2", "tiny/v3"]
    assert len(values["metrics"]) == 2
    with pytest.raises(
        InvalidArgumentError, match="there is no format 'xml'; expected one of json"
    ):
        export_versions(found, "xml")  # type: ignore[arg-type]
