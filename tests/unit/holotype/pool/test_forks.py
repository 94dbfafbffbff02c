"""A pool in a fork of its process: what needs the pool's threads is refused at once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.unit.holotype.pool.serving import Kitchen

from holotype.errors import ForkedEncoderError
from holotype.pool import Pool

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")

_LONGEST_S = 20


@pytest.fixture
def pool() -> Iterator[Pool]:
    kitchen = Kitchen()
    with kitchen.pool(kitchen.spec("a"), kitchen.spec("b")) as pool:
        pool.call("a", "encode", ["a text"])
        asyncio.run(pool.acall("a", "encode", ["a text"]))
        queued = pool.submit("a", "encode", ["a text"])
        assert queued is not None
        queued.result()
        yield pool


def in_a_fork(call: Callable[[], Any]) -> str:
    """Return the repr of what a call returns in a fork, or the name of its error and its message."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        import signal

        signal.alarm(_LONGEST_S)
        try:
            said = repr(call())
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        said = answer.read().decode()
    _, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) == 0, "the fork waits for ever"
    return said


@pytest.mark.parametrize(
    "call",
    [
        lambda pool: pool.call("b", "encode", ["a text"]),
        lambda pool: pool.load("b"),
        lambda pool: pool.unload("a"),
        lambda pool: asyncio.run(pool.acall("a", "encode", ["a text"])),
        lambda pool: pool.submit("a", "encode", ["a text"]).result(),
    ],
    ids=["call", "load", "unload", "acall", "submit"],
)
def test_what_needs_a_thread_says_that_the_process_was_forked(
    pool: Pool, call: Callable[[Pool], Any]
) -> None:
    said = in_a_fork(lambda: call(pool))
    assert said.startswith(ForkedEncoderError.__name__)
    assert "was forked after its pool had been made" in said


def test_a_fork_closes_its_copy_at_once_and_the_pool_goes_on(pool: Pool) -> None:
    def close() -> bool:
        with pool:
            pass
        return pool.close()

    assert in_a_fork(close) == "False"
    assert pool.call("a", "encode", ["a text"]).value is not None


def test_a_pool_that_a_fork_makes_itself_runs_there() -> None:
    def make_and_call() -> int:
        kitchen = Kitchen()
        with kitchen.pool(kitchen.spec("a")) as own:
            return len(own.call("a", "encode", ["a text"]).value)

    assert in_a_fork(make_and_call) == "1"
