"""Repeat requests a few times, no sooner than the Hub allows, across all threads.

What the Hub allows so much later that nobody waits for it is not asked for again at all.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from typing import TypeVar

from huggingface_hub.utils import httpx, parse_ratelimit_headers

from holotype.errors import MissingExtraError

try:
    from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt
except ModuleNotFoundError as error:
    # huggingface_hub may be there without the extra, as transformers needs it.
    raise MissingExtraError("hub", "tenacity", "asking the Hub") from error

T = TypeVar("T")

_TRIES = 4
_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 300.0
"""The longest wait: the Hub counts requests in windows of five minutes."""
_MOST_DIGITS = 9
_MOST_CHARACTERS = 200


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
        self._refusal: BaseException | None = None
        self._retrying = Retrying(
            stop=stop_after_attempt(tries),
            retry=retry_if_exception(self._may_succeed_soon),
            wait=self._seconds_for_one,
            sleep=self._sleep,
            before=self._hold,
            reraise=True,
        )

    def call(self, request: Callable[[], T]) -> T:
        """Return the result of a request, repeating it if that may help.

        Raises:
            httpx.HTTPError: the request failed, and repeating it did not or would not help; or an
                earlier one was refused for longer than anybody waits, and this one was not sent.
        """
        return self._retrying.copy()(request)

    def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            self._wait(seconds)

    def _hold(self, state: RetryCallState) -> None:
        with self._lock:
            seconds, refusal = self._not_before - self._clock(), self._refusal
        if refusal is not None and seconds > _LONGEST_WAIT_S:
            raise refusal
        self._sleep(seconds)

    def _may_succeed_soon(self, error: BaseException) -> bool:
        """Whether to wait and repeat; a 429 that asks for too long a wait is noted for all."""
        seconds = _stated_seconds(error)
        if seconds is None or seconds <= _LONGEST_WAIT_S:
            return _may_succeed_later(error)
        if status_of(error) == 429:
            with self._lock:
                self._not_before = max(self._not_before, self._clock() + seconds)
                self._refusal = error
        return False

    def _seconds_for_one(self, state: RetryCallState) -> float:
        """Return how long this request waits; after a 429, make all requests wait instead."""
        error = state.outcome.exception() if state.outcome else None
        seconds = _stated_seconds(error)
        if seconds is None:
            seconds = _FIRST_WAIT_S * 2.0 ** (state.attempt_number - 1)
        if status_of(error) != 429:
            return seconds
        with self._lock:
            self._not_before = max(self._not_before, self._clock() + seconds)
        return 0.0


def status_of(error: BaseException | None) -> int | None:
    """Return the HTTP status behind an error; None if there was no answer."""
    response = _response_of(error)
    return None if response is None else response.status_code


def passing_trouble(error: BaseException) -> str | None:
    """Return what the Hub answered, and when to try again; None if that would not help.

    Args:
        error: the error of a request, or one that huggingface_hub raised from it.
    """
    refusal = answered(error)
    if refusal is None or not _may_succeed_later(refusal):
        return None
    said = said_by(refusal)
    status, seconds = status_of(refusal), _stated_seconds(refusal)
    is_long = seconds is not None and seconds > _LONGEST_WAIT_S
    if status == 429:
        wait = f"{seconds:,.0f} seconds" if is_long else "some minutes"
        return f"the Hub asks for fewer requests (429{said}); wait {wait}"
    later = f"in {seconds:,.0f} seconds" if is_long else "later"
    return f"the Hub answers {status}{said}; try again {later}"


def said_by(error: BaseException) -> str:
    """Return what the Hub says in an error of huggingface_hub, after a colon; "" if nothing."""
    message = getattr(error, "server_message", None)
    lines = message.strip().splitlines() if isinstance(message, str) else []
    return f": {lines[0][:_MOST_CHARACTERS]}" if lines else ""


def is_unreachable(error: BaseException) -> bool:
    """Whether a request, or what huggingface_hub raised from it, failed without an answer."""
    return any(isinstance(each, httpx.TransportError) for each in _causes(error))


def answered(error: BaseException) -> BaseException | None:
    """Return the error with the Hub's answer: this one, or one that it was raised from."""
    return next((each for each in _causes(error) if _response_of(each) is not None), None)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and those that it was raised from: huggingface_hub wraps those of requests."""
    while error is not None:
        yield error
        error = error.__cause__


def _response_of(error: BaseException | None) -> httpx.Response | None:
    # Both httpx's HTTPStatusError and huggingface_hub's errors carry a response.
    response = getattr(error, "response", None)
    return response if isinstance(response, httpx.Response) else None


def _may_succeed_later(error: BaseException) -> bool:
    status = status_of(error)
    if status is None:
        return isinstance(error, httpx.TransportError)
    return status == 429 or status >= 500


def _stated_seconds(error: BaseException | None) -> float | None:
    """Return the wait that an answer asks for, by Retry-After or by the Hub's rate limit."""
    response = _response_of(error)
    if response is None:
        return None
    headers = response.headers
    stated = headers.get("Retry-After", "")
    if stated.isdecimal() and len(stated) <= _MOST_DIGITS:
        return float(stated)
    until = _seconds_until(stated, headers.get("Date", ""))
    if until is not None:
        return until
    try:
        limit = parse_ratelimit_headers(headers)
    # A number with thousands of digits.
    except ValueError:
        return None
    return float(limit.reset_in_seconds) if limit and limit.remaining == 0 else None


def _seconds_until(moment: str, now: str) -> float | None:
    """Return the seconds between two HTTP dates of one server; None if one is none."""
    try:
        later, sooner = parsedate_to_datetime(moment), parsedate_to_datetime(now)
        return max(0.0, (later - sooner).total_seconds())
    # Not dates, or with a time zone and without one.
    except (ValueError, TypeError):
        return None
