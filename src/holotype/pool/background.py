"""Work that gives way to calls: on a thread of low priority, made for it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread, get_native_id
from typing import TypeVar

_NICE = 10
"""Above the process's own: a tenth of the processor beside threads of the usual priority."""

ResultT = TypeVar("ResultT")


def run_in_background(work: Callable[[], ResultT]) -> ResultT:
    """Run work with a low priority, and wait for it; elsewhere than on Linux, with the usual one.

    On Linux each thread has a priority of its own. The threads that it starts inherit it, those of
    torch's products too. Only root may raise it again, so that the thread ends with its work, and
    the work must start no thread that is to live on.

    Returns:
        What the work returns; what it raises is raised here.
    """
    future: Future[ResultT] = Future()

    def run() -> None:
        _lower_priority()
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    thread = Thread(target=run, name="holotype-background", daemon=True)
    thread.start()
    thread.join()
    return future.result()


def _lower_priority() -> None:
    if sys.platform != "linux":
        return
    thread = get_native_id()
    # Where a sandbox forbids it, the work goes on as it is.
    with suppress(OSError):
        nice = os.getpriority(os.PRIO_PROCESS, thread)
        os.setpriority(os.PRIO_PROCESS, thread, min(nice + _NICE, 19))
