"""Requests that run models are answered from here, and everything else by FastAPI.

They have no parameters in their paths and no dependencies, so FastAPI's search for both is left
out: it is a third of what the server adds to a model. It is the innermost layer, so that whatever
lies around it, for browsers or for traces, sees every request.

FastAPI reads a body before it asks who sends it, so that what it reads has a deadline, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from holotype.server import telemetry
from holotype.server.errors import SlowBodyError
from holotype.server.problems import respond

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
"""Answers a request, or raises what is answered as an error."""


class DirectRoutes:
    """A layer that answers POSTs to some paths, without the application."""

    def __init__(
        self, app: ASGIApp, endpoints: Mapping[str, Endpoint], *, traces: bool, timeout_s: float
    ) -> None:
        """Wrap an application.

        Args:
            app: the application.
            endpoints: what answers a POST to a path.
            traces: whether requests are traced.
            timeout_s: how long the application waits for a body.
        """
        self._app = app
        self._endpoints = endpoints
        self._traces = traces
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        endpoint = None
        if scope["type"] == "http" and scope["method"] == "POST":
            endpoint = self._endpoints.get(scope["path"])
        if endpoint is None:
            await self._app(scope, self._in_time(receive), send)
            return
        scope["holotype.route"] = path = scope["path"]
        if self._traces:
            telemetry.note_route(scope, path)
        request = Request(scope, receive, send)
        try:
            response = await endpoint(request)
        except Exception as error:
            response = respond(request, error)
        await response(scope, receive, send)

    def _in_time(self, receive: Receive) -> Receive:
        """Wait for a body until the deadline, and for the end of the connection as long as it takes."""
        deadline_s = asyncio.get_running_loop().time() + self._timeout_s
        is_whole = False

        async def in_time() -> Message:
            nonlocal is_whole
            if is_whole:
                return await receive()
            try:
                async with asyncio.timeout_at(deadline_s):
                    message = await receive()
            except TimeoutError:
                raise _LateBodyError(self._timeout_s) from None
            is_whole = not message.get("more_body", False)
            return message

        return in_time


class _LateBodyError(HTTPException):
    """A body did not come in time. FastAPI lets only errors of this kind through."""

    def __init__(self, timeout_s: float) -> None:
        """State the limit."""
        super().__init__(
            SlowBodyError.status,
            f"the body of the request did not come whole within {timeout_s:g} s; send it faster",
            dict(SlowBodyError.headers),
        )
