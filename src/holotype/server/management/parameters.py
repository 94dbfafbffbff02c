"""What requests of the management API share: who asks, for what, and under which name."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header, Path, Query, Response
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request

from holotype.registry.versions import check_line
from holotype.server.keys import Caller, require
from holotype.server.management.background import Management, management_of
from holotype.server.problems import request_id_of

Manager = Annotated[Management, Depends(management_of)]
Reader = Annotated[Caller, Depends(require("infer"))]
Operator = Annotated[Caller, Depends(require("operate"))]
Kind = Annotated[
    str, Path(pattern=r"^[a-z][a-z0-9_]{0,49}$", description="A kind, such as text_embedding.")
]
Limit = Annotated[int, Query(ge=1, le=1000)]
Before = Annotated[int | None, Query(ge=0, le=2**62, description="The next of the page before.")]
IdempotencyKey = Annotated[
    str | None,
    Header(min_length=1, max_length=500, description="The same again is the same job."),
]


class Body(BaseModel):
    """The body of a request; as in requests for models, neither "1" nor true is a number."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)


def name_request(request: Request, idempotency_key: str | None) -> str:
    """Return what names a request in the history."""
    if idempotency_key is None:
        return request_id_of(request)
    return check_line("Idempotency-Key", idempotency_key)


def answer_found(body: BaseModel) -> Response:
    """Return what a dry run found: nothing was made that 202 would announce."""
    return Response(body.model_dump_json(by_alias=True), media_type="application/json")
