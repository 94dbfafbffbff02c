"""The threads on which asynchronous callers run what cannot be batched, and their queue."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Any

from holotype.pool.errors import DeadlineError, PoolClosedError, QueueFullError
from holotype.pool.metrics import Metrics

_THREADS = 32


class Threads:
    """A queue with a limit, and threads that empty it. Safe to share between threads.

    Whoever cancels a future that has not begun takes it out of the queue; what is past its deadline
    leaves without being run.
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
        self._closed = False

    def submit(
        self, name: str, run: Callable[[float | None], Any], timeout_s: float | None
    ) -> Future[Any]:
        """Queue a call.

        Args:
            name: the model, for messages.
            run: makes the call; it gets the seconds that are left of the timeout.
            timeout_s: how long the call may wait, here and for its model; None for no limit.

        Raises:
            QueueFullError: too many wait already.
            PoolClosedError: the pool is closed.
        """
        queued_s = self._clock()

        def begin() -> Any:
            waited_s = self._clock() - queued_s
            if timeout_s is None:
                return run(None)
            if waited_s > timeout_s:
                self._metrics.add("expired", (name, "", 0))
                raise DeadlineError(name, f"was not run in time: {waited_s:.3f} s in the queue")
            return run(timeout_s - waited_s)

        future: Future[Any] = Future()
        with self._lock:
            if self._closed:
                raise PoolClosedError(name)
            if len(self._waiting) >= self._most:
                self._metrics.add("refused", (name, "", 0))
                raise QueueFullError(
                    name,
                    f"cannot be called: {len(self._waiting):,} calls wait already, and "
                    f"{self._most:,} may; try again in 1 s",
                    1.0,
                )
            self._waiting.add(future)
            if self._threads is None:
                self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="holotype-pool")
            self._threads.submit(self._run, future, begin)
        # What is cancelled leaves at once, and not when a thread comes to it.
        future.add_done_callback(self._take)
        return future

    def _run(self, future: Future[Any], begin: Callable[[], Any]) -> None:
        if not self._take(future) or not future.set_running_or_notify_cancel():
            return
        try:
            result = begin()
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)

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
