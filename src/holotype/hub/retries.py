"""Repeat requests a few times, no sooner than the Hub allows, across all threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from huggingface_hub.utils import httpx, parse_ratelimit_headers
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

T = TypeVar("T")

_TRIES = 4
_FIRST_WAIT_S = 1.0
# The Hub counts requests in windows of five minutes.
_LONGEST_WAIT_S = 300.0


class Patience:
    """Repeats requests that may succeed later: 429, 5xx, and connections that break.

    All threads share one instance, so that a single 429 makes all of them wait.
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
            tries: the maximum number of attempts.
            wait: waits for a number of seconds.
            clock: returns the time in seconds.
        """
        self._wait = wait
        self._clock = clock
        self._lock = threading.Lock()
        self._not_before = 0.0
        self._retrying = Retrying(
            stop=stop_after_attempt(tries),
            retry=retry_if_exception(_may_succeed_later),
            wait=self._seconds_for_one,
            sleep=self._sleep,
            before=self._hold,
            reraise=True,
        )

    def call(self, request: Callable[[], T]) -> T:
        """Return the result of a request, repeating it if that may help.

        Raises:
            httpx.HTTPError: the request failed, and repeating it did not or would not help.
        """
        return self._retrying.copy()(request)

    def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            self._wait(seconds)

    def _hold(self, state: RetryCallState) -> None:
        with self._lock:
            seconds = self._not_before - self._clock()
        self._sleep(seconds)

    def _seconds_for_one(self, state: RetryCallState) -> float:
        """Return how long this request waits; after a 429, make all requests wait instead."""
        error = state.outcome.exception() if state.outcome else None
        seconds = _seconds_to_wait(error, state.attempt_number - 1)
        if status_of(error) != 429:
            return seconds
        with self._lock:
            self._not_before = max(self._not_before, self._clock() + seconds)
        return 0.0


def status_of(error: BaseException | None) -> int | None:
    """Return the HTTP status behind an error; None if there was no answer."""
    response = _response_of(error)
    return None if response is None else response.status_code


def _response_of(error: BaseException | None) -> httpx.Response | None:
    # Both httpx's HTTPStatusError and huggingface_hub's errors carry a response.
    response = getattr(error, "response", None)
    return response if isinstance(response, httpx.Response) else None


def _may_succeed_later(error: BaseException) -> bool:
    status = status_of(error)
    if status is None:
        return isinstance(error, httpx.TransportError)
    return status == 429 or status >= 500


def _seconds_to_wait(error: BaseException | None, earlier: int) -> float:
    response = _response_of(error)
    stated = None if response is None else _stated_seconds(response.headers)
    return _FIRST_WAIT_S * 2.0**earlier if stated is None else min(stated, _LONGEST_WAIT_S)


def _stated_seconds(headers: Mapping[str, str]) -> float | None:
    """Return the wait that an answer asks for, by Retry-After or by the Hub's rate limit."""
    stated = headers.get("Retry-After", "")
    if stated.isdecimal():
        return float(stated)
    try:
        limit = parse_ratelimit_headers(headers)
    # A number with thousands of digits.
    except ValueError:
        return None
    return float(limit.reset_in_seconds) if limit and limit.remaining == 0 else None
