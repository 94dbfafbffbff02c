"""What pattern classifiers find: labels with scores, and where they stand in a text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from holotype.encoders.running.scores import LabelScore


@dataclass(frozen=True, slots=True, kw_only=True)
class Span(LabelScore):
    """A part of a text with a label.

    Attributes:
        start: the position of its first character.
        end: the position after its last one: the part is ``text[start:end]``.
    """

    start: int
    end: int


def without_overlaps(spans: Iterable[Span]) -> list[Span]:
    """Return spans in the order of the text, of which no two overlap.

    Where some do, the one with the higher score stays, and of equal ones the longer.
    """
    in_order = sorted(spans, key=_start)
    if all(one.end <= other.start for one, other in pairwise(in_order)):
        return in_order
    kept: list[Span] = []
    for span in sorted(in_order, key=lambda one: (-one.score, one.start - one.end, one.start)):
        if all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
    return sorted(kept, key=_start)


def _start(span: Span) -> int:
    return span.start
