"""What is let in: bodies that are JSON, and deadlines."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.requests import Request

from holotype.server.errors import MediaTypeError, RequestError

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
