"""Which calls can run together with those of other callers, and what becomes of their results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, get_args

import numpy as np

from holotype.encoders._load import import_part
from holotype.encoders.cross_encoder import (
    LIST_OF_ONE,
    RANK_BY_ONE,
    rank_by_logits,
    require_one_score,
)
from holotype.encoders.inputs.items import is_pair
from holotype.encoders.running.scores import Activation, choose_activation
from holotype.pool.calling import ENCODES_TEXTS
from holotype.pool.generation import Facts
from holotype.pool.queued import Item

_COMPARABLE = (str, int, float, bool, type(None))
_CLASSIFIES = ("classify", "predict_scores")
_READS_PICTURES = ("encode_image", "caption")
# About what networks make of the pictures that most of them read, of 224 by 224 pixels.
_TOKENS_OF_A_PICTURE = 256
Finish = Callable[[Any, "Facts | None"], Any]


class Together(NamedTuple):
    """A call that can run together with others.

    Attributes:
        method: the method that runs the items of all of them.
        items: its texts, pairs or pictures.
        options: the arguments of the method by name.
        finish: turns the results of the items into what the call returns.
        is_urgent: whether it comes before calls that are not.
        tokens_each: as how many tokens each item counts; None estimates them from texts.
    """

    method: str
    items: Sequence[Item]
    options: Mapping[str, Any]
    finish: Finish
    is_urgent: bool = False
    tokens_each: int | None = None


def plan_together(
    name: str, method: str, args: Sequence[Any], options: Mapping[str, Any]
) -> Together | None:
    """Return how a call runs together with others; None if it runs alone.

    What is wrong with a call, the model says itself.

    Args:
        name: the model, for messages.
        method: the method that is called.
        args: its arguments.
        options: its arguments by name.
    """
    for value in options.values():
        if not isinstance(value, _COMPARABLE):
            return None
    if method == "rank":
        return _rank(name, args, options)
    if len(args) != 1:
        return None
    (items,) = args
    if method in _READS_PICTURES:
        return _pictures(method, items, options)
    finish: Finish = _all
    if method == "predict":
        if is_pair(items):
            items, finish = [items], _one_score(name)
        found = [tuple(item) for item in items] if _are(items, _is_pair) else None
    elif method in _CLASSIFIES:
        if isinstance(items, str) or (isinstance(items, tuple) and _is_pair(items)):
            items, finish = [items], _first
        found = items if _are(items, _is_text_or_pair) else None
    elif method in ENCODES_TEXTS:
        if isinstance(items, str):
            items, finish = [items], _first
        found = items if _are(items, _is_text) else None
    else:
        return None
    if found is None:
        return None
    return Together(
        method=method,
        items=found,
        options=options,
        finish=finish,
        is_urgent=method == "encode_query",
    )


def _pictures(method: str, items: Any, options: Mapping[str, Any]) -> Together | None:
    images: Any = import_part("holotype.encoders.inputs.images", "images", "pictures")
    finish: Finish = _all
    if images.is_one_picture(items):
        items, finish = [items], _first
    if not _are(items, images.is_one_picture):
        return None
    return Together(
        method=method,
        items=items,
        options=options,
        finish=finish,
        tokens_each=_TOKENS_OF_A_PICTURE,
    )


def _are(items: object, is_right: Callable[[object], bool]) -> bool:
    return isinstance(items, list) and bool(items) and all(map(is_right, items))


def _is_text(item: object) -> bool:
    return isinstance(item, str)


def _is_pair(item: object) -> bool:
    return isinstance(item, (tuple, list)) and len(item) == 2 and all(map(_is_text, item))


def _is_text_or_pair(item: object) -> bool:
    return isinstance(item, str) or (isinstance(item, tuple) and _is_pair(item))


def _all(value: Any, _: Facts | None) -> Any:
    return value


def _first(value: Any, _: Facts | None) -> Any:
    return value[0]


def _one_score(name: str) -> Finish:
    def finish(scores: Any, _: Facts | None) -> float:
        require_one_score(name, np.size(scores), LIST_OF_ONE)
        return float(scores[0])

    return finish


def _rank(name: str, args: Sequence[Any], options: Mapping[str, Any]) -> Together | None:
    """Rank by the logits, which all that read pairs have in common."""
    left = dict(options)
    top_k = left.pop("top_k", None)
    with_texts = left.pop("return_documents", False)
    activation = left.pop("activation", "record")
    if len(args) != 2 or not isinstance(args[0], str) or not _are(args[1], _is_text):
        return None
    if activation not in get_args(Activation):
        return None
    if top_k is not None and (type(top_k) is not int or top_k < 1):
        return None
    query, documents = args

    def finish(logits: Any, facts: Facts | None) -> Any:
        require_one_score(name, np.size(logits) // len(documents), RANK_BY_ONE)
        assert facts is not None, "the batch did not say which model ranked"
        assert facts.activation is not None, "a model that ranks has an activation"
        return rank_by_logits(
            np.reshape(logits, (-1, 1)),
            documents,
            activation=choose_activation(activation, facts.activation, 1),
            top_k=top_k,
            return_documents=with_texts,
        )

    return Together(
        method="predict",
        items=[(query, document) for document in documents],
        options={**left, "activation": "logits"},
        finish=finish,
    )
