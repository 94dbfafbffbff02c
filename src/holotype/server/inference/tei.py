"""The routes of Text Embeddings Inference; its /rerank is in `rerank`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from holotype.pool import Answer
from holotype.server.errors import FieldProblem, UnprocessableError
from holotype.server.inference.answers import JsonResponse, contiguous, join_pieces, respond
from holotype.server.inference.bodies import (
    EmbedAllBody,
    EmbedBody,
    ImageItem,
    PredictBody,
    SimilarityBody,
    SimilarityParameters,
    TokenizeBody,
    side_of,
)
from holotype.server.inference.calls import Call, shown_version
from holotype.server.inference.dense import encode
from holotype.server.inference.late_interaction import Pages, encode_tokens
from holotype.server.inference.routes import PROBLEMS, add
from holotype.server.inference.scoring import label_texts
from holotype.server.inference.targets import Kinds, find_target, lease_model
from holotype.server.keys import authorize
from holotype.server.state import state_of

router = APIRouter()

_SPARSE = Kinds(("sparse",), "only models of the kind 'sparse' have sparse vectors")

_TAG = "Text Embeddings Inference"


async def embed(call: Call, body: EmbedBody) -> Response:
    """Return the dense vectors of texts, as a list of lists of numbers."""
    texts, side = _texts(call, body)
    name = await call.choose_kind(body.model, "dense")
    lease = await lease_model(call, name)
    if lease is not None:
        with lease:
            _check_normalize(body, lease.model)
    found = await encode(
        call,
        name,
        texts,
        side=side,
        truncate=body.truncate,
        dim=body.dimensions,
        expected=body.expect_fingerprint,
    )
    content = await join_pieces(
        found.values, lambda _, vector: vector, row_values=found.values.shape[1]
    )
    return JsonResponse(content, call.headers(name, found.answer, found.fingerprint))


async def embed_sparse(call: Call, body: EmbedBody) -> Response:
    """Return the sparse vectors of texts: index and value of each word weight."""
    name = await call.choose_kind(body.model, "sparse")
    answer = await _sparse_vectors(call, name, body)

    def element(_: int, vector: Any) -> list[dict[str, Any]]:
        pairs = zip(vector.indices.tolist(), vector.values.tolist(), strict=True)
        return [{"index": index, "value": value} for index, value in pairs]

    content = await join_pieces(answer.value, element, row_values=2048)
    return JsonResponse(content, call.headers(name, answer))


async def embed_all(call: Call, body: EmbedAllBody) -> Response:
    """Return one vector for every token of texts, or every part of pages, of a ColBERT model.

    A text is a document unless the request says otherwise: vectors of neither side fit no index.
    """
    _refuse_dense_options(body)
    given = [body.inputs] if isinstance(body.inputs, str | ImageItem) else body.inputs
    call.check_count(given, "inputs", "item")
    pages = [one.image for one in given if isinstance(one, ImageItem)]
    several = isinstance(body.inputs, list)
    fields = [f"inputs[{at}].image" if several else "inputs.image" for at in range(len(pages))]
    side = _side(body, unstated="document")
    if pages and side != "document":
        field = "prompt_name" if body.input_type is None else "input_type"
        raise UnprocessableError(
            f"pages are documents, and {field} says {side}; leave it out",
            errors=[FieldProblem(field=field, message="is of texts only")],
        )
    found = await encode_tokens(
        call,
        await call.choose_kind(body.model, "colbert"),
        Pages(given=pages, fields=fields) if pages else [str(one) for one in given],
        side=side,
        truncate=body.truncate,
        expected=body.expect_fingerprint,
    )
    content = await join_pieces(
        found.answer.value, lambda _, vectors: list(contiguous(vectors)), row_values=32_768
    )
    return JsonResponse(content, call.headers(found.answer.asked, found.answer))


async def predict(call: Call, body: PredictBody) -> Response:
    """Return all labels of texts, or of pairs of texts, with their scores, best first."""
    items, single = _predict_items(body)
    call.check_count(items, "inputs")
    name = await call.choose_kind(body.model, "classifier")
    found, answer, _ = await label_texts(
        call, name, items, raw=body.raw_scores, truncate=body.truncate
    )
    return respond(found[0] if single else found, call.headers(name, answer))


async def similarity(call: Call, body: SimilarityBody) -> Response:
    """Return how similar sentences are to one sentence, as the model's authors compare vectors."""
    sentences = body.inputs.sentences
    call.check_count(sentences, "inputs.sentences")
    name = await call.choose_kind(body.model, "dense")
    parameters = body.parameters or SimilarityParameters()
    found = await encode(
        call,
        name,
        [body.inputs.source_sentence, *sentences],
        side=side_of(parameters.prompt_name, "parameters.prompt_name"),
        truncate=parameters.truncate,
    )
    lease = await lease_model(call, name)
    if lease is None:
        raise UnprocessableError(f"{name!r} is more than one model, and has no similarity")
    with lease:
        compare = getattr(lease.model, "similarity", None)
        if compare is None:
            raise UnprocessableError(f"{name!r} does not say how its vectors are compared")
        scores = await call.in_thread(compare, found.values[:1], found.values[1:])
    return respond(np.ascontiguousarray(scores[0]), call.headers(name, found.answer))


async def tokenize(call: Call, body: TokenizeBody) -> Response:
    """Return the tokens of texts, before truncation and without prompts."""
    texts = [body.inputs] if isinstance(body.inputs, str) else body.inputs
    call.check_count(texts, "inputs")
    if body.prompt_name is not None:
        raise UnprocessableError(
            "prompt_name is not supported here; put the prompt of /v1/models before the text",
            errors=[FieldProblem(field="prompt_name", message="is not supported")],
        )
    name = call.choose(body.model)
    lease = await lease_model(call, name)
    if lease is None:
        raise UnprocessableError(f"{name!r} is more than one model, and has no tokenizer")
    with lease:
        split = getattr(lease.model, "tokenize", None)
        if split is None:
            raise UnprocessableError(f"{name!r} has no tokenizer here")

        def tokens() -> list[list[dict[str, Any]]]:
            return [
                [
                    {
                        "id": each.id,
                        "text": each.text,
                        "special": each.special,
                        "start": None if each.special else each.start,
                        "stop": None if each.special else each.end,
                    }
                    for each in split(text, special_tokens=body.add_special_tokens)
                ]
                for text in texts
            ]

        found = await call.in_thread(tokens)
        answer = Answer(value=None, versions=(lease.version,), asked=name)
    return respond(found, call.headers(name, answer))


async def _sparse_vectors(call: Call, name: str, body: EmbedBody) -> Answer[Any]:
    _refuse_dense_options(body)
    texts, side = _texts(call, body)
    with await find_target(call, name, _SPARSE) as target:
        if target.lease is not None:
            call.require_fingerprint(target.lease.version.fingerprint, body.expect_fingerprint)
        answer, _ = await target.encode(texts, side=side, truncate=body.truncate)
        call.require_fingerprint(answer.version.fingerprint, body.expect_fingerprint)
    return answer


def _refuse_dense_options(body: EmbedBody | EmbedAllBody) -> None:
    if body.dimensions is not None or body.normalize is not None:
        raise UnprocessableError("dimensions and normalize are of /embed; leave them out")


def _texts(call: Call, body: EmbedBody) -> tuple[list[str], str]:
    texts = [body.inputs] if isinstance(body.inputs, str) else body.inputs
    call.check_count(texts, "inputs")
    return texts, _side(body)


def _side(body: EmbedBody | EmbedAllBody, *, unstated: str = "text") -> str:
    if body.input_type is not None:
        return side_of(body.input_type, "input_type")
    return side_of(unstated if body.prompt_name is None else body.prompt_name, "prompt_name")


def _check_normalize(body: EmbedBody, model: Any) -> None:
    """Refuse vectors that are not those of the model's authors.

    Raises:
        UnprocessableError: the request asks for other lengths than the model makes.
    """
    encoding = getattr(model, "encoding", None)
    normalized = getattr(encoding, "normalized", None)
    if body.normalize is None or normalized is None or body.normalize == normalized:
        return
    what = "of length 1" if normalized else "not of length 1"
    raise UnprocessableError(
        f"normalize is {str(body.normalize).lower()}, and the vectors of this model are {what}; leave "
        "it out, since an index of others would not fit",
        errors=[FieldProblem(field="normalize", message="differs from the model")],
    )


def _predict_items(body: PredictBody) -> tuple[Sequence[Any], bool]:
    """Return texts and pairs, and whether there was a single one.

    Raises:
        UnprocessableError: something is neither a text nor a pair.
    """
    inputs = body.inputs
    if isinstance(inputs, str):
        return [inputs], True
    if inputs and isinstance(inputs[0], str):
        return [_item(inputs, "inputs")], True
    return [_item(each, f"inputs[{at}]") for at, each in enumerate(inputs)], False


def _item(parts: Any, field: str) -> Any:
    if len(parts) == 1:
        return parts[0]
    if len(parts) == 2:
        return tuple(parts)
    raise UnprocessableError(
        f"{field} has {len(parts)} texts; expected one text or a pair. Several are a list of lists: "
        '[["first text"], ["second text"]]',
        errors=[FieldProblem(field=field, message="expected one text or two")],
    )


@router.get("/info", tags=[_TAG], responses={s: PROBLEMS[s] for s in (401, 403, 404, 422)})
async def info(request: Request) -> Response:
    """Describe the default model, or that of the header x-holotype-model-name."""
    caller = await authorize(request, "infer")
    state = state_of(request)
    call = Call(request, state, caller.id)
    name = call.choose(None)
    lease = await lease_model(call, name)
    kinds = {"dense": "embedding", "cross-encoder": "reranker", "classifier": "classifier"}
    found: dict[str, Any] = {"model_id": name, "model_sha": None, "model_dtype": None}
    kind: str | None = None
    max_length: int | None = None
    if lease is not None:
        with lease:
            kind = lease.version.kind
            found |= {
                "model_sha": shown_version(lease.version),
                "model_dtype": getattr(lease.model, "dtype", None),
                "fingerprint": lease.version.fingerprint,
            }
            max_length = lease.generation.facts.max_length
    settings = state.settings
    return respond(
        {
            **found,
            "model_type": {kinds.get(kind or "", kind or "ensemble"): {}},
            "max_input_length": max_length,
            "max_client_batch_size": settings.max_texts,
            "max_concurrent_requests": settings.max_queued_requests,
            "max_batch_tokens": settings.max_queued_tokens,
            "auto_truncate": False,
            "version": request.app.version,
        }
    )


_NUMBERS = {"type": "array", "items": {"type": "number"}}
_LISTS = {"type": "array", "items": {"type": "array"}}
add(
    router,
    ("/embed",),
    embed,
    EmbedBody,
    tag=_TAG,
    answer={"type": "array", "items": _NUMBERS},
)
add(router, ("/embed_sparse",), embed_sparse, EmbedBody, tag=_TAG, answer=_LISTS)
add(router, ("/embed_all",), embed_all, EmbedAllBody, tag=_TAG, answer=_LISTS)
add(router, ("/predict",), predict, PredictBody, tag=_TAG, answer={"type": "array"})
add(router, ("/similarity",), similarity, SimilarityBody, tag=_TAG, answer=_NUMBERS)
add(router, ("/tokenize",), tokenize, TokenizeBody, tag=_TAG, answer=_LISTS)
