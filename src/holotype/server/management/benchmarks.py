"""Measurements of versions: runs, how metrics developed, comparisons, and new measurements."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from holotype.naming import nearest
from holotype.registry import (
    BenchmarkRun,
    PerformanceTracker,
    export_versions,
    run_benchmark,
    shipped_datasets,
)
from holotype.server.errors import UnprocessableError
from holotype.server.management.answers import Answer
from holotype.server.management.comparing import ComparisonBody, RunBody, RunsBody, SeriesBody
from holotype.server.management.job_bodies import JobBody
from holotype.server.management.job_store import Progress
from holotype.server.management.parameters import (
    Before,
    Body,
    IdempotencyKey,
    Kind,
    Limit,
    Manager,
    Operator,
    Reader,
)
from holotype.server.problems import request_id_of

router = APIRouter(tags=["benchmarks"])

MOST_POINTS = 300
MOST_VERSIONS = 8
_LARGEST_NAME = 500

VersionName = Annotated[str, Field(min_length=1, max_length=200)]
Name = Annotated[str | None, Query(max_length=_LARGEST_NAME)]
_MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "markdown": "text/markdown; charset=utf-8"}


class BenchmarkRequest(Body):
    """What to measure."""

    versions: Annotated[list[VersionName], Field(min_length=1, max_length=MOST_VERSIONS)]
    """The versions, such as `bge-m3/v1.0.0`."""
    datasets: Annotated[list[str], Field(min_length=1, max_length=10)] | None = None
    """The sets to measure them on; by default those that fit their type."""
    test_run_id: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    """A name that runs share if they are to be compared; by default a new one."""
    n_requests: Annotated[int, Field(ge=1, le=10_000)] = 400
    """How many requests are timed."""


class DatasetBody(Answer):
    """A set of texts that ships."""

    name: str
    """Its name."""
    types: list[str] = Field(description="The types of models that are measured on it.")
    description: str
    """What its texts are."""
    license: str
    """Its licence."""
    n_queries: int
    """How many queries it has."""
    n_documents: int
    """How many documents it has."""
    labels: list[str]
    """The labels of its texts; empty if they have none."""


class DatasetsBody(Answer):
    """All sets that ship."""

    items: list[DatasetBody]
    """The sets."""
    next: None = None
    """Always null: there is one page."""


@router.get("/benchmarks/datasets")
def list_datasets(_: Reader) -> DatasetsBody:
    """Return the sets of texts that benchmarks can be run on."""
    return DatasetsBody(
        items=[
            DatasetBody(
                name=each.name,
                types=list(each.types),
                description=each.description,
                license=each.license,
                n_queries=each.n_queries,
                n_documents=each.n_documents,
                labels=list(each.labels),
            )
            for each in shipped_datasets()
        ]
    )


@router.post("/models/{kind}/benchmark", status_code=202)
def benchmark_versions(
    manager: Manager,
    caller: Operator,
    request: Request,
    kind: Kind,
    body: BenchmarkRequest,
    idempotency_key: IdempotencyKey = None,
) -> JobBody:
    """Measure versions, one after the other, and record the numbers.

    A version that serves is measured as it serves, besides its other callers; another one is loaded
    within the budget of the pool, and closed afterwards. Numbers of versions that are measured in one
    job share a test run. When the server stops, the job fails, and of the version that is measured then
    nothing is recorded.
    """
    registry = manager.registry
    names = [registry.get(kind, each).name for each in body.versions]
    shipped = [each.name for each in shipped_datasets()]
    if unknown := [each for each in body.datasets or () if each not in shipped]:
        raise UnprocessableError(
            f"there is no set {unknown[0][:100]!r} on this server; there are {', '.join(shipped)}. "
            "Measure on files of your own with: holotype registry benchmark --data FILE",
            suggestions=nearest(unknown[0], shipped),
        )
    test_run_id = body.test_run_id or uuid.uuid4().hex
    datasets: list[str | None] = [*body.datasets] if body.datasets else [None]
    wanted = [(name, dataset) for name in names for dataset in datasets]

    def run(progress: Progress) -> Mapping[str, Any]:
        done: list[BenchmarkRun] = []
        for number, (name, dataset) in enumerate(wanted):
            step = name if dataset is None else f"{name} on {dataset}"
            progress.share(number / len(wanted))
            done += run_benchmark(
                registry,
                kind,
                name,
                dataset,
                n_requests=body.n_requests,
                test_run_id=test_run_id,
                open=manager.serving.open,
                on_step=partial(progress.step, step, "running"),
                before_each=progress.require_time,
            )
            progress.step(step, "succeeded", "recorded")
        runs = [RunBody.of(each).model_dump(mode="json") for each in done]
        return {"test_run_id": test_run_id, "runs": runs}

    job = manager.jobs.submit(
        "benchmark",
        run,
        subject=", ".join(names),
        actor=caller.name,
        request_id=idempotency_key or request_id_of(request),
        kind=kind,
        repeatable=idempotency_key is not None,
        content=body.model_dump_json(),
    )
    return JobBody.of(job)


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
