"""Asking again: a few times, no sooner than the Hub allows, and all threads together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import httpx

T = TypeVar("T")

_TRIES = 4
_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 120.0


class Patience:
    """Repeats requests that may succeed later: 429, 5xx, and connections that break.

    One of these is shared by all threads, so that one answer of 429 makes all of them wait.
    """

    def __init__(
        self,
        *,
        tries: int = _TRIES,
        wait: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Set how often to try, and how to wait.

        Args:
            tries: how often a request is made at most.
            wait: waits for a number of seconds.
            clock: the time in seconds.
        """
        self._tries = tries
        self._wait = wait
        self._clock = clock
        self._lock = threading.Lock()
        self._not_before = 0.0

    def call(self, request: Callable[[], T]) -> T:
        """Return what a request gives, repeating it where that may help.

        Raises:
            httpx.HTTPError: it failed, and asking again did not help or would not.
        """
        for earlier in range(self._tries - 1):
            self._hold()
            try:
                return request()
            except httpx.HTTPError as error:
                seconds = _seconds_to_wait(error, earlier)
                if seconds is None:
                    raise
                self._postpone(seconds, everyone=status_of(error) == 429)
        self._hold()
        return request()

    def _hold(self) -> None:
        with self._lock:
            seconds = self._not_before - self._clock()
        if seconds > 0:
            self._wait(seconds)

    def _postpone(self, seconds: float, *, everyone: bool) -> None:
        if not everyone:
            self._wait(seconds)
            return
        with self._lock:
            self._not_before = max(self._not_before, self._clock() + seconds)


def status_of(error: httpx.HTTPError) -> int | None:
    """Return the status of the answer that an error speaks of; None where none came."""
    response = getattr(error, "response", None)
    return response.status_code if isinstance(response, httpx.Response) else None


def _seconds_to_wait(error: httpx.HTTPError, earlier: int) -> float | None:
    """Return how long to wait before asking again; None where that would not help."""
    status = status_of(error)
    usual = _FIRST_WAIT_S * 2.0**earlier
    if status is None:
        return usual if isinstance(error, httpx.TransportError) else None
    if status != 429 and status < 500:
        return None
    stated = getattr(error, "response").headers.get("Retry-After", "")  # noqa: B009
    return min(float(stated), _LONGEST_WAIT_S) if stated.isdecimal() else usual
