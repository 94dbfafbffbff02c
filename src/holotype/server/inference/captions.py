"""Captions of pictures."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from holotype.server.inference.answers import respond
from holotype.server.inference.bodies import CaptionsBody, ImageItem
from holotype.server.inference.calls import Call
from holotype.server.inference.pictures import read_pictures, run_pictures
from holotype.server.inference.routes import add
from holotype.server.inference.targets import Kinds, find_target

router = APIRouter()

_WRITES_CAPTIONS = Kinds(
    ("captioner",),
    "captions are written by models of the kind 'captioner'; see /v1/models",
)


async def captions(call: Call, body: CaptionsBody) -> Response:
    """Return a caption of each picture, with its score."""
    given = body.input if isinstance(body.input, list) else [body.input]
    call.check_count(given, "input", "picture")
    texts = [one.image if isinstance(one, ImageItem) else one for one in given]
    fields = [_field(body, at) for at in range(len(given))]
    if body.user is not None and call.key is None:
        call.key = body.user
    name = call.choose(body.model)
    with await find_target(call, name, _WRITES_CAPTIONS) as target:
        if target.lease is not None:
            call.require_fingerprint(target.lease.version.fingerprint, body.expect_fingerprint)
        pictures = await read_pictures(call, texts, fields)
        answer = await run_pictures(target, "caption", pictures, fields)
    fingerprint = answer.version.fingerprint
    call.require_fingerprint(fingerprint, body.expect_fingerprint)
    n_tokens = sum(one.n_tokens for one in answer.value)
    return respond(
        {
            "object": "list",
            "data": [
                {"object": "caption", "index": at, "text": one.text, "score": one.score}
                for at, one in enumerate(answer.value)
            ],
            "model": name,
            "usage": {
                "prompt_tokens": 0,
                "completion_tokens": n_tokens,
                "total_tokens": n_tokens,
                "images": len(pictures),
            },
            "fingerprint": fingerprint,
        },
        call.headers(name, answer),
    )


def _field(body: CaptionsBody, at: int) -> str:
    several = isinstance(body.input, list)
    one = body.input[at] if isinstance(body.input, list) else body.input
    place = f"input[{at}]" if several else "input"
    return f"{place}.image" if isinstance(one, ImageItem) else place


add(
    router,
    ("/v1/captions",),
    captions,
    CaptionsBody,
    tag="Pictures",
    answer={
        "type": "object",
        "required": ["object", "data", "model", "usage", "fingerprint"],
        "properties": {
            "object": {"const": "list"},
            "data": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["object", "index", "text", "score"],
                    "properties": {
                        "object": {"const": "caption"},
                        "index": {"type": "integer"},
                        "text": {"type": "string"},
                        "score": {"type": "number", "minimum": 0, "maximum": 1},
                    },
                },
            },
            "model": {"type": "string"},
            "usage": {"type": "object"},
            "fingerprint": {"type": ["string", "null"]},
        },
    },
)
