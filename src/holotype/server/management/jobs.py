"""What runs in the background, and how it ended."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from holotype.server.errors import NotFoundError
from holotype.server.management.job_bodies import JobBody, JobsBody
from holotype.server.management.job_store import MOST_KEPT, JobState
from holotype.server.management.parameters import Manager, Reader

router = APIRouter(prefix="/jobs", tags=["jobs"])


@router.get("")
def list_jobs(
    manager: Manager,
    _: Reader,
    state: JobState | None = None,
    limit: Annotated[int, Query(ge=1, le=MOST_KEPT)] = 100,
) -> JobsBody:
    """Return the last jobs, the newest first."""
    found = manager.jobs.list(state=state, limit=limit)
    return JobsBody(items=[JobBody.of(each) for each in found])


@router.get("/{id}")
def get_job(manager: Manager, _: Reader, id: str) -> JobBody:
    """Return a job as it is now."""
    job = manager.jobs.get(id)
    if job is None:
        raise NotFoundError(
            f"there is no job {id[:100]!r}; the server keeps the last {MOST_KEPT} since its start. "
            "What it changed is in the history of its kind"
        )
    return JobBody.of(job)
