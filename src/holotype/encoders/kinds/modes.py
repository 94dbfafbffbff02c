"""Whether models may share one pass: they are of one checkpoint, and read texts alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from holotype.encoders.kinds.colbert import Side
from holotype.encoders.kinds.plan import AnyPlan, ColbertPlan, DensePlan, SparsePlan
from holotype.encoders.kinds.prompts import Prompt
from holotype.encoders.options import SideName
from holotype.errors import IncompatibleModesError, UnsupportedModelError
from holotype.records import ModelInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class SideReading:
    """How a mode turns the texts of one side into tokens.

    Attributes:
        prompt: the text before every text.
        length: the longest text in tokens; None where nothing limits it.
        marker: the token after the first special token; None where there is none.
        expansion: the length that short texts are filled up to; None where they are not.
        table: whether texts are looked up in a table of tokens.
    """

    prompt: Prompt
    length: int | None
    marker: str | None = None
    expansion: int | None = None
    table: bool = False


Readings: TypeAlias = Mapping[SideName, SideReading]

_DIFFERENCES = {
    "prompt": "prompts of {side}",
    "length": "lengths of {side} in tokens",
    "marker": "markers of {side}",
    "expansion": "expansions of {side}",
    "table": "ways to read {side} (whether from a table of tokens)",
}
_SIDES: Mapping[SideName, str] = {"query": "queries", "document": "documents", "text": "texts"}


def require_one_checkpoint(records: Sequence[ModelInfo]) -> None:
    """Refuse models of different weights.

    Raises:
        IncompatibleModesError: they differ in repository or revision.
    """
    for first, second in pairwise(records):
        for what, ours, theirs in (
            ("repositories", first.huggingface_id, second.huggingface_id),
            ("revisions", first.revision, second.revision),
        ):
            if ours != theirs:
                raise IncompatibleModesError((first.id, second.id), what, (ours, theirs))


def require_one_reading(plans: Sequence[AnyPlan]) -> Readings:
    """Return how texts of every side are read, once all modes agree about it.

    Raises:
        IncompatibleModesError: they do not.
    """
    readings = [(plan.record.id, _readings(plan)) for plan in plans]
    for (first, ours), (second, theirs) in pairwise(readings):
        for side, name in _SIDES.items():
            for field, what in _DIFFERENCES.items():
                found = getattr(ours[side], field), getattr(theirs[side], field)
                if found[0] != found[1]:
                    raise IncompatibleModesError((first, second), what.format(side=name), found)
    return readings[0][1]


def _readings(plan: AnyPlan) -> Readings:
    if isinstance(plan, ColbertPlan):
        encoding = plan.encoding
        expansion = encoding.expansion.length if encoding.expansion else None
        return {
            "query": _of_side(encoding.query, expansion),
            "document": _of_side(encoding.document),
            "text": _of_side(encoding.plain),
        }
    if not isinstance(plan, DensePlan | SparsePlan):
        raise UnsupportedModelError(plan.record.id, "it has no mode that shares a transformer")
    table = isinstance(plan, SparsePlan) and plan.encoding.looks_queries_up
    one, length = plan.encoding, plan.encoding.max_length
    return {
        "query": SideReading(prompt=one.query_prompt, length=length, table=table),
        "document": SideReading(prompt=one.document_prompt, length=length),
        "text": SideReading(prompt=Prompt(one.default_prompt), length=length),
    }


def _of_side(side: Side, expansion: int | None = None) -> SideReading:
    return SideReading(
        prompt=side.prompt, length=side.max_length, marker=side.marker, expansion=expansion
    )
