"""What is let in: bodies that are JSON, deadlines, and calls that no queue of the pool bounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from starlette.datastructures import Headers
from starlette.requests import Request

from holotype.pool import QueueFullError
from holotype.server.errors import MediaTypeError, RequestError

_THREADS = 32
"""How many calls the pool runs at once outside its batches."""
_LONGEST_MS = 3_600_000


def check_deadline_header(headers: Headers) -> float | None:
    """Return how many seconds a request allows; None if it does not say.

    Raises:
        RequestError: the header is no number of milliseconds.
    """
    text = headers.get("x-request-timeout-ms")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or not 0 < int(text[:12]) <= _LONGEST_MS:
        raise RequestError(
            f"x-request-timeout-ms is {text[:40]!r}; expected milliseconds, 1 to {_LONGEST_MS}"
        )
    return int(text) / 1000


async def read_json(request: Request) -> bytes:
    """Return a body that says that it is JSON.

    Raises:
        MediaTypeError: it says that it is something else, or nothing; browsers may send that to any
            site without asking.
        RequestError: it is compressed.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json" and not content_type.endswith("+json"):
        raise MediaTypeError(
            f"the body is of the type {content_type[:80] or 'nothing'!r}; expected application/json"
        )
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding != "identity":
        raise MediaTypeError(f"the body is encoded by {encoding[:40]!r}; send it as it is")
    body = await request.body()
    if not body.strip():
        raise RequestError("the body is empty; expected a JSON object")
    return body


class Gate:
    """Bounds the calls that cannot share batches, and says when to come back. For the event loop."""

    def __init__(self, most: int) -> None:
        """Let so many calls wait for each model."""
        self._most = most
        self._inside: Counter[str] = Counter()
        self._seconds: dict[str, float] = {}

    @contextmanager
    def enter(self, name: str) -> Iterator[None]:
        """Be inside while a call runs or waits.

        Raises:
            QueueFullError: too many are.
        """
        if self._inside[name] >= self._most:
            waves = self._inside[name] / _THREADS
            wait_s = max(0.1, round(waves * self._seconds.get(name, 1.0), 1))
            raise QueueFullError(
                name,
                f"has {self._inside[name]:,} calls that run or wait, and takes {self._most:,}; try "
                f"again in {wait_s} s",
                wait_s,
            )
        self._inside[name] += 1
        started_s = monotonic()
        try:
            yield
        finally:
            self._inside[name] -= 1
            took_s = monotonic() - started_s
            known = self._seconds.get(name)
            self._seconds[name] = took_s if known is None else 0.8 * known + 0.2 * took_s
