"""OpenAI's shape: embeddings, and the list of models."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from holotype.deployment.document import ModelSpec
from holotype.encoders.dense import dims_up_to
from holotype.pool import VariantStatus
from holotype.server.errors import UnprocessableError
from holotype.server.inference.answers import (
    JsonResponse,
    join_pieces,
    respond,
    to_base64,
    usage_of,
)
from holotype.server.inference.bodies import EmbeddingsBody, ImageItem, TextItem, side_of
from holotype.server.inference.calls import Call, shown_version
from holotype.server.inference.dense import Vectors, encode, texts_of
from holotype.server.inference.pictures import encode_items
from holotype.server.inference.routes import PROBLEMS, add
from holotype.server.inference.stated import stated_kind, stated_record
from holotype.server.keys import authorize
from holotype.server.problems import dimensions_of, problem_of
from holotype.server.state import ServerState, state_of

router = APIRouter()


async def embeddings(call: Call, body: EmbeddingsBody) -> Response:
    """Return the vectors of texts and pictures, in OpenAI's shape."""
    if body.user is not None and call.key is None:
        call.key = body.user
    name = call.choose(body.model)
    side = side_of(body.input_type, "input_type")
    if body.task is not None:
        side = side_of(body.task if "." in body.task else f"?{body.task}", "task")
        if body.input_type is not None:
            raise UnprocessableError("task and input_type say the same; send one of them")
    found = await _vectors(call, name, body, side)
    as_text = body.encoding_format == "base64"

    def element(at: int, vector: Any) -> dict[str, Any]:
        shown = to_base64(vector) if as_text else vector
        return {"object": "embedding", "index": at, "embedding": shown}

    rest = {"model": name, "usage": _usage(found), "fingerprint": found.fingerprint}
    content = await join_pieces(
        found.values,
        element,
        # Text costs a tenth of numbers.
        row_values=found.values.shape[1] // (10 if as_text else 1),
        before=b'{"object":"list","data":[',
        after=b"]," + orjson.dumps(rest)[1:],
    )
    return JsonResponse(content, call.headers(name, found.answer, found.fingerprint))


async def _vectors(call: Call, name: str, body: EmbeddingsBody, side: str) -> Vectors:
    options: dict[str, Any] = {
        "side": side,
        "truncate": body.truncate,
        "dim": body.dimensions,
        "expected": body.expect_fingerprint,
    }
    given: Any = body.input
    # Objects are not mixed with texts or tokens: no body with both is valid.
    if isinstance(given, list) and given and isinstance(given[0], TextItem | ImageItem):
        if any(isinstance(one, ImageItem) for one in given):
            call.check_count(given, "input", "item")
            return await encode_items(call, name, given, **options)
        given = [one.text for one in given]
    texts = await texts_of(call, name, given, "input")
    call.check_count(texts, "input")
    return await encode(call, name, texts, **options)


def _usage(found: Vectors) -> dict[str, Any]:
    """Return the usage; OpenAI's clients want numbers, also of models that do not say."""
    usage = usage_of(found.lengths)
    if found.lengths is None:
        usage = {"prompt_tokens": 0, "total_tokens": 0}
        if found.n_pictures < len(found.values):
            usage["unknown"] = True
    return {**usage, "images": found.n_pictures} if found.n_pictures else usage


add(
    router,
    ("/v1/embeddings", "/embeddings"),
    embeddings,
    EmbeddingsBody,
    tag="OpenAI",
    answer={
        "type": "object",
        "required": ["object", "data", "model", "usage"],
        "properties": {
            "object": {"const": "list"},
            "data": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["object", "index", "embedding"],
                    "properties": {
                        "object": {"const": "embedding"},
                        "index": {"type": "integer"},
                        "embedding": {
                            "anyOf": [
                                {"type": "array", "items": {"type": "number"}},
                                {"type": "string"},
                            ]
                        },
                    },
                },
            },
            "model": {"type": "string"},
            "usage": {"type": "object"},
            "fingerprint": {"type": ["string", "null"]},
        },
    },
)


@router.get("/v1/models", tags=["OpenAI"], responses={s: PROBLEMS[s] for s in (401, 403)})
@router.get("/models", tags=["OpenAI"], responses={s: PROBLEMS[s] for s in (401, 403)})
async def models(request: Request) -> Response:
    """List the names of the deployment, and what serves them."""
    await authorize(request, "infer")
    state = state_of(request)
    described = await run_in_threadpool(describe_models, state)
    return respond({"object": "list", "data": described})


@router.get(
    "/v1/models/{name}", tags=["OpenAI"], responses={s: PROBLEMS[s] for s in (401, 403, 404)}
)
async def model(request: Request, name: str) -> Response:
    """Describe one name of the deployment."""
    await authorize(request, "infer")
    state = state_of(request)
    found = await run_in_threadpool(describe_models, state, name)
    if not found:
        # It says what there is.
        Call(request, state, None).choose(name)
        state.pool.encoder(name)
    return respond(found[0])


def describe_models(state: ServerState, name: str | None = None) -> list[dict[str, Any]]:
    """Return the names of a deployment as OpenAI's list of models has them, with what we know.

    It blocks: the files of models that have not been loaded are looked at.

    Args:
        state: the state of the server.
        name: describes this name alone; None describes all.
    """
    status = state.pool.status()
    created = int(state.started_at.timestamp())
    described = []
    for spec in state.pool.deployment.models:
        if name not in (None, spec.name):
            continue
        variants = [_variant(state, spec, one) for one in status.of(spec.name)]
        first: dict[str, Any]
        if spec.ensemble is None:
            # A deployment that is applied in this moment has a name that the pool has not yet.
            first = variants[0] if variants else {"kind": None}
        else:
            first = {"kind": "ensemble", "members": [one.name for one in spec.ensemble.members]}
        described.append(
            {
                "id": spec.name,
                "object": "model",
                "created": created,
                "owned_by": "holotype",
                **{key: value for key, value in first.items() if key != "variant"},
                "variants": variants,
                "preload": spec.preload,
                "fallback": list(spec.fallback),
            }
        )
    return described


def _variant(state: ServerState, spec: ModelSpec, one: VariantStatus) -> dict[str, Any]:
    found: dict[str, Any] = {
        "variant": one.variant,
        "state": one.state,
        "kind": None,
        "version": None,
        "generation": None,
        "fingerprint": None,
        **dimensions_of(()),
        "max_tokens": None,
        "labels": [],
        "prompts": {},
    }
    if one.version is None:
        return found | _stated(state, spec, one.variant)
    found |= {
        "kind": one.version.kind,
        "version": shown_version(one.version),
        "generation": one.version.number,
        "fingerprint": one.version.fingerprint,
    }
    try:
        lease = state.pool.acquire(one.name, variant=one.variant, timeout_s=0.0)
    except Exception as error:
        found["problem"] = problem_of(error).detail
        return found
    with lease:
        facts, model = lease.generation.facts, lease.model
        own = () if facts.dim is None else (facts.dim,)
        encoding = getattr(model, "encoding", None)
        prompts = {
            side: prompt.text
            for side in ("query", "document")
            if (prompt := getattr(encoding, f"{side}_prompt", None)) is not None and prompt.text
        }
        found |= {
            **dimensions_of(getattr(model, "dims", own)),
            "max_tokens": facts.max_length,
            "labels": list(facts.labels),
            "prompts": prompts,
        }
        # A client that asks what there is must not keep models loaded.
        lease.end(called=False)
    return found


def _stated(state: ServerState, spec: ModelSpec, variant: str) -> dict[str, Any]:
    """Return what is known of a variant before it is loaded."""
    chosen = next((one for one in spec.variants if one.name == variant), None)
    if chosen is None:
        return {}
    record = stated_record(chosen)
    if record is None:
        return {"kind": stated_kind(state, chosen)}
    limits = [
        limit for limit in (record.context_length, chosen.inference.max_length) if limit is not None
    ]
    return {
        "kind": str(record.type),
        **dimensions_of(dims_up_to(record, spec.dim)),
        "max_tokens": min(limits, default=None),
        "labels": list(getattr(record, "labels", ())),
        "prompts": {
            side: prompt
            for side in ("query", "document")
            if (prompt := getattr(record, f"{side}_prompt", None))
        },
    }
