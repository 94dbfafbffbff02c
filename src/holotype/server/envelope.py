"""What surrounds every request: its id, the limit of its body, and the end of the server.

It is plain ASGI, and the only middleware: each layer more would cost every request. Requests that run
models are answered from here, without FastAPI's search for a route and for dependencies, which they
do not have: that is a third of the server's own cost.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from holotype.server.problems import respond

if TYPE_CHECKING:
    from holotype.server.state import ServerState

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
"""Answers a request, or raises what is answered as an error."""

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")


class TooLargeError(HTTPException):
    """A body is longer than the server takes. FastAPI lets only errors of this kind through."""

    def __init__(self, limit: int) -> None:
        """State the limit."""
        super().__init__(
            413, f"the body is longer than {limit:,} bytes; send fewer texts in one request"
        )


class Envelope:
    """The outermost layer of the application."""

    def __init__(
        self, app: ASGIApp, state: ServerState, direct: Mapping[str, Endpoint] | None = None
    ) -> None:
        """Wrap an application.

        Args:
            app: the application.
            state: the server.
            direct: what answers a POST to a path, without the application.
        """
        self._app = app
        self._direct = direct or {}
        self._state = state
        self._limit = state.settings.max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = self._state
        request_id, length = _read_headers(scope)
        scope["holotype.request_id"] = request_id
        scope["holotype.started_s"] = started_s = time.perf_counter()
        status = 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message["headers"]
                headers.append((b"x-request-id", request_id.encode()))
                if state.is_draining:
                    # Clients open another connection, to another server.
                    headers.append((b"connection", b"close"))
            await send(message)

        state.n_running += 1
        try:
            if length is not None and length > self._limit:
                response = respond(Request(scope), TooLargeError(self._limit))
                await response(scope, receive, send_with_headers)
                return
            limited = receive if length is not None else self._count(receive)
            endpoint = self._direct.get(scope["path"]) if scope["method"] == "POST" else None
            if endpoint is None:
                await self._app(scope, limited, send_with_headers)
            else:
                scope["holotype.route"] = scope["path"]
                await _answer(endpoint, Request(scope, limited, send_with_headers))
        finally:
            state.n_running -= 1
            state.metrics.answered(scope, status, time.perf_counter() - started_s)

    def _count(self, receive: Receive) -> Receive:
        """Count a body that comes in chunks, whose length nobody has stated."""
        n_bytes = 0

        async def counting() -> Message:
            nonlocal n_bytes
            message = await receive()
            if message["type"] == "http.request":
                n_bytes += len(message.get("body", b""))
                if n_bytes > self._limit:
                    raise TooLargeError(self._limit)
            return message

        return counting


async def _answer(endpoint: Endpoint, request: Request) -> None:
    try:
        response = await endpoint(request)
    except Exception as error:
        response = respond(request, error)
    await response(request.scope, request.receive, request._send)


def _read_headers(scope: Scope) -> tuple[str, int | None]:
    """Return the id of a request, made up if it brings none, and the length of its body."""
    request_id = length = None
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            request_id = value.decode()
        elif name == b"content-length" and value.isdigit():
            length = int(value)
    return request_id or uuid.uuid4().hex, length
