"""Batches across callers: what several callers ask for at once runs together.

A worker takes what is queued, up to a number of tokens. If nothing runs, it does not wait for more:
while one batch runs, the next one gathers. Where several batches run at once, one that comes beside
another gathers for a moment, since those whose answers have just left ask again within it.

A batch is formed when its model is loaded. What was cancelled by then, or is past its deadline, is
not in it, however long the load took.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Sequence
from copy import copy
from math import inf
from threading import Condition, Lock, Thread, current_thread
from time import monotonic
from typing import Any

from holotype.encoders.running.forks import refuse_fork
from holotype.errors import ImageError
from holotype.pool.ending import end_with_process
from holotype.pool.errors import (
    CallerLeftError,
    DeadlineError,
    LoadingTimeoutError,
    PoolClosedError,
    QueueFullError,
)
from holotype.pool.metrics import Metrics
from holotype.pool.queued import (
    Batched,
    Item,
    Joined,
    Limits,
    Request,
    Run,
    Take,
    Window,
    estimate_tokens,
    join_results,
)
from holotype.pool.waiting import Waiting

_MOST_VERSIONS = 3
_IDLE_S = 60.0
_GATHERS = 0.1
"""How long a batch gathers beside another one: this share of the time that the last one took."""
_LONGEST_GATHERING_S = 0.005


class _Batch:
    """What a worker is about to run; it is formed when the model is there."""

    def __init__(self, batcher: Batcher, group: Hashable) -> None:
        self._batcher = batcher
        self.group = group
        self.windows: list[Window] = []
        self.started_s: float | None = None

    def take(self) -> list[Item]:
        """Return the items of the batch; see `Take`.

        Raises:
            CallerLeftError: nobody waits for any.
        """
        if self.started_s is None:
            self.windows = self._batcher.form(self)
        else:
            self.windows = [one for one in self.windows if not one.request.done()]
        if not self.windows:
            raise CallerLeftError
        return [item for window in self.windows for item in window.items]


class Batcher:
    """The queue of one model, and the threads that empty it.

    Safe to share between threads. A thread that has had nothing to do for a minute ends.

    Attributes:
        n_workers: how many batches may run at once.
    """

    def __init__(
        self,
        name: str,
        run: Run,
        *,
        clock: Callable[[], float],
        metrics: Metrics,
        max_length: Callable[[], int | None] = lambda: None,
        limits: Limits | None = None,
    ) -> None:
        """Queue nothing yet; the threads start with the first request.

        Args:
            name: the model, for messages.
            run: runs a batch.
            clock: seconds that only grow.
            metrics: where batches are counted.
            max_length: says how many tokens of a text, or of a pair, the model reads.
            limits: how much may be queued and run at once.
        """
        self._name = name
        self._run = run
        self._clock = clock
        self._metrics = metrics
        self._max_length = max_length
        self.n_workers = 1
        lock = Lock()
        self._changed = Condition(lock)
        self._ended = Condition(lock)
        self._n_running = 0
        self._last_s = 0.0
        self._waiting = Waiting(limits or Limits())
        self._tokens_a_second = 0.0
        # When the last of those that wait gives up.
        self._latest_s = inf
        self._waiting_for_model: set[_Batch] = set()
        self._threads: list[Thread] = []
        self._process_id = os.getpid()
        self._closed = False
        end_with_process(self)

    def submit(
        self,
        group: Hashable,
        items: Sequence[Item],
        *,
        urgent: bool = False,
        deadline_s: float | None = None,
        tokens_each: int | None = None,
    ) -> Request:
        """Queue texts, pairs or pictures.

        Args:
            group: what the items of one batch have in common.
            items: at least one.
            urgent: whether they come before those that are not.
            deadline_s: when to give up, on the clock.
            tokens_each: as how many tokens each item counts; None estimates them from texts, up to
                the longest that the model reads.

        Returns:
            The future of their results, and of the models that made them.

        Raises:
            QueueFullError: too much is queued already.
            PoolClosedError: the pool is closed.
            ForkedEncoderError: the process was forked from the one that has the threads.
            ValueError: there is no item.
        """
        if not items:
            raise ValueError("there is no text to queue")
        if self._threads:
            refuse_fork(self._name, self._process_id, in_pool=True)
        counts = self._estimate(items) if tokens_each is None else [tokens_each] * len(items)
        request = Request(
            self, group, items, counts, deadline_s=deadline_s, queued_at_s=self._clock()
        )
        latest_s = inf if deadline_s is None else deadline_s
        with self._changed:
            if self._closed:
                raise PoolClosedError(self._name)
            self._require_room(request.n_tokens)
            self._latest_s = max(self._latest_s, latest_s) if self._waiting else latest_s
            self._waiting.add(request, urgent=urgent)
            self._process_id = os.getpid()
            while len(self._threads) < self.n_workers:
                name = f"holotype-batches-{self._name}-{len(self._threads)}"
                self._threads.append(Thread(target=self._work, name=name, daemon=True))
                self._threads[-1].start()
            self._changed.notify()
        return request

    def _estimate(self, items: Sequence[Any]) -> list[int]:
        most = self._max_length()
        counts = [estimate_tokens(item) for item in items]
        return counts if most is None else [min(count, most) for count in counts]

    def _require_room(self, n_tokens: int) -> None:
        if self._waiting.has_room(n_tokens):
            return
        self._metrics.add("refused", (self._name, ""))
        limits, speed, n_waiting = self.limits, self._tokens_a_second, self._waiting.n_tokens
        wait_s = max(0.1, round(n_waiting / speed, 1)) if speed else 1.0
        raise QueueFullError(
            self._name,
            f"has {len(self._waiting):,} requests of about {n_waiting:,} tokens queued, and takes "
            f"{limits.queued_requests:,} of {limits.queued_tokens:,}; try again in {wait_s} s",
            wait_s,
        )

    @property
    def limits(self) -> Limits:
        """How much may be queued and run at once."""
        return self._waiting.limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._waiting.limits = limits

    @property
    def n_queued(self) -> int:
        """How many requests wait, or wait for their next window."""
        with self._changed:
            return len(self._waiting)

    def close(self) -> None:
        """Refuse what is queued, and end the threads after the batches that run."""
        self.refuse()
        self.join(None)

    def refuse(self) -> None:
        """Refuse what is queued and what comes; the batches that run go on."""
        with self._changed:
            self._closed = True
            waiting = self._waiting.remove_all()
            self._changed.notify_all()
            self._ended.notify_all()
        for request in waiting:
            request.fail(PoolClosedError(self._name))

    def join(self, timeout_s: float | None) -> bool:
        """Wait until the threads have ended, which they do once the queue is closed."""
        ends_s = None if timeout_s is None else monotonic() + timeout_s
        with self._changed:
            threads = tuple(self._threads)
        for thread in threads:
            thread.join(None if ends_s is None else max(0.0, ends_s - monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def withdraw(self, request: Request) -> None:
        """Take a request out of the queue, if it is there."""
        with self._changed:
            self._waiting.remove(request)

    def expire(self, request: Request) -> None:
        """Fail a request whose time is up, unless a part of it runs or has run."""
        with self._changed:
            if request.begun or not self._waiting.remove(request):
                return
            group = request.group
            is_loading = any(batch.group == group for batch in self._waiting_for_model)
        self._fail_late(request, is_loading=is_loading)

    def _fail_late(self, request: Request, *, is_loading: bool = False) -> None:
        self._metrics.add("expired", (self._name, ""))
        waited_s = self._clock() - request.queued_at_s
        error: Exception
        if is_loading:
            error = LoadingTimeoutError(
                self._name, f"was not loaded in time: {waited_s:.3f} s; the load goes on", 1.0
            )
        else:
            error = DeadlineError(self._name, f"was not run in time: {waited_s:.3f} s in the queue")
        request.fail(error)

    def _work(self) -> None:
        while True:
            with self._changed:
                busy = self._changed.wait_for(lambda: self._closed or self._waiting, _IDLE_S)
                if self._closed:
                    return
                if not busy or len(self._threads) > self.n_workers:
                    self._threads.remove(current_thread())
                    self._changed.notify()
                    return
                if self._n_running:
                    self._gather()
                request, late = self._waiting.first(self._clock())
                batch = None if request is None else _Batch(self, request.group)
                if batch is not None:
                    self._n_running += 1
                    self._waiting_for_model.add(batch)
            for each in late:
                self._fail_late(each)
            if batch is None:
                continue
            try:
                self._run_batch(batch)
            except Exception as error:
                # The thread outlives any mistake.
                for window in batch.windows:
                    window.request.fail(error)
            finally:
                with self._changed:
                    self._waiting_for_model.discard(batch)
                    self._n_running -= 1
                    self._ended.notify_all()

    def _gather(self) -> None:
        """Wait for more to come, unless nothing runs any more; the lock is held."""
        seconds = min(_GATHERS * self._last_s, _LONGEST_GATHERING_S)
        self._ended.wait_for(lambda: self._closed or not self._n_running, seconds)

    def form(self, batch: _Batch) -> list[Window]:
        """Take the windows of a batch out of the queues."""
        with self._changed:
            self._waiting_for_model.discard(batch)
            batch.started_s = self._clock()
            windows, late = self._waiting.take(batch.group, batch.started_s)
        for request in late:
            self._fail_late(request)
        return windows

    def _run_batch(self, batch: _Batch) -> None:
        latest_s = self._latest_s
        wait_s = None if latest_s == inf else max(0.0, latest_s - self._clock())
        try:
            batched = self._run(batch.group, batch.take, wait_s)
        except CallerLeftError:
            return
        except Exception as error:
            if batch.started_s is None:
                self._refuse(batch.group, error)
            else:
                self._run_singly(batch, error)
            return
        started_s = self._clock() if batch.started_s is None else batch.started_s
        seconds = self._last_s = self._clock() - started_s
        windows, version = batch.windows, batched.version
        labels = (version.name, version.variant)
        n_tokens = sum(window.n_tokens for window in windows)
        if seconds > 0:
            speed = n_tokens / seconds
            known = self._tokens_a_second
            self._tokens_a_second = 0.8 * known + 0.2 * speed if known else speed
        self._metrics.batch(
            labels,
            n_texts=sum(len(one.items) for one in windows),
            n_tokens=n_tokens,
            seconds=seconds,
            waited_s=[started_s - one.request.queued_at_s for one in windows],
        )
        start = 0
        for window in windows:
            end = start + len(window.items)
            request = window.request
            if request.queue_s is None:
                request.queue_s = started_s - request.queued_at_s
            request.run_s += seconds
            part = Batched(
                value=batched.value[start:end],
                version=version,
                facts=batched.facts,
                because=batched.because,
            )
            self._put(window, part)
            start = end

    def _refuse(self, group: Hashable, error: Exception) -> None:
        """Fail those that waited for a model that is not there; a load is tried once for all."""
        with self._changed:
            waiting = self._waiting.of(group)
            if isinstance(error, LoadingTimeoutError):
                # Those that came later have more time.
                now_s = self._clock()
                waiting = [
                    one for one in waiting if one.deadline_s is not None and one.deadline_s <= now_s
                ]
            for request in waiting:
                self._waiting.remove(request)
        for request in waiting:
            # One exception must not be raised on many threads at once.
            own = copy(error)
            own.__cause__ = error.__cause__
            request.fail(own)

    def _run_singly(self, batch: _Batch, error: Exception) -> None:
        """Run each window by itself, so that only the guilty request fails."""
        windows = batch.windows
        if len(windows) == 1:
            windows[0].request.fail(_in_request(error, windows[0]))
            return
        for window in windows:
            try:
                found = self._run(batch.group, _alone(window), None)
            except CallerLeftError:
                continue
            except Exception as own:
                window.request.fail(_in_request(own, window))
            else:
                self._put(window, found)

    def _put(self, window: Window, part: Batched) -> None:
        """Give a request the results of a window, and finish it with the last one."""
        request = window.request
        if len(window.items) == len(request.items):
            request.finish(
                Joined(
                    part.value,
                    (part.version,),
                    part.because,
                    request.queue_s or 0.0,
                    request.run_s,
                    part.facts,
                )
            )
            return
        with self._changed:
            # Another worker may have another window of the same request.
            request.parts[window.start] = part
            if request.n_done < len(request.items) or request.is_joined or request.done():
                return
            request.is_joined = True
            parts = [request.parts[start] for start in sorted(request.parts)]
        versions = tuple(dict.fromkeys(part.version for part in parts))
        if len({version.fingerprint for version in versions}) > 1:
            self._restart(request)
            return
        value = parts[0].value if len(parts) == 1 else join_results([part.value for part in parts])
        because = next((part.because for part in parts if part.because), None)
        queue_s = request.queue_s or 0.0
        request.finish(Joined(value, versions, because, queue_s, request.run_s, parts[-1].facts))

    def _restart(self, request: Request) -> None:
        """Run a request again that a swap to other vectors has cut in two."""
        request.n_restarts += 1
        if request.n_restarts >= _MOST_VERSIONS:
            request.fail(
                DeadlineError(
                    self._name,
                    f"changed its vectors {request.n_restarts} times during one request; send it "
                    "again",
                    1.0,
                )
            )
            return
        with self._changed:
            request.parts.clear()
            request.begun = 0
            request.is_joined = False
            if self._closed:
                request.fail(PoolClosedError(self._name))
                return
            self._waiting.add_first(request)
            self._latest_s = (
                inf if request.deadline_s is None else max(self._latest_s, request.deadline_s)
            )
            self._changed.notify()


def _in_request(error: Exception, window: Window) -> Exception:
    """Return an error of a window in which a position is one in its request."""
    if not isinstance(error, ImageError):
        return error
    found = error.at(window.start + error.index)
    found.__cause__ = error.__cause__
    return found


def _alone(window: Window) -> Take:
    def take() -> list[Item]:
        if window.request.done():
            raise CallerLeftError
        return list(window.items)

    return take
