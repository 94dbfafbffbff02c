"""Scores of pairs, and labels of texts, for every shape that asks for some."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import signature
from typing import Any

import numpy as np

from holotype.encoders.inputs.lengths import Lengths
from holotype.errors import UnsupportedInputError
from holotype.pool import Answer, Lease
from holotype.server.errors import FieldProblem, UnprocessableError, UnreadableInputError
from holotype.server.inference.answers import Floats
from holotype.server.inference.calls import Call
from holotype.server.inference.targets import Kinds, find_target

_SCORES_PAIRS = Kinds(
    ("cross-encoder",),
    "documents are ranked by models of the kinds 'cross-encoder' and 'colbert'",
)
_HAS_LABELS = Kinds(("classifier",), "texts are classified by models of the kind 'classifier'")
_ALL = 1_000_000
"""More labels than any model has."""

Labelled = list[dict[str, Any]]


async def score_pairs(
    call: Call, name: str, pairs: Sequence[tuple[str, str]], *, raw: bool, truncate: bool
) -> tuple[Floats, Answer[Any], Lengths | None]:
    """Return one score for each pair of a query and a document: float32 ``[n_pairs]``.

    Raises:
        UnprocessableError: the model does not score pairs, or gives several scores.
        TextOverflowError: a pair is too long.
    """
    options = {"activation": "logits"} if raw else {}
    with await find_target(call, name, _SCORES_PAIRS) as target:
        answer, lengths = await target.run_texts("predict", pairs, truncate=truncate, **options)
    scores = np.asarray(answer.value, dtype=np.float32)
    if scores.ndim != 1:
        raise UnprocessableError(
            f"{name!r} gives {scores.shape[1]} scores for a pair, by which documents cannot be "
            "ranked; call /predict with the pairs"
        )
    return scores, answer, lengths


async def label_texts(
    call: Call, name: str, texts: Sequence[Any], *, raw: bool, truncate: bool
) -> tuple[list[Labelled], Answer[Any], Lengths | None]:
    """Return all labels of texts or pairs with their scores, best first.

    Raises:
        UnprocessableError: the model has no labels, or no raw scores.
        UnreadableInputError: there is a pair, and the model reads none.
        TextOverflowError: a text is too long.
    """
    method = "predict_scores" if raw else "classify"
    options: dict[str, Any] = {"activation": "logits"} if raw else {"top_k": _ALL}
    with await find_target(call, name, _HAS_LABELS) as target:
        lease = target.lease
        if raw:
            _require_logits(name, lease)
        try:
            answer, lengths = await target.run_texts(method, texts, truncate=truncate, **options)
        except UnsupportedInputError as error:
            raise UnreadableInputError(
                f'{name!r} reads single texts, not pairs; send inputs as [["first text"], '
                '["second text"]]',
                errors=[FieldProblem(field="inputs", message="expected single texts")],
            ) from error
        if raw:
            assert lease is not None, "several models have no raw scores"
            labels = lease.generation.facts.labels
            return [_sorted(labels, row) for row in answer.value], answer, lengths
    found = [
        [{"label": each.label, "score": float(each.score)} for each in row] for row in answer.value
    ]
    return found, answer, lengths


def _require_logits(name: str, lease: Lease[Any] | None) -> None:
    """Refuse raw scores of what has none.

    Raises:
        UnprocessableError: it is more than one model, or its scores are not made of logits.
    """
    if lease is None:
        raise UnprocessableError(f"{name!r} is more than one model, and has no raw scores")
    score = getattr(lease.model, "predict_scores", None)
    if score is None or "activation" not in signature(score).parameters:
        raise UnprocessableError(
            f"{name!r} has no raw scores: its scores are not made of logits; leave raw_scores out",
            errors=[FieldProblem(field="raw_scores", message="is not supported by this model")],
        )


def _sorted(labels: Sequence[str], row: Floats) -> Labelled:
    order = np.argsort(-row, kind="stable")
    return [{"label": labels[at], "score": float(row[at])} for at in order]
