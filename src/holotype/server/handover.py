"""How threads wake what waits on the event loop: those that end together, all at once."""

from __future__ import annotations

import asyncio
from collections import deque

Bell = asyncio.Future[None]
"""What a request waits for; the result says nothing."""


class Handover:
    """Wakes the requests of one event loop. Safe to share between threads.

    A batch answers many requests, one right after the other. The loop is called for the first of
    them only, and finds the others when it comes.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wake what waits on this loop."""
        self.loop = loop
        self._bells: deque[Bell] = deque()
        self._is_called = False

    def ring(self, bell: Bell) -> None:
        """Wake what waits for a bell; on any thread."""
        self._bells.append(bell)
        # Two threads at once may both call; the second finds nothing.
        if not self._is_called and not self.loop.is_closed():
            self._is_called = True
            self.loop.call_soon_threadsafe(self._ring_all)

    def _ring_all(self) -> None:
        # Before the bells are taken, so that none is added to a queue that nobody comes to.
        self._is_called = False
        while self._bells:
            bell = self._bells.popleft()
            if not bell.done():
                bell.set_result(None)
