"""Whether the process lives, whether it should get requests, and what it counted.

Load balancers and probes may ask by HEAD, which gets the same head without a body.
"""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from holotype.server.keys import authorize
from holotype.server.state import ServerState, state_of

router = APIRouter()

STUCK_AFTER_S = 600.0
"""A load that takes longer than this is reported as stuck."""


@router.head("/health", include_in_schema=False)
@router.get("/health", tags=["operation"])
async def health() -> Response:
    """Say that the process lives; whatever models do, this answers at once."""
    return Response(b'{"status":"ok"}', media_type="application/json")


@router.head("/ready", include_in_schema=False)
@router.get("/ready", tags=["operation"], responses={503: {"description": "Not ready."}})
async def ready(request: Request) -> Response:
    """Say whether requests should come here: what the deployment preloads is ready."""
    problems = find_problems(state_of(request))
    body: dict[str, Any] = {"status": "not ready" if problems else "ready"}
    if problems:
        body["problems"] = problems
    return Response(orjson.dumps(body), 503 if problems else 200, media_type="application/json")


@router.head("/metrics", include_in_schema=False)
@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    """Return the metrics in the text format of Prometheus."""
    await authorize(request, "infer")
    found = state_of(request).metrics
    return Response(found.text(), headers={"content-type": found.content_type})


def find_problems(state: ServerState) -> list[str]:
    """Return why requests should go elsewhere; empty if they may come."""
    if state.is_draining:
        return ["the server is stopping"]
    status = state.pool.status()
    preloaded = [spec.name for spec in state.pool.deployment.models if spec.preload]
    # What nobody called for long is loaded by the next call, which would not come here otherwise.
    problems = [
        one.problem
        for name in preloaded
        for one in status.of(name)
        if one.problem is not None and not (one.went_idle and one.last_error is None)
    ]
    problems += [
        f"the load of {device.loading!r} on {device.name} has taken {device.loading_for_s:.0f} s"
        for device in status.devices
        if device.loading_for_s is not None and device.loading_for_s > STUCK_AFTER_S
    ]
    return problems
