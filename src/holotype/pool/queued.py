"""What waits for a batch across callers: requests, their windows, and what comes of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

import numpy as np

from holotype.pool.arguments import check_count
from holotype.pool.generation import Facts, Version

if TYPE_CHECKING:
    from holotype.encoders.inputs.images import Picture

BATCH_TOKENS = 8192
_WINDOW_TEXTS = 32
_BYTES_A_TOKEN = 4

Item: TypeAlias = "str | tuple[str, str] | Picture"
"""A text, a pair of texts that the model reads together, or a picture."""


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

    def __post_init__(self) -> None:
        """Refuse what nothing could pass.

        Raises:
            InvalidArgumentError: one is no whole number, or too small.
        """
        check_count("batch_tokens", self.batch_tokens)
        check_count("window_texts", self.window_texts)
        check_count("queued_tokens", self.queued_tokens, least=0)
        check_count("queued_requests", self.queued_requests, least=0)


class Batched(NamedTuple):
    """What a batch returned.

    Attributes:
        value: the results of all items; slices and indices choose some.
        version: the model that made them.
        facts: what that model says of itself; None if nobody will ask.
        because: why it was a fallback; None if it was not.
    """

    value: Any
    version: Version
    facts: Facts | None = None
    because: str | None = None


class Joined(NamedTuple):
    """The results of one request.

    Attributes:
        value: the results of its items.
        versions: the models that made them; their fingerprints are equal.
        because: why a fallback made some of them; None if none did.
        queue_s: how long the request waited for its first batch, in seconds.
        run_s: how long its batches ran, in seconds.
        facts: what the last of the models says of itself.
    """

    value: Any
    versions: tuple[Version, ...]
    because: str | None
    queue_s: float = 0.0
    run_s: float = 0.0
    facts: Facts | None = None


Take = Callable[[], "list[Item]"]
"""Forms the batch, once the model is there, and returns what is in it; before a fallback, again."""

Run = Callable[[Hashable, Take, "float | None"], Batched]
"""Runs what goes together.

The arguments are what the items have in common, what forms the batch, and for how many seconds
somebody waits for the model to be loaded, None for no limit.
"""


class Queue(Protocol):
    """Where a request waits."""

    def withdraw(self, request: Request) -> None:
        """Take a request out, if it is there."""

    def expire(self, request: Request) -> None:
        """Fail a request whose time is up, unless it is being run."""


class Request(Future[Joined]):
    """What one caller asks for, and the future of its results. Guarded by the queue's lock.

    Attributes:
        group: what the items of one batch have in common.
        items: its texts, pairs or pictures.
        counts: their tokens, estimated.
        n_tokens: the sum of them.
        deadline_s: when to give up, on the clock; None for never.
        queued_at_s: when it was queued.
        begun: how many of its items have been taken into batches.
        n_restarts: how often it began again.
        is_joined: whether its results have been joined.
        queue_s: how long it waited for its first batch; None while it waits.
        run_s: how long its batches have run.
        parts: the results of its windows, by their starts.
    """

    def __init__(
        self,
        queue: Queue,
        group: Hashable,
        items: Sequence[Item],
        counts: list[int],
        *,
        deadline_s: float | None,
        queued_at_s: float,
    ) -> None:
        """Ask; nothing is queued yet."""
        super().__init__()
        self._queue = queue
        self.group = group
        self.items = items
        self.counts = counts
        self.n_tokens = sum(counts)
        self.deadline_s = deadline_s
        self.queued_at_s = queued_at_s
        self.begun = 0
        self.n_restarts = 0
        self.is_joined = False
        self.queue_s: float | None = None
        self.run_s = 0.0
        self.parts: dict[int, Batched] = {}

    @property
    def n_done(self) -> int:
        """How many items have results."""
        return sum(len(part.value) for part in self.parts.values())

    def cancel(self) -> bool:
        """Leave the queue; return whether there was no answer yet."""
        cancelled = super().cancel()
        if cancelled:
            self._queue.withdraw(self)
        return cancelled

    def expire(self) -> None:
        """Fail with a `LoadingTimeoutError` or a `DeadlineError`, unless it is being run."""
        self._queue.expire(self)

    def fail(self, error: Exception) -> None:
        """Fail, unless it is over already."""
        with suppress(InvalidStateError):
            self.set_exception(error)

    def finish(self, joined: Joined) -> None:
        """Give the results, unless it is over already."""
        with suppress(InvalidStateError):
            self.set_result(joined)


class Window(NamedTuple):
    """A part of a request that runs at once.

    Attributes:
        request: the request.
        start: the position of its first item.
        items: the items.
        n_tokens: their tokens, estimated.
    """

    request: Request
    start: int
    items: Sequence[Item]
    n_tokens: int


def estimate_tokens(item: str | tuple[str, str]) -> int:
    """Estimate the tokens of a text or a pair from its bytes in UTF-8, and the special ones.

    Four bytes a token hold for English, and nearly for Chinese, where a character is three bytes.
    Batches need no more: an encoder cuts them by the real numbers again.
    """
    if isinstance(item, str):
        return len(item.encode("utf-8", "surrogatepass")) // _BYTES_A_TOKEN + 2
    return estimate_tokens(item[0]) + estimate_tokens(item[1]) - 1


def join_results(values: list[Any]) -> Any:
    """Join the results of windows."""
    first = values[0]
    if isinstance(first, np.ndarray):
        return np.concatenate(values)
    if isinstance(first, list):
        return [one for value in values for one in value]
    return type(first).concatenate(values)
