"""Batches across callers: what several callers ask for at once runs together.

A worker takes what is queued, up to a number of tokens, and does not wait for more: while one batch
runs, the next one gathers. Requests are cut into windows and take turns, so that a long one does not
hold up the short ones behind it. Queries come before documents. What was cancelled, or is past its
deadline, leaves before a batch is formed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field, replace
from threading import Condition, Lock, Thread
from typing import Any, NamedTuple

import numpy as np

from holotype.pool.errors import DeadlineError, PoolClosedError, QueueFullError
from holotype.pool.generation import Version
from holotype.pool.metrics import Metrics

BATCH_TOKENS = 8192
_WINDOW_TEXTS = 32
_BYTES_A_TOKEN = 4
_COMPARABLE = (str, int, float, bool, type(None))
_MOST_VERSIONS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much may be queued and run at once.

    Attributes:
        batch_tokens: the tokens of a batch; a single longer text is a batch of its own.
        window_texts: how many texts of one request run before it is another one's turn.
        queued_tokens: the tokens in the queue, estimated; see `estimate_tokens`.
        queued_requests: the requests in the queue.
    """

    batch_tokens: int = BATCH_TOKENS
    window_texts: int = _WINDOW_TEXTS
    queued_tokens: int = 1_000_000
    queued_requests: int = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Batched:
    """What a batch returned.

    Attributes:
        value: the results of all texts; slices and indices choose some.
        version: the model that made them.
        because: why it was a fallback; None if it was not.
    """

    value: Any
    version: Version
    because: str | None = None


class Joined(NamedTuple):
    """The results of one request.

    Attributes:
        value: the results of its texts.
        versions: the models that made them; their fingerprints are equal.
        because: why a fallback made some of them; None if none did.
        queue_s: how long the request waited for its first batch, in seconds.
        run_s: how long its batches ran, in seconds.
    """

    value: Any
    versions: tuple[Version, ...]
    because: str | None
    queue_s: float = 0.0
    run_s: float = 0.0


Run = Callable[[Hashable, list[str]], Batched]
"""Runs texts that go together; the first argument says what they have in common."""


@dataclass(slots=True, eq=False)
class _Request:
    group: Hashable
    texts: Sequence[str]
    future: Future[Joined]
    deadline_s: float | None
    queued_at_s: float
    n_tokens: int
    begun: int = 0
    n_restarts: int = 0
    queue_s: float | None = None
    run_s: float = 0.0
    parts: dict[int, Batched] = field(default_factory=dict)

    @property
    def n_done(self) -> int:
        """How many texts have results."""
        return sum(len(part.value) for part in self.parts.values())


@dataclass(frozen=True, slots=True)
class _Window:
    request: _Request
    start: int
    texts: list[str]


class Batcher:
    """The queue of one model, and the thread that empties it.

    Safe to share between threads.

    Attributes:
        limits: how much may be queued and run at once.
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
        """Queue nothing yet; the thread starts with the first request.

        Args:
            name: the model, for messages.
            run: runs a batch.
            clock: seconds that only grow.
            metrics: where batches are counted.
            max_length: says how many tokens of a text the model reads.
            limits: how much may be queued and run at once.
        """
        self._name = name
        self._run = run
        self._clock = clock
        self._metrics = metrics
        self._max_length = max_length
        self.limits = limits or Limits()
        self._changed = Condition(Lock())
        # Queries, then all else. A request goes to the end of its queue after each window.
        self._queues: tuple[deque[_Request], deque[_Request]] = (deque(), deque())
        self._queued_tokens = 0
        self._tokens_a_second = 0.0
        self._thread: Thread | None = None
        self._closed = False

    def submit(
        self,
        group: Hashable,
        texts: Sequence[str],
        *,
        urgent: bool = False,
        deadline_s: float | None = None,
    ) -> Future[Joined]:
        """Queue texts and return the future of their results, and of the models that made them.

        Cancelling the future takes them out of the queue.

        Args:
            group: what texts of one batch have in common.
            texts: at least one text.
            urgent: whether they come before those that are not.
            deadline_s: when to give up, on the clock.

        Raises:
            QueueFullError: too much is queued already.
            PoolClosedError: the pool is closed.
            ValueError: there is no text.
        """
        if not texts:
            raise ValueError("there is no text to queue")
        n_tokens = sum(map(self._tokens, texts))
        request = _Request(
            group=group,
            texts=texts,
            future=Future(),
            deadline_s=deadline_s,
            queued_at_s=self._clock(),
            n_tokens=n_tokens,
        )
        with self._changed:
            if self._closed:
                raise PoolClosedError(self._name)
            self._require_room(n_tokens)
            self._queued_tokens += n_tokens
            self._queues[0 if urgent else 1].append(request)
            if self._thread is None:
                name = f"holotype-batches-{self._name}"
                self._thread = Thread(target=self._work, name=name, daemon=True)
                self._thread.start()
            self._changed.notify()
        return request.future

    def _require_room(self, n_tokens: int) -> None:
        limits = self.limits
        n_requests = sum(map(len, self._queues))
        # A request that is too long by itself runs if nothing else is queued.
        full = n_requests and self._queued_tokens + n_tokens > limits.queued_tokens
        if not full and n_requests < limits.queued_requests:
            return
        self._metrics.add("refused", (self._name, "", 0))
        speed = self._tokens_a_second
        wait_s = max(0.1, round(self._queued_tokens / speed, 1)) if speed else 1.0
        raise QueueFullError(
            self._name,
            f"has {n_requests:,} requests of about {self._queued_tokens:,} tokens queued, and takes "
            f"{limits.queued_requests:,} of {limits.queued_tokens:,}; try again in {wait_s} s",
            wait_s,
        )

    @property
    def n_queued(self) -> int:
        """How many requests wait, or wait for their next window."""
        with self._changed:
            return sum(map(len, self._queues))

    def close(self) -> None:
        """Refuse what is queued, and end the thread after the batch that runs."""
        with self._changed:
            self._closed = True
            waiting = [request for queue in self._queues for request in queue]
            for queue in self._queues:
                queue.clear()
            self._queued_tokens = 0
            self._changed.notify()
            thread = self._thread
        for request in waiting:
            _fail(request, PoolClosedError(self._name))
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or any(self._queues))
                if self._closed:
                    return
                windows = self._take()
            try:
                if windows:
                    self._run_batch(windows)
            except Exception as error:
                # The thread outlives any mistake.
                for window in windows:
                    _fail(window.request, error)

    def _take(self) -> list[_Window]:
        """Take the windows of the next batch out of the queues; the lock is held."""
        now_s = self._clock()
        windows: list[_Window] = []
        left = self.limits.batch_tokens
        group: Hashable = None
        for queue in self._queues:
            # What does not go with this batch is the first of the next one.
            skipped: list[_Request] = []
            while queue and left > 0:
                request = queue.popleft()
                if self._leaves(request, now_s):
                    continue
                if windows and request.group != group:
                    skipped.append(request)
                    continue
                group = request.group
                window, n_tokens = self._cut(request, left, first=not windows)
                if window is None:
                    skipped.append(request)
                    break
                windows.append(window)
                left -= n_tokens
                if request.begun < len(request.texts):
                    queue.append(request)
            queue.extendleft(reversed(skipped))
        return windows

    def _leaves(self, request: _Request, now_s: float) -> bool:
        """Whether a request is not to be run any more; its future learns why."""
        gone = request.future.done()
        if not gone and request.deadline_s is not None and now_s > request.deadline_s:
            waited_s = now_s - request.queued_at_s
            self._metrics.add("expired", (self._name, "", 0))
            _fail(
                request,
                DeadlineError(self._name, f"was not run in time: {waited_s:.3f} s in the queue"),
            )
            gone = True
        if gone:
            self._queued_tokens -= request.n_tokens
        return gone

    def _cut(self, request: _Request, left: int, *, first: bool) -> tuple[_Window | None, int]:
        """Cut the next window off a request, as long as the budget allows."""
        start = request.begun
        texts = list(request.texts[start : start + self.limits.window_texts])
        n_texts = n_tokens = 0
        for text in texts:
            count = self._tokens(text)
            # A single text may exceed the budget, or it would wait for ever.
            if n_tokens + count > left and not (first and not n_texts):
                break
            n_texts, n_tokens = n_texts + 1, n_tokens + count
        if not n_texts:
            return None, 0
        request.begun += n_texts
        if request.begun == len(request.texts):
            self._queued_tokens -= request.n_tokens
        return _Window(request, start, texts[:n_texts]), n_tokens

    def _tokens(self, text: str) -> int:
        estimated, most = estimate_tokens(text), self._max_length()
        return estimated if most is None else min(estimated, most)

    def _run_batch(self, windows: list[_Window]) -> None:
        started_s = self._clock()
        texts = [text for window in windows for text in window.texts]
        group = windows[0].request.group
        try:
            batched = self._run(group, texts)
        except Exception as error:
            self._run_singly(windows, error)
            return
        seconds = self._clock() - started_s
        version = batched.version
        labels = (version.name, version.variant, version.number)
        n_tokens = sum(map(self._tokens, texts))
        if seconds > 0:
            speed = n_tokens / seconds
            known = self._tokens_a_second
            self._tokens_a_second = 0.8 * known + 0.2 * speed if known else speed
        self._metrics.add("batches", labels)
        self._metrics.add("batched_texts", labels, len(texts))
        self._metrics.add("batched_tokens", labels, n_tokens)
        self._metrics.time("batch_s", labels, seconds)
        start = 0
        for window in windows:
            end = start + len(window.texts)
            request = window.request
            waited_s = started_s - request.queued_at_s
            self._metrics.time("queue_s", labels, waited_s)
            request.queue_s = waited_s if request.queue_s is None else request.queue_s
            request.run_s += seconds
            self._put(window, replace(batched, value=batched.value[start:end]))
            start = end

    def _run_singly(self, windows: list[_Window], error: Exception) -> None:
        """Run each window by itself, so that only the guilty request fails."""
        if len(windows) == 1:
            _fail(windows[0].request, error)
            return
        for window in windows:
            if window.request.future.done():
                continue
            try:
                found = self._run(window.request.group, window.texts)
            except Exception as own:
                _fail(window.request, own)
            else:
                self._put(window, found)

    def _put(self, window: _Window, part: Batched) -> None:
        """Give a request the results of a window, and finish it with the last one."""
        request = window.request
        request.parts[window.start] = part
        if request.n_done < len(request.texts) or request.future.done():
            return
        parts = [request.parts[start] for start in sorted(request.parts)]
        versions = tuple(dict.fromkeys(part.version for part in parts))
        if len({version.fingerprint for version in versions}) > 1:
            self._restart(request)
            return
        value = parts[0].value if len(parts) == 1 else _join([part.value for part in parts])
        try:
            because = next((part.because for part in parts if part.because), None)
            queue_s = request.queue_s or 0.0
            request.future.set_result(Joined(value, versions, because, queue_s, request.run_s))
        except InvalidStateError:
            return

    def _restart(self, request: _Request) -> None:
        """Run a request again that a swap to other vectors has cut in two."""
        request.n_restarts += 1
        if request.n_restarts >= _MOST_VERSIONS:
            _fail(
                request,
                DeadlineError(
                    self._name,
                    f"changed its vectors {request.n_restarts} times during one request; send it "
                    "again",
                    1.0,
                ),
            )
            return
        request.parts.clear()
        request.begun = 0
        with self._changed:
            if self._closed:
                _fail(request, PoolClosedError(self._name))
                return
            self._queued_tokens += request.n_tokens
            self._queues[1].appendleft(request)


def estimate_tokens(text: str) -> int:
    """Estimate the tokens of a text from its bytes in UTF-8; two special tokens are counted.

    Four bytes a token hold for English, and nearly for Chinese, where a character is three bytes.
    Batches need no more: an encoder cuts them by the real numbers again.
    """
    return len(text.encode("utf-8", "surrogatepass")) // _BYTES_A_TOKEN + 2


def _join(values: list[Any]) -> Any:
    """Join the results of windows."""
    first = values[0]
    if isinstance(first, np.ndarray):
        return np.concatenate(values)
    if isinstance(first, list):
        return [one for value in values for one in value]
    return type(first).concatenate(values)


def _fail(request: _Request, error: Exception) -> None:
    if request.future.done():
        return
    try:
        request.future.set_exception(error)
    except InvalidStateError:
        # Its caller cancelled it at this moment.
        return


def may_be_batched(method: str, args: Sequence[Any], options: Mapping[str, Any]) -> bool:
    """Whether a call can run together with others: a method that takes texts, and got some.

    Whatever else it got, the model itself judges.
    """
    if method not in ("encode_query", "encode_document", "encode", "classify") or len(args) != 1:
        return False
    (texts,) = args
    several = isinstance(texts, list) and bool(texts)
    if not isinstance(texts, str) and not (several and all(isinstance(t, str) for t in texts)):
        return False
    return all(isinstance(value, _COMPARABLE) for value in options.values())
