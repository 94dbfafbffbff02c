"""How a function becomes a route: who may call it, what it reads, and what OpenAPI says of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from holotype.server.inference.calls import BodyT, Call

_PROBLEM = {"description": "What was found, what was expected, and what to do."}
PROBLEMS: Mapping[int | str, dict[str, Any]] = dict.fromkeys(
    (400, 401, 403, 404, 409, 413, 415, 422, 424, 429, 503, 504), _PROBLEM
)
"""What every route that runs a model may answer."""

DIRECT: dict[str, Callable[[Request], Awaitable[Response]]] = {}
"""What answers a POST to each path; see `holotype.server.envelope`."""


def add(
    router: APIRouter,
    paths: Sequence[str],
    function: Callable[[Call, BodyT], Awaitable[Response]],
    body_type: type[BodyT],
    *,
    tag: str,
    answer: Mapping[str, Any],
) -> None:
    """Add a route under several paths; OpenAPI has all of them.

    The body is not FastAPI's: it is validated once, from its bytes.
    """

    async def endpoint(request: Request) -> Response:
        call, body = await Call.begin(request, body_type)
        return await function(call, body)

    DIRECT.update(dict.fromkeys(paths, endpoint))
    schema = _inline(body_type.model_json_schema())
    for path in paths:
        router.add_api_route(
            path,
            endpoint,
            methods=["POST"],
            name=f"{function.__name__}_{path.strip('/').replace('/', '_')}",
            summary=(function.__doc__ or "").partition("\n")[0].rstrip("."),
            description=function.__doc__,
            tags=[tag],
            responses={
                200: {
                    "description": "The results.",
                    "content": {"application/json": {"schema": dict(answer)}},
                },
                **PROBLEMS,
            },
            openapi_extra={
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": schema}},
                }
            },
        )


def _inline(schema: Any, definitions: Mapping[str, Any] | None = None) -> Any:
    """Put definitions where they are used: the schemas of bodies stand alone."""
    if isinstance(schema, list):
        return [_inline(each, definitions) for each in schema]
    if not isinstance(schema, dict):
        return schema
    definitions = schema.get("$defs", definitions)
    if "$ref" in schema and definitions is not None:
        return _inline(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    return {name: _inline(each, definitions) for name, each in schema.items() if name != "$defs"}
