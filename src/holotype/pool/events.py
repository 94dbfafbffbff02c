"""What happens in a pool: a ring of the last events, subscribers, and structured logs."""

from __future__ import annotations

import json
import logging
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from threading import Condition, Lock
from typing import Literal, Self, TypeAlias

from holotype.pool.arguments import check_timeout

Kind: TypeAlias = Literal[
    "load_started",
    "loaded",
    "load_failed",
    "unloaded",
    "evicted",
    "memory_not_returned",
    "swapped",
    "swap_failed",
    "restored",
    "different_vectors",
    "fallback",
    "breaker_opened",
    "breaker_closed",
    "sick",
    "member_dropped",
    "deployment_applied",
    "deployment_failed",
    "pool_closed",
]
Value: TypeAlias = str | int | float | bool | tuple[str, ...] | None

LOG = logging.getLogger("holotype.pool")
_LEVELS: Mapping[Kind, int] = {
    "load_failed": logging.ERROR,
    "swap_failed": logging.ERROR,
    "deployment_failed": logging.ERROR,
    "sick": logging.ERROR,
    "memory_not_returned": logging.WARNING,
    "different_vectors": logging.WARNING,
    "fallback": logging.WARNING,
    "breaker_opened": logging.WARNING,
    "member_dropped": logging.WARNING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened.

    Attributes:
        number: 1 for the first event of a pool, and one more for each that follows.
        at: seconds since 1970.
        kind: what happened.
        name: the model; empty for the pool itself.
        values: the numbers and words behind it, by name.
    """

    number: int
    at: float
    kind: Kind
    name: str
    values: Mapping[str, Value] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return one line."""
        values = " ".join(f"{name}={json.dumps(value)}" for name, value in self.values.items())
        return f"{self.kind} {self.name} {values}".rstrip()


class Subscription:
    """The events since somebody subscribed; a context manager that ends the subscription.

    Attributes:
        n_missed: how many events were dropped, because the reader was too slow.
    """

    def __init__(self, events: Events, past: deque[Event], most: int) -> None:
        """Begin with past events."""
        self.n_missed = 0
        self._events = events
        self._waiting: deque[Event] = past
        self._most = most
        self._changed = Condition(Lock())
        self._ended = False

    def _put(self, event: Event) -> None:
        with self._changed:
            if len(self._waiting) >= self._most:
                self._waiting.popleft()
                self.n_missed += 1
            self._waiting.append(event)
            self._changed.notify_all()

    def next(self, timeout_s: float | None = None) -> Event | None:
        """Return the next event; None if none comes in time, or the subscription has ended.

        Raises:
            InvalidArgumentError: `timeout_s` is no time that can be waited for.
        """
        timeout_s = check_timeout(timeout_s)
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended, timeout_s)
            return self._waiting.popleft() if self._waiting else None

    def __iter__(self) -> Iterator[Event]:
        """Yield events until the subscription ends."""
        while (event := self.next()) is not None:
            yield event

    def end(self) -> None:
        """Receive no more events; what has come already can still be read."""
        self._events._forget(self)
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def __enter__(self) -> Self:
        """Return the subscription."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the subscription."""
        self.end()


class Events:
    """The last events of a pool. Safe to share between threads.

    Each is also a line of the logger ``holotype.pool``, whose records have the event as the
    attribute `event`.
    """

    def __init__(self, most: int = 1000) -> None:
        """Keep so many events."""
        self._most = most
        self._lock = Lock()
        self._ring: deque[Event] = deque(maxlen=most)
        self._last = 0
        self._subscribers: list[Subscription] = []

    def add(self, kind: Kind, name: str = "", **values: Value) -> Event:
        """Write an event down and tell the subscribers."""
        with self._lock:
            self._last += 1
            event = Event(number=self._last, at=time.time(), kind=kind, name=name, values=values)
            self._ring.append(event)
            # Under the lock, so that every subscriber sees the order of the numbers.
            for subscriber in self._subscribers:
                subscriber._put(event)
        LOG.log(_LEVELS.get(kind, logging.INFO), "%s", event, extra={"event": event})
        return event

    def last(self, *, after: int = 0, kind: Kind | None = None) -> tuple[Event, ...]:
        """Return the events that are kept, oldest first.

        Args:
            after: leave out those up to this number.
            kind: only events of this kind.
        """
        with self._lock:
            kept = tuple(self._ring)
        return tuple(e for e in kept if e.number > after and kind in (None, e.kind))

    def subscribe(self, *, after: int | None = None) -> Subscription:
        """Receive what happens from now on.

        Args:
            after: begin with the events that are kept and come after this number.
        """
        with self._lock:
            past = deque(e for e in self._ring if after is not None and e.number > after)
            subscription = Subscription(self, past, self._most)
            self._subscribers.append(subscription)
        return subscription

    def end(self) -> None:
        """End all subscriptions."""
        with self._lock:
            subscribers = tuple(self._subscribers)
        for subscriber in subscribers:
            subscriber.end()

    def _forget(self, subscription: Subscription) -> None:
        with self._lock:
            if subscription in self._subscribers:
                self._subscribers.remove(subscription)
