"""All that a server tells of itself: one ring of events, and readers that wait for the next ones.

Events have ids that grow, and that begin with a mark of the process, so that a reader who comes
back goes on after the last one that it has seen, and learns that it has missed some: those that the
ring has dropped, and those of a process that has ended.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from threading import Lock
from typing import Any, Literal, TypeAlias
from uuid import uuid4

EventType: TypeAlias = Literal["pool", "activation", "job", "deployment", "health", "reset"]

MOST_KEPT = 1000
MOST_READERS = 200
_AT_ONCE = 100
_ASKS_EVERY_S = 0.5
"""How often a reader that gets no events is asked about."""

MayRead: TypeAlias = Callable[[], Awaitable[bool]]
"""Says whether a reader may still read."""


async def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerEvent:
    """Something that happened.

    Attributes:
        id: its id; a reader goes on after it.
        type: what it is about.
        data: what it says, as JSON takes it.
    """

    id: str
    type: EventType
    data: Mapping[str, Any]


class EventHub:
    """The last events of a server. Events come from any thread; readers are on the event loop."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        """Keep so many events."""
        self._mark = uuid4().hex[:8]
        self._lock = Lock()
        self._ring: deque[ServerEvent] = deque(maxlen=most)
        self._last = 0
        self._wakes: set[Callable[[], None]] = set()
        self._ended = False

    @property
    def n_readers(self) -> int:
        """How many readers there are."""
        return len(self._wakes)

    def add(self, type: EventType, data: Mapping[str, Any]) -> None:
        """Tell the readers of something; from any thread."""
        with self._lock:
            self._last += 1
            self._ring.append(ServerEvent(id=f"{self._mark}-{self._last}", type=type, data=data))
            wakes = tuple(self._wakes)
        for wake in wakes:
            wake()

    def end(self) -> None:
        """End all readers, also those that come later."""
        with self._lock:
            self._ended = True
            wakes = tuple(self._wakes)
        for wake in wakes:
            wake()

    def read(
        self, last_id: str | None = None, *, may_read: MayRead = _always
    ) -> AsyncIterator[ServerEvent]:
        """Return the events from now on, as they come, until the hub ends.

        A reader that is too slow, or was away too long, gets one event of the type ``reset`` in the
        place of those that were dropped.

        Args:
            last_id: the last event that the reader has seen; None begins with the next one.
            may_read: is asked before events are given, and twice a second; the reader ends when it
                may not read any more.
        """
        with self._lock:
            position, has_missed = self._find(last_id)
        return self._read(position, may_read, has_missed=has_missed)

    async def _read(
        self, position: int, may_read: MayRead, *, has_missed: bool
    ) -> AsyncIterator[ServerEvent]:
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()

        def wake() -> None:
            # The loop may be closed while another thread still tells of something.
            if not loop.is_closed():
                loop.call_soon_threadsafe(changed.set)

        with self._lock:
            self._wakes.add(wake)
        try:
            if has_missed:
                yield self._reset(position)
            while await may_read():
                changed.clear()
                with self._lock:
                    first = self._last - len(self._ring) + 1
                    has_missed = position < first - 1
                    if has_missed:
                        position = self._last
                    found = self._after(position)
                    ended = self._ended
                if has_missed:
                    yield self._reset(position)
                for event in found:
                    yield event
                position += len(found)
                if ended:
                    return
                if not found:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_ASKS_EVERY_S):
                            await changed.wait()
        finally:
            with self._lock:
                self._wakes.discard(wake)

    def _find(self, last_id: str | None) -> tuple[int, bool]:
        """Return after which event to begin, and whether the reader has missed some."""
        if last_id is None:
            return self._last, False
        mark, _, number = last_id.partition("-")
        if mark != self._mark or not number.isascii() or not number.isdigit():
            return self._last, True
        if int(number[:20]) > self._last:
            return self._last, True
        return int(number), False

    def _after(self, position: int) -> list[ServerEvent]:
        """Return the next events after a position; the lock is held."""
        skipped = len(self._ring) - (self._last - position)
        return list(islice(self._ring, skipped, skipped + _AT_ONCE))

    def _reset(self, position: int) -> ServerEvent:
        message = "events were missed; ask for the present state again"
        return ServerEvent(id=f"{self._mark}-{position}", type="reset", data={"message": message})
