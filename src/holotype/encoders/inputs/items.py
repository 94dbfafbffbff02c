"""What callers pass to be encoded: texts and pairs of texts, checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from typing import TypeAlias


def each_text(texts: str | Iterable[str]) -> Iterator[str]:
    """Yield one or several texts, each checked as it is pulled.

    Raises:
        TypeError: something is not a string.
        ValueError: a string holds half of a surrogate pair, which no text has.
    """
    for index, text in enumerate([texts] if isinstance(texts, str) else texts):
        check_text(text, f"the text at index {index}")
        yield text


def count_texts(texts: str | Iterable[str]) -> int | None:
    """Return how many texts there are; None for an iterator, which does not know."""
    if isinstance(texts, str):
        return 1
    return len(texts) if isinstance(texts, Sized) else None


def check_text(text: object, what: str) -> None:
    """Raise where something is no text.

    Args:
        text: what was passed.
        what: how errors name it, such as ``"the text at index 3"``.

    Raises:
        TypeError: it is not a string.
        ValueError: it holds half of a surrogate pair, which no text has.
    """
    if not isinstance(text, str):
        raise TypeError(f"{what} is of type {type(text).__name__}; expected str")
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{what} holds half of a surrogate pair at position {error.start}; decode its bytes "
            "with errors='replace'"
        ) from None


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
