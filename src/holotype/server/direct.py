"""Requests that run models are answered from here, and everything else by FastAPI.

They have no parameters in their paths and no dependencies, so FastAPI's search for both is left
out: it is a third of what the server adds to a model. It is the innermost layer, so that whatever
lies around it, for browsers or for traces, sees every request.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from holotype.server import telemetry
from holotype.server.problems import respond

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
"""Answers a request, or raises what is answered as an error."""


class DirectRoutes:
    """A layer that answers POSTs to some paths, without the application."""

    def __init__(self, app: ASGIApp, endpoints: Mapping[str, Endpoint], *, traces: bool) -> None:
        """Wrap an application.

        Args:
            app: the application.
            endpoints: what answers a POST to a path.
            traces: whether requests are traced.
        """
        self._app = app
        self._endpoints = endpoints
        self._traces = traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        endpoint = None
        if scope["type"] == "http" and scope["method"] == "POST":
            endpoint = self._endpoints.get(scope["path"])
        if endpoint is None:
            await self._app(scope, receive, send)
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
