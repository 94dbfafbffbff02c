"""Vectors of the tokens of texts and of the parts of pages, and scores by them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from holotype.encoders.inputs.lengths import Lengths
from holotype.encoders.vectors.ragged import Ragged
from holotype.encoders.vectors.similarity import maxsim
from holotype.errors import UnsupportedInputError
from holotype.pool import Answer
from holotype.server.errors import FieldProblem, UnprocessableError, UnreadableInputError
from holotype.server.inference.answers import Floats
from holotype.server.inference.calls import Call
from holotype.server.inference.dense import MOST_SWAPS, too_many_swaps
from holotype.server.inference.pictures import read_pictures, run_pictures
from holotype.server.inference.targets import Kinds, Target, find_target

_HAS_TOKENS = Kinds(("colbert",), "only models of the kind 'colbert' have vectors of tokens")
_RANKS_PAGES = Kinds(("colbert",), "pages are ranked by models of the kind 'colbert'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """The pictures of a request, and where in its body each stands."""

    given: Sequence[str]
    fields: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenVectors:
    """Vectors of several items.

    Attributes:
        answer: the vectors ``[n_tokens, dim]`` of each item, and which model made them.
        lengths: the tokens of texts; None for pages, and if the model does not say.
    """

    answer: Answer[Any]
    lengths: Lengths | None


async def encode_tokens(
    call: Call,
    name: str,
    items: Sequence[str] | Pages,
    *,
    side: str,
    truncate: bool,
    expected: str | None,
) -> TokenVectors:
    """Return the vectors of texts, or of pages.

    Args:
        call: the request.
        name: the name of the model.
        items: the texts, or the pages.
        side: ``"query"``, ``"document"`` or ``"text"``; as which texts are read.
        truncate: whether texts that are too long are cut.
        expected: the fingerprint that the vectors must have.

    Raises:
        InvalidImageError: a page cannot be read; the error names its field.
        UnreadableInputError: the model reads pages and not texts, or texts only.
        HolotypeError: see `holotype.server.inference.dense.encode`.
    """
    with await find_target(call, name, _HAS_TOKENS) as target:
        if target.lease is not None:
            call.require_fingerprint(target.lease.version.fingerprint, expected)
        found = await _run(target, items, side, truncate)
    call.require_fingerprint(found.answer.version.fingerprint, expected)
    return found


async def rank_documents(
    call: Call, name: str, query: str, documents: Sequence[str] | Pages, *, truncate: bool
) -> tuple[Floats, TokenVectors, TokenVectors]:
    """Score documents for a query by MaxSim: float32 ``[n_documents]``.

    Returns:
        The scores, and the vectors of the query and of the documents, all of one model.

    Raises:
        InvalidImageError: a page cannot be read; the error names its field.
        HolotypeError: see `holotype.server.inference.dense.encode`.
    """
    for _ in range(MOST_SWAPS):
        with await find_target(call, name, _RANKS_PAGES) as target:
            asked = await _run(target, [query], "query", truncate)
            found = await _run(target, documents, "document", truncate)
        if asked.answer.version.fingerprint == found.answer.version.fingerprint:
            scores = await call.in_thread(maxsim, *map(_ragged, (asked, found)))
            _require_tokens(scores[0])
            return scores[0], asked, found
    raise too_many_swaps(name)


async def _run(
    target: Target, items: Sequence[str] | Pages, side: str, truncate: bool
) -> TokenVectors:
    if isinstance(items, Pages):
        pictures = await read_pictures(target.call, items.given, items.fields)
        try:
            answer = await run_pictures(target, "encode_image", pictures, items.fields)
        except UnsupportedInputError as error:
            raise UnreadableInputError(
                f"{target.name!r} reads texts only; send texts, or ask a model of pages: GET /v1/models "
                "lists the names"
            ) from error
        return TokenVectors(answer=answer, lengths=None)
    try:
        answer, lengths = await target.encode(items, side=side, truncate=truncate)
    except UnsupportedInputError as error:
        raise UnreadableInputError(
            f"{target.name!r} reads pages, which are pictures, and its documents are no texts; send "
            'objects with an image, as in {"image": "data:image/png;base64,..."}. Texts are read '
            "as queries: /embed_all takes them with input_type: query"
        ) from error
    return TokenVectors(answer=answer, lengths=lengths)


def _ragged(found: TokenVectors) -> Ragged[np.float32]:
    vectors = found.answer.value
    if isinstance(vectors, Ragged):
        return vectors
    arrays = [np.asarray(one, dtype=np.float32) for one in vectors]
    return Ragged.from_arrays(arrays, dim=arrays[0].shape[1])


def _require_tokens(scores: Floats) -> None:
    """Refuse documents without a token that counts, whose scores are no numbers."""
    empty = np.flatnonzero(~np.isfinite(scores))
    if len(empty):
        field = f"documents[{int(empty[0])}]"
        raise UnprocessableError(
            f"{field} has no token that this model compares; leave it out",
            errors=[FieldProblem(field=field, message="has no token that counts")],
        )
