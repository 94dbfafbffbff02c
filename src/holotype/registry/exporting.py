"""Runs and comparisons as JSON, CSV and Markdown."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

from holotype.errors import InvalidArgumentError
from holotype.naming import one_of
from holotype.registry.comparing import (
    ComparedMetric,
    Comparison,
    MetricOfVersions,
    VersionsCompared,
)
from holotype.registry.measurements import BenchmarkRun, Measurement

Format: TypeAlias = Literal["json", "csv", "markdown"]

_RUN_FIELDS = (
    *("model_id", "version_id", "test_run_id", "dataset", "dataset_digest", "recorded_at"),
    *("metric", "value", "unit", "n_samples", "ci_low", "ci_high", "notes"),
)
_RUN_COLUMNS = (
    *("version", "test_run_id", "dataset", "metric", "value", "95 % interval", "n", "recorded_at"),
)
_COMPARED_FIELDS = (
    *("dataset", "metric", "unit", "before", "before_ci_low", "before_ci_high", "before_n"),
    *("after", "after_ci_low", "after_ci_high", "after_n", "difference", "difference_ci_low"),
    *("difference_ci_high", "relative", "verdict", "apart"),
)
_VALUE_COLUMNS = ("value", "ci_low", "ci_high", "n")
_DIFFERENCE_COLUMNS = (
    *("difference", "difference_ci_low", "difference_ci_high", "relative", "verdict", "apart"),
)
_COMPARED_COLUMNS = (*_VALUE_COLUMNS, *_DIFFERENCE_COLUMNS)


def export_runs(runs: Sequence[BenchmarkRun], format: Format) -> str:
    """Return runs as a text: one row or object for each measurement, with its run.

    JSON also has the environments. Numbers are exact in JSON and CSV, and rounded in Markdown.

    Raises:
        InvalidArgumentError: the format is unknown.
    """
    if format == "json":
        return _json([_run_document(run) for run in runs])
    pairs = [(run, each) for run in runs for each in run.measurements]
    if format == "csv":
        return _csv(_RUN_FIELDS, (_run_row(run, each) for run, each in pairs))
    _check(format)
    return _markdown(
        _RUN_COLUMNS,
        (
            (
                run.version.name,
                run.test_run_id,
                run.dataset,
                each.name,
                _number(each.value, each.unit),
                _interval(each.interval),
                str(each.n_samples),
                _time(run),
            )
            for run, each in pairs
        ),
    )


def export_comparison(comparison: Comparison, format: Format) -> str:
    """Return a comparison as a text: one row or object for each metric.

    Raises:
        InvalidArgumentError: the format is unknown.
    """
    if format == "json":
        return _json(
            {
                "before": comparison.before.name,
                "after": comparison.after.name,
                "metrics": [_compared_row(each) for each in comparison.metrics],
            }
        )
    if format == "csv":
        return _csv(_COMPARED_FIELDS, map(_compared_row, comparison.metrics))
    _check(format)
    names = (comparison.before.name, comparison.after.name)
    columns = ("dataset", "metric", *names, "difference", "95 % interval", "verdict")
    return _markdown(columns, map(_compared_cells, comparison.metrics))


def export_versions(found: VersionsCompared, format: Format) -> str:
    """Return a comparison of several versions as a text: one row or object for each metric.

    CSV has columns for each version: its value, interval and number of samples, and the difference
    from the first version with its interval, share and verdict.

    Raises:
        InvalidArgumentError: the format is unknown.
    """
    names = [each.name for each in found.versions]
    rows = [_versions_row(each, names) for each in found.metrics]
    if format == "json":
        return _json({"versions": names, "metrics": rows})
    if format == "csv":
        columns = [f"{name} {each}" for name in names[1:] for each in _COMPARED_COLUMNS]
        values = [f"{names[0]} {each}" for each in _VALUE_COLUMNS]
        return _csv(("dataset", "metric", "unit", *values, *columns), rows)
    _check(format)
    return _markdown(
        ("dataset", "metric", *names), (_versions_cells(each) for each in found.metrics)
    )


def _versions_row(each: MetricOfVersions, names: Sequence[str]) -> dict[str, Any]:
    row: dict[str, Any] = {"dataset": each.dataset, "metric": each.name, "unit": each.unit}
    for name, value, compared in zip(names, each.values, each.compared, strict=True):
        low, high = (value.interval if value else None) or (None, None)
        known = (None, None) if value is None else (value.value, value.n_samples)
        cells = (known[0], low, high, known[1])
        row |= {f"{name} {column}": c for column, c in zip(_VALUE_COLUMNS, cells, strict=True)}
        if compared is not None:
            low, high = compared.interval or (None, None)
            others = (compared.difference, low, high, compared.relative, compared.verdict)
            row |= {
                f"{name} {column}": cell
                for column, cell in zip(_DIFFERENCE_COLUMNS, (*others, compared.apart), strict=True)
            }
    return row


def _versions_cells(each: MetricOfVersions) -> tuple[str, ...]:
    cells = [each.dataset, each.name]
    for value, compared in zip(each.values, each.compared, strict=True):
        text = "-" if value is None else _number(value.value, value.unit)
        if compared is not None and compared.difference is not None:
            text += f" ({_number(compared.difference, each.unit, sign='+')}"
            text += f", {compared.verdict})" if compared.verdict else ")"
        elif compared is not None and compared.apart and value is not None:
            text += f" ({compared.apart})"
        cells.append(text)
    return tuple(cells)


def _check(format: str) -> None:
    if format != "markdown":
        raise InvalidArgumentError(
            f"there is no format {format!r}; {one_of(format, get_args(Format))}"
        )


def _time(run: BenchmarkRun) -> str:
    return run.recorded_at.isoformat(timespec="seconds").replace("+00:00", "Z")


def _run_document(run: BenchmarkRun) -> dict[str, Any]:
    return {
        "kind": run.version.kind,
        "model_id": run.version.model_id,
        "version_id": run.version.version_id,
        "test_run_id": run.test_run_id,
        "dataset": run.dataset,
        "dataset_digest": run.dataset_digest,
        "environment": dict(run.environment),
        "recorded_at": _time(run),
        "measurements": [
            {**_values(each), "higher_is_better": each.higher_is_better}
            for each in run.measurements
        ],
    }


def _values(each: Measurement) -> dict[str, Any]:
    low, high = each.interval or (None, None)
    return {
        "metric": each.name,
        "value": each.value,
        "unit": each.unit,
        "n_samples": each.n_samples,
        "ci_low": low,
        "ci_high": high,
        "notes": each.notes,
    }


def _run_row(run: BenchmarkRun, each: Measurement) -> dict[str, Any]:
    document = _run_document(run)
    kept = {name: document[name] for name in _RUN_FIELDS if name in document}
    return {**kept, **_values(each)}


def _compared_row(each: ComparedMetric) -> dict[str, Any]:
    low, high = each.interval or (None, None)
    return {
        "dataset": each.dataset,
        "metric": each.name,
        "unit": each.unit,
        **_side("before", each.before),
        **_side("after", each.after),
        "difference": each.difference,
        "difference_ci_low": low,
        "difference_ci_high": high,
        "relative": each.relative,
        "verdict": each.verdict,
        "apart": each.apart,
    }


def _side(name: str, each: Measurement | None) -> dict[str, Any]:
    low, high = (each.interval if each else None) or (None, None)
    return {
        name: None if each is None else each.value,
        f"{name}_ci_low": low,
        f"{name}_ci_high": high,
        f"{name}_n": None if each is None else each.n_samples,
    }


def _compared_cells(each: ComparedMetric) -> tuple[str, ...]:
    values = (
        "-" if side is None else _number(side.value, side.unit)
        for side in (each.before, each.after)
    )
    if each.difference is None:
        return each.dataset, each.name, *values, "-", "-", each.apart or "not measured in both"
    share = "" if each.relative is None else f" ({each.relative:+.1%})"
    return (
        each.dataset,
        each.name,
        *values,
        f"{_number(each.difference, each.unit, sign='+')}{share}",
        _interval(each.interval, sign="+"),
        each.verdict or "-",
    )


def _number(value: float, unit: str, *, sign: str = "") -> str:
    if unit == "bytes":
        return f"{value / 1e6:{sign},.1f} MB"
    return f"{value:{sign}.4g}" + ("" if unit == "1" else f" {unit}")


def _interval(interval: tuple[float, float] | None, *, sign: str = "") -> str:
    return "-" if interval is None else f"{interval[0]:{sign}.4g} to {interval[1]:{sign}.4g}"


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _csv(fields: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fields, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").split())
