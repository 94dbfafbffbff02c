"""The threads on which asynchronous callers run what cannot be batched, and their queue."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from threading import Lock
from typing import Any, TypeAlias

from holotype.encoders.running.forks import refuse_fork
from holotype.pool.errors import (
    CallerLeftError,
    DeadlineError,
    PoolClosedError,
    QueueFullError,
)
from holotype.pool.metrics import Metrics

_THREADS = 32

Run: TypeAlias = "Callable[[float | None, Callable[[], None]], Any]"
"""Makes a call; see `Threads.submit`."""


class Threads:
    """A queue with a limit, and threads that empty it. Safe to share between threads.

    Whoever cancels a future before its model runs takes it out of the queue, or out of those that
    wait for a load; what is past its deadline leaves without being run.
    """

    def __init__(self, *, clock: Callable[[], float], metrics: Metrics, most: int) -> None:
        """Start no thread yet.

        Args:
            clock: seconds that only grow.
            metrics: where refused and expired calls are counted.
            most: how many calls may wait.
        """
        self._clock = clock
        self._metrics = metrics
        self._most = most
        self._lock = Lock()
        self._waiting: set[Future[Any]] = set()
        self._threads: ThreadPoolExecutor | None = None
        self._process_id = os.getpid()
        self._closed = False

    def submit(self, name: str, run: Run, timeout_s: float | None) -> Future[Any]:
        """Queue a call.

        Args:
            name: the model, for messages.
            run: makes the call; it gets the seconds that are left of the timeout, and what it is to
                call when the model is there, which raises `CallerLeftError` if nobody waits.
            timeout_s: how long the call may wait, here and for its model; None for no limit.

        Raises:
            QueueFullError: too many wait already.
            PoolClosedError: the pool is closed.
            ForkedEncoderError: the process was forked from the one that has the threads.
        """
        queued_s = self._clock()

        future: Future[Any] = Future()

        def start() -> None:
            # A fallback begins again.
            if not future.running() and not future.set_running_or_notify_cancel():
                raise CallerLeftError

        def begin() -> Any:
            waited_s = self._clock() - queued_s
            if timeout_s is None:
                return run(None, start)
            if waited_s > timeout_s:
                self._metrics.add("expired", (name, ""))
                raise DeadlineError(name, f"was not run in time: {waited_s:.3f} s in the queue")
            return run(timeout_s - waited_s, start)

        if self._threads is not None:
            refuse_fork(name, self._process_id, in_pool=True)
        with self._lock:
            self._add(name, future)
            if self._threads is None:
                self._process_id = os.getpid()
                self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="holotype-pool")
            self._threads.submit(self._run, future, begin)
        # What is cancelled leaves at once, and not when a thread comes to it.
        future.add_done_callback(self._take)
        return future

    @contextmanager
    def place(self, name: str) -> Iterator[None]:
        """Take a place in the queue without a thread, for a call that waits for a load.

        Raises:
            QueueFullError: too many wait already.
            PoolClosedError: the pool is closed.
        """
        future: Future[Any] = Future()
        with self._lock:
            self._add(name, future)
        try:
            yield
        finally:
            self._take(future)

    def _add(self, name: str, future: Future[Any]) -> None:
        """Count a call that waits; the lock is held."""
        if self._closed:
            raise PoolClosedError(name)
        if len(self._waiting) >= self._most:
            self._metrics.add("refused", (name, ""))
            raise QueueFullError(
                name,
                f"cannot be called: {len(self._waiting):,} calls wait already, and "
                f"{self._most:,} may; try again in 1 s",
                1.0,
            )
        self._waiting.add(future)

    def _run(self, future: Future[Any], begin: Callable[[], Any]) -> None:
        if not self._take(future):
            return
        try:
            result = begin()
        except CallerLeftError:
            return
        except BaseException as error:
            _end(future, partial(future.set_exception, error))
        else:
            _end(future, partial(future.set_result, result))

    def _take(self, future: Future[Any]) -> bool:
        """Take a call out of what waits; return whether it waited."""
        with self._lock:
            waited = future in self._waiting
            self._waiting.discard(future)
            return waited

    def refuse(self) -> None:
        """Take nothing more, and refuse what waits."""
        with self._lock:
            self._closed = True
            waiting, self._waiting = self._waiting, set()
        for future in waiting:
            if future.set_running_or_notify_cancel():
                future.set_exception(PoolClosedError())

    def end(self, *, wait: bool) -> None:
        """End the threads, and wait for what runs if so said."""
        threads = self._threads
        if threads is not None:
            threads.shutdown(wait=wait, cancel_futures=True)


def _end(future: Future[Any], tell: Callable[[], None]) -> None:
    try:
        tell()
    except InvalidStateError:
        # It was cancelled before its model ran.
        return


async def ended(future: Future[Any], timeout_s: float | None) -> bool:
    """Wait for the end of what others wait for, too; return whether it came in time.

    A task that is cancelled does not cancel the future.
    """
    loop, event = asyncio.get_running_loop(), asyncio.Event()

    def tell(_: object) -> None:
        # The loop may be closed when nobody waits any more.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(event.set)

    future.add_done_callback(tell)
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return False
    return True
