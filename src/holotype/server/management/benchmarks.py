"""What was measured of versions: runs, how metrics developed, and comparisons; and new measurements."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from holotype.registry import PerformanceTracker
from holotype.registry.exporting import export_versions
from holotype.server.errors import UnprocessableError
from holotype.server.management.comparing import ComparisonBody, RunBody, RunsBody, SeriesBody
from holotype.server.management.versions import Before, Kind, Limit, Manager, Reader

router = APIRouter(tags=["benchmarks"])

MOST_POINTS = 300
_LARGEST_NAME = 500

Name = Annotated[str | None, Query(max_length=_LARGEST_NAME)]
_MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "markdown": "text/markdown; charset=utf-8"}


@router.get("/models/performance/{kind}")
def get_performance(
    manager: Manager,
    _: Reader,
    kind: Kind,
    version: Name = None,
    metric: Name = None,
    dataset: Name = None,
    limit: Limit = 50,
    before: Before = None,
    points: Annotated[
        int | None,
        Query(ge=2, le=MOST_POINTS, description="The series of the metric, as a chart shows it."),
    ] = None,
) -> RunsBody | SeriesBody:
    """Return what was measured, the newest first, or how one metric developed."""
    registry = manager.registry
    tracker = PerformanceTracker(registry)
    if points is not None:
        if not metric:
            raise UnprocessableError("points needs metric, such as metric=latency_p95")
        return SeriesBody.of(
            tracker.series(
                kind, metric, version=version or None, dataset=dataset or None, n_points=points
            )
        )
    registry.type_of(kind)
    found = tracker.runs(
        kind,
        version or None,
        limit=limit,
        before=before,
        dataset=dataset or None,
        metric=metric or None,
    )
    active = registry.active(kind)
    number = None if active is None else active.version.id
    return RunsBody(
        items=[RunBody.of(each, active=each.version.id == number) for each in found],
        next=found[-1].id if len(found) == limit else None,
    )


@router.get(
    "/models/{kind}/compare",
    response_model=ComparisonBody,
    responses={200: {"content": {"text/csv": {}, "text/markdown": {}}}},
)
def compare_versions(
    manager: Manager,
    _: Reader,
    kind: Kind,
    versions: Annotated[
        str,
        Query(min_length=1, max_length=2000, description="2 to 8 of them, with commas between."),
    ],
    format: Literal["json", "csv", "markdown"] = "json",
) -> Any:
    """Compare versions with the first of them, by what was measured of them."""
    registry = manager.registry
    names = [each.strip() for each in versions.split(",") if each.strip()]
    found = PerformanceTracker(registry).compare_many(kind, names)
    if format != "json":
        text = export_versions(found, format)
        return Response(text, media_type=_MEDIA_TYPES[format])
    active = registry.active(kind)
    return ComparisonBody.of(found, active=None if active is None else active.version.id)
