"""What happens, as it happens: server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.requests import Request

from holotype.server.errors import ForbiddenError, UnauthorizedError, UnavailableError
from holotype.server.keys import Caller, authorize, require
from holotype.server.management.background import management_of
from holotype.server.management.event_hub import MOST_READERS, EventHub

router = APIRouter(tags=["events"])

RETRY_MS = 1000
"""When a client that lost its connection comes back."""


async def _hub(request: Request, _: Annotated[Caller, Depends(require("infer"))]) -> EventHub:
    """Return the events of the server, unless too many read them."""
    hub = management_of(request).events
    if hub.n_readers >= MOST_READERS:
        raise UnavailableError(
            f"{hub.n_readers} clients read events; close some of them", retry_after_s=10.0
        )
    return hub


@router.get("/events", response_class=EventSourceResponse)
async def read_events(
    request: Request,
    hub: Annotated[EventHub, Depends(_hub)],
    last_event_id: Annotated[
        str | None, Header(max_length=100, description="Go on after this event.")
    ] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Send events of the pool, activations, jobs, deployments and health, until the server stops.

    The stream ends within a second when its key is revoked or expires.

    A client that comes back with Last-Event-ID goes on after that event. If the server does not have
    the events after it any more, it sends one of the type reset: ask for the present state again.
    """

    async def may_read() -> bool:
        try:
            await authorize(request, "infer")
        except (ForbiddenError, UnauthorizedError):
            return False
        return True

    events = hub.read(last_event_id, may_read=may_read)
    yield ServerSentEvent(retry=RETRY_MS, comment="events of holotype")
    async for event in events:
        yield ServerSentEvent(id=event.id, event=event.type, data=dict(event.data))
