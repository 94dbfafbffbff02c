"""What callers pass as pairs of texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from holotype.encoders.tokens.texts import check_text

Pair: TypeAlias = tuple[str, str]


def is_pair(value: object) -> bool:
    """Return whether something is one pair, and not several: its first part is a text."""
    return isinstance(value, (tuple, list)) and bool(value) and isinstance(value[0], str)


def each_pair(pairs: Pair | Iterable[Pair]) -> Iterator[Pair]:
    """Yield one or several pairs, each checked as it is pulled.

    Raises:
        TypeError: something is no pair of strings.
        ValueError: a string holds half of a surrogate pair, which no text has.
    """
    if isinstance(pairs, str):
        raise TypeError("expected a pair of texts or several of them, got a single text")
    for index, pair in enumerate([pairs] if is_pair(pairs) else pairs):
        yield checked_pair(pair, index)


def checked_pair(pair: object, index: int) -> Pair:
    """Return a pair of texts, given as a tuple or a list.

    Raises:
        TypeError: it is something else.
        ValueError: a string holds half of a surrogate pair, which no text has.
    """
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise TypeError(f"the pair at index {index} is {_shape(pair)}; expected two texts")
    first, second = pair
    check_text(first, f"the first text of the pair at index {index}")
    check_text(second, f"the second text of the pair at index {index}")
    return first, second


def _shape(value: object) -> str:
    if isinstance(value, (tuple, list)):
        return f"of {len(value)} parts"
    return f"of type {type(value).__name__}"
