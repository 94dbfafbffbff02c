"""Rerankers in the shapes of Jina and Cohere, and of Text Embeddings Inference."""

from __future__ import annotations

from typing import Any

import numpy as np
from fastapi import APIRouter
from starlette.responses import Response

from holotype.server.errors import FieldProblem, UnprocessableError
from holotype.server.inference.answers import respond
from holotype.server.inference.bodies import RerankBody
from holotype.server.inference.calls import Call, usage_of
from holotype.server.inference.routes import add
from holotype.server.inference.scoring import score_pairs
from holotype.server.problems import request_id_of

router = APIRouter()


async def rerank(call: Call, body: RerankBody) -> Response:
    """Sort documents by how well they answer a query, best first.

    With `documents`, the shape is that of Jina and Cohere; with `texts`, that of Text Embeddings
    Inference. Scores are those of the model, as its authors scale them.
    """
    documents = _documents(body)
    call.check_count(documents, "documents" if body.texts is None else "texts")
    if body.user is not None and call.key is None:
        call.key = body.user
    name = await call.choose_kind(body.model, "cross-encoder")
    scores, answer, lengths = await score_pairs(
        call,
        name,
        [(body.query, document) for document in documents],
        raw=body.raw_scores,
        truncate=body.truncation if body.truncation is not None else body.truncate,
    )
    order = np.argsort(-scores, kind="stable")[: body.top_n]
    headers = call.headers(name, answer)
    if body.texts is not None:
        ranked: list[dict[str, Any]] = [
            {"index": int(at), "score": float(scores[at])} for at in order
        ]
        if body.return_text:
            ranked = [{**each, "text": documents[each["index"]]} for each in ranked]
        return respond(ranked, headers)
    results: list[dict[str, Any]] = [
        {"index": int(at), "relevance_score": float(scores[at])} for at in order
    ]
    if body.return_documents:
        results = [{**each, "document": {"text": documents[each["index"]]}} for each in results]
    usage = usage_of(lengths)
    found = {
        "object": "rerank",
        "id": request_id_of(call.request),
        "model": name,
        "results": results,
        "usage": usage,
        "meta": {"tokens": {"input_tokens": usage["total_tokens"]}},
    }
    return respond(found, headers)


def _documents(body: RerankBody) -> list[str]:
    """Return the documents of either shape.

    Raises:
        UnprocessableError: both are there, or none, or a document has no text.
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
    texts = []
    for at, document in enumerate(body.documents or ()):
        text = document if isinstance(document, str) else document.get("text")
        if not isinstance(text, str):
            field = f"documents[{at}]"
            raise UnprocessableError(
                f"{field} has no text; expected a text, or an object with one",
                errors=[FieldProblem(field=field, message="has no text")],
            )
        texts.append(text)
    return texts


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
