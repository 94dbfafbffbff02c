"""The bodies of the answers about jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from holotype.server.management.answers import Answer, ProblemBody
from holotype.server.management.job_store import Job, JobState, JobType


class StepBody(Answer):
    """How far a job has come."""

    name: str
    """The step."""
    state: str
    """Whether it runs, or how it ended."""
    message: str
    """What it does or did."""
    at: datetime
    """When that began, in UTC."""


class JobBody(Answer):
    """A job at one moment."""

    id: str
    """Its id."""
    type: JobType
    """What it does."""
    state: JobState
    """Whether it waits, runs, or how it ended."""
    kind: str | None
    """The kind of the registry that it is about; null if it is about none."""
    subject: str
    """What it is about, such as a version or a name."""
    actor: str
    """Who asked for it."""
    request_id: str
    """The request that asked for it, or its Idempotency-Key."""
    created_at: datetime
    """When it was asked for, in UTC."""
    started_at: datetime | None
    """When it began; null if it waits."""
    finished_at: datetime | None
    """When it ended; null if it has not."""
    steps: list[StepBody]
    """How far it has come: each step once, as it is now."""
    result: dict[str, Any] | None
    """What it made; null before it has succeeded."""
    problem: ProblemBody | None
    """Why it failed; null if it did not."""
    progress: float | None
    """The share that is done, from 0 to 1; null if nobody knows."""

    @classmethod
    def of(cls, job: Job) -> JobBody:
        """Describe a job."""
        return cls(
            id=job.id,
            type=job.type,
            state=job.state,
            kind=job.kind,
            subject=job.subject,
            actor=job.actor,
            request_id=job.request_id,
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
            steps=[
                StepBody(name=e.name, state=e.state, message=e.message, at=e.at) for e in job.steps
            ],
            result=None if job.result is None else dict(job.result),
            problem=None if job.problem is None else ProblemBody.model_validate(dict(job.problem)),
            progress=job.progress,
        )


class JobsBody(Answer):
    """The last jobs, the newest first."""

    items: list[JobBody]
    """The jobs."""
    next: None = None
    """Always null: there is one page."""
