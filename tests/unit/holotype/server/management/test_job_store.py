"""Jobs: in the background, once for a request, one at a time where that matters."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from holotype.errors import InvalidArgumentError
from holotype.server.errors import ConflictError, UnavailableError
from holotype.server.management import job_store
from holotype.server.management.job_store import MOST_WAITING, Job, Jobs, Progress

ASKED: dict[str, Any] = {"subject": "v1", "actor": "alice", "request_id": "r1", "kind": "k"}


@pytest.fixture
def changes() -> list[Job]:
    return []


@pytest.fixture
def jobs(changes: list[Job]) -> Iterator[Jobs]:
    made = Jobs(changes.append, most=3)
    yield made
    made.close()


def wait(jobs: Jobs, job: Job) -> Job:
    for _ in range(3000):
        found = jobs.get(job.id)
        assert found is not None
        if found.is_over:
            return found
        threading.Event().wait(0.01)
    raise AssertionError("the job is not over")


def nothing(_: Progress) -> Mapping[str, Any]:
    return {}


def test_a_job_tells_each_step_and_its_result(jobs: Jobs, changes: list[Job]) -> None:
    def run(progress: Progress) -> Mapping[str, Any]:
        progress.step("load", "running", "loading")
        progress.share(0.5)
        progress.step("load", "succeeded", "loaded")
        return {"n": 1}

    job = jobs.submit("switch", run, **ASKED)
    done = wait(jobs, job)
    assert (done.state, done.result, done.problem, done.progress) == (
        "succeeded",
        {"n": 1},
        None,
        1,
    )
    assert [(each.name, each.state) for each in done.steps] == [("load", "succeeded")]
    assert done.started_at is not None
    assert done.finished_at is not None
    assert job.created_at <= done.started_at <= done.finished_at
    states = [each.state for each in changes]
    assert states == ["queued", "running", "running", "running", "running", "succeeded"]
    assert changes[3].progress == 0.5


@pytest.mark.parametrize("fails", [False, True])
def test_a_clock_that_is_set_back_lets_no_job_end_before_it_began(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    hours = iter((9, 8, 7))
    clock = SimpleNamespace(now=lambda zone: datetime(2026, 3, 1, next(hours), tzinfo=zone))
    monkeypatch.setattr(job_store, "datetime", clock)

    def run(_: Progress) -> Mapping[str, Any]:
        if fails:
            raise InvalidArgumentError("wrong")
        return {}

    done = wait(jobs, jobs.submit("switch", run, **ASKED))
    assert done.created_at == done.started_at == done.finished_at
    assert next(hours, None) is None


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (InvalidArgumentError("wrong"), 422, "invalid_argument"),
        (KeyError("k"), 500, "internal_error"),
    ],
)
def test_what_a_job_raises_is_its_problem(
    jobs: Jobs, error: Exception, status: int, code: str
) -> None:
    def run(_: Progress) -> Mapping[str, Any]:
        raise error

    problem = wait(jobs, jobs.submit("register", run, **ASKED)).problem
    assert problem is not None
    assert (problem["status"], problem["code"], problem["request_id"]) == (status, code, "r1")


def test_the_same_request_is_the_same_job_and_another_content_is_refused(jobs: Jobs) -> None:
    first = jobs.submit("switch", nothing, repeatable=True, content="a", **ASKED)
    wait(jobs, first)
    assert jobs.submit("switch", nothing, repeatable=True, content="a", **ASKED).id == first.id
    with pytest.raises(ConflictError, match="Idempotency-Key 'r1'"):
        jobs.submit("switch", nothing, repeatable=True, content="b", **ASKED)
    bob = {**ASKED, "actor": "bob"}
    assert jobs.submit("switch", nothing, repeatable=True, content="b", **bob).id != first.id
    assert jobs.submit("switch", nothing, content="a", **ASKED).id != first.id


def test_a_request_that_failed_is_tried_again(jobs: Jobs) -> None:
    def run(_: Progress) -> Mapping[str, Any]:
        raise InvalidArgumentError("wrong")

    failed = wait(jobs, jobs.submit("switch", run, repeatable=True, **ASKED))
    again = wait(jobs, jobs.submit("switch", nothing, repeatable=True, **ASKED))
    assert (failed.state, again.state) == ("failed", "succeeded")
    assert jobs.submit("switch", nothing, repeatable=True, **ASKED).id == again.id


def test_of_jobs_that_exclude_each_other_the_second_names_the_first(jobs: Jobs) -> None:
    go = threading.Event()

    def run(_: Progress) -> Mapping[str, Any]:
        go.wait(30)
        return {}

    first = jobs.submit("switch", run, alone="switch k", **ASKED)
    with pytest.raises(ConflictError, match="'alice' has asked for a switch of v1"):
        jobs.submit("rollback", run, alone="switch k", **{**ASKED, "actor": "bob"})
    jobs.submit("switch", nothing, alone="switch other", **ASKED)
    go.set()
    wait(jobs, first)
    assert (
        wait(jobs, jobs.submit("switch", nothing, alone="switch k", **ASKED)).state == "succeeded"
    )


def test_old_jobs_are_dropped_but_none_that_is_not_over(jobs: Jobs) -> None:
    go = threading.Event()

    def run(_: Progress) -> Mapping[str, Any]:
        go.wait(30)
        return {}

    slow = jobs.submit("benchmark", run, **ASKED)
    over = [
        wait(jobs, jobs.submit("load", nothing, repeatable=True, **{**ASKED, "request_id": str(n)}))
        for n in range(5)
    ]
    assert [each.id for each in jobs.list()] == [over[4].id, over[3].id, slow.id]
    assert jobs.get(over[0].id) is None
    assert [each.id for each in jobs.list(state="running")] == [slow.id]
    assert len(jobs._requests) == 2
    go.set()


def test_too_many_jobs_are_refused_for_now(jobs: Jobs) -> None:
    go = threading.Event()

    def run(_: Progress) -> Mapping[str, Any]:
        go.wait(30)
        return {}

    for _ in range(MOST_WAITING):
        jobs.submit("benchmark", run, **ASKED)
    with pytest.raises(UnavailableError, match="200 jobs wait or run") as caught:
        jobs.submit("load", nothing, **ASKED)
    assert caught.value.retry_after_s
    go.set()


def test_a_long_job_ends_soon_after_closing() -> None:
    made, began, closing = Jobs(), threading.Event(), threading.Event()

    def run(progress: Progress) -> Mapping[str, Any]:
        progress.require_time()
        began.set()
        assert closing.wait(30)
        for _ in range(3000):
            progress.require_time()
            threading.Event().wait(0.01)
        return {}

    job = made.submit("benchmark", run, **ASKED)
    assert began.wait(30)
    closer = threading.Thread(target=made.close)
    closer.start()
    closing.set()
    closer.join(30)
    found = made.get(job.id)
    assert found is not None and found.problem is not None
    assert (found.state, found.problem["status"]) == ("failed", 503)
    assert "before the job ended" in found.problem["detail"]


def test_closing_ends_what_runs_and_fails_what_waits() -> None:
    made, go, began = Jobs(), threading.Event(), threading.Event()

    def run(_: Progress) -> Mapping[str, Any]:
        began.set()
        go.wait(30)
        return {}

    running, waiting = (made.submit("benchmark", run, **ASKED) for _ in range(2))
    assert began.wait(30)
    closing = threading.Thread(target=made.close)
    closing.start()
    failed = wait(made, waiting)
    assert failed.problem is not None
    assert (failed.problem["status"], failed.state) == (503, "failed")
    with pytest.raises(UnavailableError, match="stopping"):
        made.submit("load", nothing, **ASKED)
    go.set()
    closing.join()
    assert made.get(running.id).state == "succeeded"  # type: ignore[union-attr]
