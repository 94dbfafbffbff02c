"""What surrounds every request: its id, the limit of its body, and the end of the server.

It is plain ASGI: each layer that is more would cost every request.
"""

from __future__ import annotations

import re
import time
from random import Random
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from holotype.server.admission import headers_of
from holotype.server.problems import respond

if TYPE_CHECKING:
    from holotype.server.state import ServerState

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_IDS = Random()  # noqa: S311
"""Names requests, which is no secret. The system's own numbers would let go of the interpreter, and
the event loop would wait for it behind a model, in the middle of each request."""


class TooLargeError(HTTPException):
    """A body is longer than the server takes. FastAPI lets only errors of this kind through."""

    def __init__(self, limit: int) -> None:
        """State the limit."""
        super().__init__(
            413, f"the body is longer than {limit:,} bytes; send fewer texts in one request"
        )


class Envelope:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, state: ServerState) -> None:
        """Wrap an application.

        Args:
            app: the application.
            state: the server.
        """
        self._app = app
        self._state = state
        self._limit = state.settings.max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = self._state
        headers = headers_of(scope)
        request_id = headers.get("x-request-id")
        if request_id is None or _REQUEST_ID.fullmatch(request_id) is None:
            request_id = f"{_IDS.getrandbits(128):032x}"
        scope["holotype.request_id"] = request_id
        scope["holotype.started_s"] = started_s = time.perf_counter()
        status = 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                sent = message["headers"]
                sent.append((b"x-request-id", request_id.encode()))
                if state.is_draining:
                    # Clients open another connection, to another server.
                    sent.append((b"connection", b"close"))
            await send(message)

        state.n_running += 1
        try:
            length = headers.get("content-length", "")
            if not (length.isascii() and length.isdigit()):
                await self._app(scope, self._count(receive), send_with_headers)
            elif int(length) <= self._limit:
                await self._app(scope, receive, send_with_headers)
            else:
                response = respond(Request(scope), TooLargeError(self._limit))
                await response(scope, receive, send_with_headers)
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
