"""What is let in: headers, read once; bodies that are JSON; deadlines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from holotype.server.errors import MediaTypeError, RequestError

_LONGEST_MS = 3_600_000
_KEY = "holotype.headers"

Headers: TypeAlias = Mapping[str, str]
"""Headers by their names in small letters; of several with one name, the first."""


def headers_of(scope: Scope) -> Headers:
    """Return the headers of a request, which are decoded once for all who ask."""
    known: Headers | None = scope.get(_KEY)
    if known is None:
        pairs = reversed(scope["headers"])
        known = {name.decode("latin-1"): value.decode("latin-1") for name, value in pairs}
        scope[_KEY] = known
    return known


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


async def read_json(headers: Headers, receive: Receive) -> bytes:
    """Return a body that says that it is JSON.

    Raises:
        MediaTypeError: it says that it is something else, or nothing; browsers may send that to any
            site without asking.
        RequestError: it is compressed.
        ClientDisconnect: the client left before all of it came.
    """
    content_type = headers.get("content-type", "")
    if content_type != "application/json":
        _require_json(content_type)
    encoding = headers.get("content-encoding", "identity").lower()
    if encoding != "identity":
        raise MediaTypeError(f"the body is encoded by {encoding[:40]!r}; send it as it is")
    body = await _read(receive)
    if not body or body.isspace():
        raise RequestError("the body is empty; expected a JSON object")
    return body


def _require_json(content_type: str) -> None:
    content_type = content_type.partition(";")[0].strip().lower()
    if content_type != "application/json" and not content_type.endswith("+json"):
        raise MediaTypeError(
            f"the body is of the type {content_type[:80] or 'nothing'!r}; expected application/json"
        )


async def _read(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)
