"""A program may end while a pool loads, runs or closes models: native code is not cut off."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from threading import Event, Thread

import pytest
from tests.unit.holotype.pool.test_loader import Step

from holotype.pool import PoolClosedError
from holotype.pool.loader import REQUESTED, Loader

ROOT = Path(__file__).parents[4]
MODEL = """
import sys
import time
from threading import Event, Thread
from holotype.pool import Pool, Sizes

begun = Event()

def say(what):
    time.sleep(0.5)
    print(what, flush=True)

class Slow:
    dim = 1

    def __init__(self):
        if HOW == "load":
            begun.set()
            say("loaded")

    def encode(self, sentences):
        if sentences == ["go"]:
            begun.set()
            say("encoded")
        return [[1.0] for _ in sentences]

    def close(self):
        say("closed")

def main():
    made = Pool.builder().with_custom("slow", Slow, memory_bytes=1)
    pool = made.remember_sizes_in(Sizes(None)).build()
    if HOW == "load":
        Thread(target=lambda: pool._engine.load(pool._slots("slow")[0])).start()
        begun.wait(30)
        return
    pool.load("slow")
    if HOW == "batch":
        pool.submit("slow", "encode", ["go"])
        begun.wait(30)
        return
    Thread(target=lambda: pool.encoder("slow").encode(["go"])).start()
    begun.wait(30)
    # What is called is closed when its call ends, after the main thread has ended.
    assert not pool.close(drain_s=0)

main()
"""


def end_of(how: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", f"HOW = {how!r}\n{textwrap.dedent(MODEL)}"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("how", "said"),
    [("load", ["loaded", "closed"]), ("batch", ["encoded"]), ("close", ["encoded", "closed"])],
)
def test_what_a_thread_of_the_pool_has_begun_ends_before_the_interpreter(
    how: str, said: list[str]
) -> None:
    found = end_of(how)
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.split() == said


def test_a_loader_is_not_joined_before_its_thread_has_ended() -> None:
    loader, gate = Loader("cpu", lambda: 0.0), Event()
    step = Step(REQUESTED, lambda: None)
    loader.submit(step)
    assert step.done.wait(30)
    thread = loader._thread
    assert isinstance(thread, Thread)
    loader.stop(PoolClosedError())
    assert loader.join(30)
    assert not thread.is_alive()
    # What comes later has a thread of its own, which is joined in its turn.

    def wait() -> None:
        gate.wait(30)

    later = Step(REQUESTED, wait)
    loader.submit(later)
    assert not loader.join(0)
    gate.set()
    assert loader.join(30)
    assert loader._thread is not thread
