"""The bodies of the answers about jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from holotype.server.management.answers import Answer, ProblemBody
from holotype.server.management.job_store import Job, JobState, JobType


class StepBody(Answer):
    """How far a job has come."""

    name: str
    state: str
    message: str
    at: datetime


class JobBody(Answer):
    """A job at one moment."""

    id: str
    type: JobType
    state: JobState
    kind: str | None
    subject: str
    actor: str
    request_id: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    steps: list[StepBody]
    result: dict[str, Any] | None
    problem: ProblemBody | None
    progress: float | None

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
    next: None = None
