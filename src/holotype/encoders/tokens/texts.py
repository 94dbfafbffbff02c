"""What callers pass as texts: one or many, from memory or as they come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized


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
