"""Asking again: a few times, no sooner than the Hub allows, and all threads together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import httpx
from huggingface_hub.utils._http import parse_ratelimit_headers

T = TypeVar("T")

_TRIES = 4
_FIRST_WAIT_S = 1.0
# The Hub counts requests in windows of five minutes.
_LONGEST_WAIT_S = 300.0


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
    response = _response_of(error)
    return None if response is None else response.status_code


def _response_of(error: httpx.HTTPError) -> httpx.Response | None:
    # Not only httpx's own error of a status has one, but each of huggingface_hub's.
    response = getattr(error, "response", None)
    return response if isinstance(response, httpx.Response) else None


def _seconds_to_wait(error: httpx.HTTPError, earlier: int) -> float | None:
    """Return how long to wait before asking again; None where that would not help."""
    response = _response_of(error)
    usual = _FIRST_WAIT_S * 2.0**earlier
    if response is None:
        return usual if isinstance(error, httpx.TransportError) else None
    if response.status_code != 429 and response.status_code < 500:
        return None
    stated = _stated_seconds(response.headers)
    return usual if stated is None else min(stated, _LONGEST_WAIT_S)


def _stated_seconds(headers: httpx.Headers) -> float | None:
    """Return how long an answer asks to wait: by Retry-After, or as the Hub counts requests."""
    stated = headers.get("Retry-After", "")
    if stated.isdecimal():
        return float(stated)
    limit = parse_ratelimit_headers(headers)
    return float(limit.reset_in_seconds) if limit and limit.remaining == 0 else None
