"""What runs in the background: switches, registrations, benchmarks and loads, on threads.

A job is kept after its end, until newer ones take its place. Those that run, or wait, are never
dropped. The same request again is the same job.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias
from uuid import uuid4

from holotype.server.errors import ConflictError, UnavailableError
from holotype.server.problems import problem_of

JobType: TypeAlias = Literal["switch", "rollback", "register", "benchmark", "load"]
JobState: TypeAlias = Literal["queued", "running", "succeeded", "failed"]
Outcome: TypeAlias = Mapping[str, Any]

MOST_KEPT = 1000
MOST_WAITING = 200
"""How many jobs may run and wait; a server that is behind says so."""

_N_THREADS: Mapping[JobType, int] = {
    # Of different kinds; those of one kind come one at a time.
    "switch": 4,
    # Each reads a whole checkpoint.
    "register": 2,
    # Two at once would measure each other.
    "benchmark": 1,
    "load": 4,
}
_THREADS_OF: Mapping[JobType, JobType] = {"rollback": "switch"}

_log = logging.getLogger("holotype.server")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStep:
    """How far a job has come.

    Attributes:
        name: the step.
        state: whether it runs, or how it ended.
        message: what happens, or came of it.
        at: when it began, or ended.
    """

    name: str
    state: Literal["running", "succeeded", "failed"]
    message: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job at one moment.

    Attributes:
        id: its id.
        type: what it does.
        state: whether it waits, runs, or how it ended.
        kind: the kind of the registry that it is about; None if it is about none.
        subject: what it is about, such as a version or a name.
        actor: who asked for it.
        request_id: the request that asked for it, or its Idempotency-Key.
        created_at: when it was asked for.
        started_at: when it began; None if it waits.
        finished_at: when it ended; None if it has not.
        steps: how far it has come, each step once, as it is now.
        result: what it made; None before it has succeeded.
        problem: why it failed, as RFC 9457 has it; None if it did not.
        progress: the share that is done; None if nobody knows.
    """

    id: str
    type: JobType
    state: JobState = "queued"
    kind: str | None
    subject: str
    actor: str
    request_id: str
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    steps: tuple[JobStep, ...] = ()
    result: Outcome | None = None
    problem: Mapping[str, Any] | None = None
    progress: float | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.finished_at is not None


class Progress:
    """What a job that runs calls to say how far it has come, and to ask whether it may go on."""

    def __init__(
        self, change: Callable[..., object], job: Callable[[], Job], is_stopping: Callable[[], bool]
    ) -> None:
        """Change a job; see `Jobs`."""
        self._change = change
        self._job = job
        self._is_stopping = is_stopping

    def step(
        self, name: str, state: Literal["running", "succeeded", "failed"], message: str
    ) -> None:
        """Tell of a step; what it was before is replaced."""
        made = JobStep(name=name, state=state, message=message, at=datetime.now(UTC))
        steps = self._job().steps
        if any(each.name == name for each in steps):
            steps = tuple(made if each.name == name else each for each in steps)
        else:
            steps = (*steps, made)
        self._change(steps=steps)

    def share(self, done: float) -> None:
        """Tell which share is done, from 0 to 1."""
        self._change(progress=min(1.0, max(0.0, done)))

    def require_time(self) -> None:
        """End a long job when the server stops, which waits for jobs that run.

        Raises:
            UnavailableError: the server stops.
        """
        if self._is_stopping():
            raise UnavailableError("the server stopped before the job ended; ask for it again")


Run: TypeAlias = Callable[[Progress], Outcome]


@dataclass(slots=True)
class _Request:
    """What asked for a job, to recognise it when it comes again."""

    content: object
    job: str


@dataclass(slots=True)
class _Kept:
    job: Job
    key: tuple[str, str] | None = None
    lock: str | None = None


class Jobs:
    """The jobs of a server. Safe to share between threads."""

    def __init__(
        self, on_change: Callable[[Job], object] = lambda _: None, *, most: int = MOST_KEPT
    ) -> None:
        """Run nothing yet.

        Args:
            on_change: is called with every change of a job, in their order.
            most: how many jobs are kept.
        """
        self._on_change = on_change
        self._most = most
        self._lock = threading.Lock()
        self._telling = threading.Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._requests: dict[tuple[str, str], _Request] = {}
        self._busy: dict[str, str] = {}
        self._closed = False
        self._threads = {
            type: ThreadPoolExecutor(n, thread_name_prefix=f"holotype-{type}")
            for type, n in _N_THREADS.items()
        }

    def submit(
        self,
        type: JobType,
        run: Run,
        *,
        subject: str,
        actor: str,
        request_id: str,
        kind: str | None = None,
        repeatable: bool = False,
        content: object = None,
        alone: str | None = None,
    ) -> Job:
        """Run something on a thread, and return the job at once.

        Args:
            type: what it does.
            run: does it; what it returns is the job's `result`, what it raises its `problem`.
            subject: what it is about.
            actor: who asks for it.
            request_id: the id of the request.
            kind: the kind of the registry that it is about.
            repeatable: whether the same `request_id` of the same actor is the same job; one that
                failed is tried again.
            content: what is asked for; another content under a repeatable id is an error.
            alone: of jobs with the same text only one may wait or run; None for any number.

        Raises:
            ConflictError: the id was used for something else, or another job with the same `alone`
                is not over; the error names its actor.
            UnavailableError: too many jobs wait, or the server stops.
        """
        key = (actor, request_id) if repeatable else None
        with self._lock:
            if key is not None and (earlier := self._requests.get(key)) is not None:
                if earlier.content != (type, kind, content):
                    raise ConflictError(
                        f"the Idempotency-Key {request_id!r} came with another request before; give "
                        "another request a key of its own"
                    )
                job = self._kept[earlier.job].job
                if job.state != "failed":
                    return job
            self._refuse(alone)
            job = Job(
                id=uuid4().hex[:16],
                type=type,
                kind=kind,
                subject=subject,
                actor=actor,
                request_id=request_id,
                created_at=datetime.now(UTC),
            )
            self._kept[job.id] = _Kept(job, key, alone)
            if key is not None:
                self._requests[key] = _Request((type, kind, content), job.id)
            if alone is not None:
                self._busy[alone] = job.id
            self._drop_old()
            told = threading.Event()
            threads = self._threads[_THREADS_OF.get(type, type)]
            threads.submit(self._run, job.id, run, told)
        try:
            self._tell(job.id)
        finally:
            told.set()
        return job

    def get(self, id: str) -> Job | None:
        """Return a job as it is now; None if there is none, or it was dropped."""
        with self._lock:
            kept = self._kept.get(id)
            return None if kept is None else kept.job

    def list(self, *, state: JobState | None = None, limit: int = 100) -> tuple[Job, ...]:
        """Return jobs, the newest first."""
        with self._lock:
            found = [each.job for each in reversed(self._kept.values())]
        return tuple(each for each in found if state in (None, each.state))[:limit]

    def close(self) -> None:
        """Take no more jobs, drop those that wait, and wait for those that run."""
        with self._lock:
            self._closed = True
        for threads in self._threads.values():
            threads.shutdown(wait=False, cancel_futures=True)
        for id in [job.id for job in self.list(state="queued")]:
            self._finish(id, UnavailableError("the server stopped before the job began"))
        for threads in self._threads.values():
            threads.shutdown(wait=True)

    def _refuse(self, alone: str | None) -> None:
        if self._closed:
            raise UnavailableError("the server is stopping; send the request to another one")
        if alone is not None and (busy := self._busy.get(alone)) is not None:
            other = self._kept[busy].job
            raise ConflictError(
                f"{other.actor!r} has asked for a {other.type} of {other.subject}, which is "
                f"{other.state} as the job {other.id}; wait for its end, and look at the history"
            )
        n_open = sum(not each.job.is_over for each in self._kept.values())
        if n_open >= MOST_WAITING:
            raise UnavailableError(
                f"{n_open} jobs wait or run; try again when some have ended", retry_after_s=10.0
            )

    def _drop_old(self) -> None:
        over = [id for id, each in self._kept.items() if each.job.is_over]
        for id in over[: max(0, len(self._kept) - self._most)]:
            key = self._kept.pop(id).key
            if key is not None and self._requests[key].job == id:
                del self._requests[key]

    def _run(self, id: str, run: Run, told: threading.Event) -> None:
        # First comes that the job waits.
        told.wait()
        self._change(id, state="running", started_at=_now(self._kept[id].job.created_at))
        progress = Progress(
            lambda **values: self._change(id, **values),
            lambda: self._kept[id].job,
            lambda: self._closed,
        )
        try:
            result = run(progress)
        except Exception as error:
            self._finish(id, error)
        else:
            now = _now(self._kept[id].job.started_at)
            self._change(id, state="succeeded", finished_at=now, result=result, progress=1.0)

    def _finish(self, id: str, error: Exception) -> None:
        """Let a job fail."""
        job = self._kept[id].job
        problem = problem_of(error)
        if problem.status == 500:
            _log.error("the job %s failed", id, exc_info=error)
        found, now = problem.to_dict(job.request_id), _now(job.started_at or job.created_at)
        self._change(id, state="failed", finished_at=now, problem=found)

    def _change(self, id: str, **values: Any) -> None:
        with self._lock:
            kept = self._kept[id]
            kept.job = replace(kept.job, **values)
            if kept.job.is_over and kept.lock is not None:
                self._busy.pop(kept.lock, None)
                kept.lock = None
        self._tell(id)

    def _tell(self, id: str) -> None:
        # One after the other, so that the order is that of the changes.
        with self._telling:
            with self._lock:
                kept = self._kept.get(id)
            if kept is not None:
                self._on_change(kept.job)


def _now(before: datetime | None) -> datetime:
    """Return the time, or the one before of a job where the clock was set back in between."""
    now = datetime.now(UTC)
    return now if before is None else max(now, before)
