"""Classifiers in Infinity's shape."""

from __future__ import annotations

import time

from fastapi import APIRouter
from starlette.responses import Response

from holotype.server.inference.answers import respond, usage_of
from holotype.server.inference.bodies import ClassifyBody
from holotype.server.inference.calls import Call
from holotype.server.inference.routes import add
from holotype.server.inference.scoring import label_texts
from holotype.server.problems import request_id_of

router = APIRouter()


async def classify(call: Call, body: ClassifyBody) -> Response:
    """Return all labels of texts with their scores, best first, in Infinity's shape."""
    texts = [body.input] if isinstance(body.input, str) else body.input
    call.check_count(texts, "input")
    if body.user is not None and call.key is None:
        call.key = body.user
    name = await call.choose_kind(body.model, "classifier")
    found, answer, lengths = await label_texts(
        call, name, texts, raw=body.raw_scores, truncate=body.truncate
    )
    return respond(
        {
            "object": "classify",
            "data": found,
            "model": name,
            "usage": usage_of(lengths),
            "id": request_id_of(call.request),
            "created": int(time.time()),
        },
        call.headers(name, answer),
    )


add(
    router,
    ("/classify", "/v1/classify"),
    classify,
    ClassifyBody,
    tag="Infinity",
    answer={"type": "object", "required": ["object", "data", "model", "usage"]},
)
