"""Rerankers in the shapes of Jina and Cohere, and of Text Embeddings Inference.

Models with a vector for every token rank documents, too, and pages, which are their pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from fastapi import APIRouter
from starlette.responses import Response

from holotype.pool import Answer
from holotype.server.errors import FieldProblem, UnprocessableError
from holotype.server.inference.answers import Floats, respond, usage_of
from holotype.server.inference.bodies import RerankBody
from holotype.server.inference.calls import Call
from holotype.server.inference.late_interaction import Pages, TokenVectors, rank_documents
from holotype.server.inference.routes import add
from holotype.server.inference.scoring import score_pairs
from holotype.server.inference.targets import lease_model
from holotype.server.problems import request_id_of

router = APIRouter()


async def rerank(call: Call, body: RerankBody) -> Response:
    """Sort documents by how well they answer a query, best first.

    With `documents`, the shape is that of Jina and Cohere; with `texts`, that of Text Embeddings
    Inference. Scores are those of the model, as its authors scale them; those of a ColBERT model
    are sums over the tokens of the query, and compare documents of one query only.
    """
    documents = _documents(body)
    field = "documents" if body.texts is None else "texts"
    call.check_count(_items(documents), field, field.removesuffix("s"))
    if body.user is not None and call.key is None:
        call.key = body.user
    scores, answer, usage = await _score(call, body, documents)
    name = answer.asked
    order = np.argsort(-scores, kind="stable")[: body.top_n]
    headers = call.headers(name, answer)
    if body.texts is not None:
        ranked: list[dict[str, Any]] = [
            {"index": int(at), "score": float(scores[at])} for at in order
        ]
        if body.return_text:
            ranked = [{**each, "text": body.texts[each["index"]]} for each in ranked]
        return respond(ranked, headers)
    results: list[dict[str, Any]] = [
        {"index": int(at), "relevance_score": float(scores[at])} for at in order
    ]
    if body.return_documents:
        shown = "image" if isinstance(documents, Pages) else "text"
        given = _items(documents)
        results = [{**each, "document": {shown: given[each["index"]]}} for each in results]
    found = {
        "object": "rerank",
        "id": request_id_of(call.request),
        "model": name,
        "results": results,
        "usage": usage,
        "meta": {"tokens": {"input_tokens": usage["total_tokens"]}},
    }
    return respond(found, headers)


async def _score(
    call: Call, body: RerankBody, documents: Sequence[str] | Pages
) -> tuple[Floats, Answer[Any], dict[str, Any]]:
    """Return a score for each document, which model gave it, and the usage."""
    truncate = body.truncation if body.truncation is not None else body.truncate
    kind = "colbert" if isinstance(documents, Pages) else "cross-encoder"
    name = await call.choose_kind(body.model, kind)
    if isinstance(documents, Pages) or await _has_token_vectors(call, name):
        scores, query, found = await rank_documents(
            call, name, body.query, documents, truncate=truncate
        )
        usage = _sum(usage_of(query.lengths), found, documents)
        return scores, found.answer, usage
    pairs = [(body.query, document) for document in documents]
    scores, answer, lengths = await score_pairs(
        call, name, pairs, raw=body.raw_scores, truncate=truncate
    )
    return scores, answer, usage_of(lengths)


async def _has_token_vectors(call: Call, name: str) -> bool:
    lease = await lease_model(call, name)
    if lease is None:
        return False
    with lease:
        return lease.version.kind == "colbert"


def _sum(
    usage: dict[str, Any], found: TokenVectors, documents: Sequence[str] | Pages
) -> dict[str, Any]:
    """Return the usage of a query and its documents."""
    if isinstance(documents, Pages):
        return {**usage, "images": len(documents.given)}
    theirs = usage_of(found.lengths)
    keys = dict.fromkeys((*usage, *theirs))
    parts = {key: [one.get(key, 0) for one in (usage, theirs)] for key in keys}
    return {key: None if None in values else sum(values) for key, values in parts.items()}


def _items(documents: Sequence[str] | Pages) -> Sequence[str]:
    return documents.given if isinstance(documents, Pages) else documents


def _documents(body: RerankBody) -> Sequence[str] | Pages:
    """Return the documents of either shape.

    Raises:
        UnprocessableError: both are there, or none, or a document has neither a text nor an image,
            or texts stand among images.
    """
    if body.max_tokens_per_doc is not None:
        raise UnprocessableError(
            "max_tokens_per_doc is not supported: a pair is cut to the model's own limit, with "
            "truncate; leave it out",
            errors=[FieldProblem(field="max_tokens_per_doc", message="is not supported")],
        )
    if (body.texts is None) == (body.documents is None):
        raise UnprocessableError(
            "expected documents (Jina, Cohere) or texts (Text Embeddings Inference), and one of them",
            errors=[FieldProblem(field="documents", message="expected it, or texts")],
        )
    if body.texts is not None:
        return body.texts
    given = body.documents or []
    key = "image" if any(isinstance(one, dict) and "image" in one for one in given) else "text"
    found = [one if isinstance(one, str) and key == "text" else _value(one, key) for one in given]
    missing = next((at for at, one in enumerate(found) if one is None), None)
    if missing is not None:
        field = f"documents[{missing}]"
        among = (
            ", as the others have: texts are ranked in another request" if key == "image" else ""
        )
        raise UnprocessableError(
            f"{field} has no {key}; expected {'a text, or ' if key == 'text' else ''}an object with "
            f"one{among}",
            errors=[FieldProblem(field=field, message=f"has no {key}")],
        )
    known = [one for one in found if one is not None]
    if key == "text":
        return known
    return Pages(given=known, fields=[f"documents[{at}].image" for at in range(len(known))])


def _value(document: str | dict[str, Any], key: str) -> str | None:
    value = document.get(key) if isinstance(document, dict) else None
    return value if isinstance(value, str) else None


add(
    router,
    ("/v1/rerank", "/rerank", "/v2/rerank"),
    rerank,
    RerankBody,
    tag="Rerank",
    answer={
        "anyOf": [
            {"type": "array", "items": {"type": "object", "required": ["index", "score"]}},
            {"type": "object", "required": ["model", "results", "usage"]},
        ]
    },
)
