"""What callers pass to be encoded, checked: texts and pairs of texts."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, Sequence, Set, Sized
from typing import Any, TypeAlias, TypeVar

from holotype.errors import UnsupportedInputError

ItemT = TypeVar("ItemT")


def each_text(texts: str | Iterable[str], argument: str = "texts") -> Iterator[str]:
    """Return one or several texts, each checked as it is pulled.

    Args:
        texts: a text, or several.
        argument: what the caller calls them, for errors.

    Raises:
        TypeError: it is no sequence of texts (a dict, a set, a table, None), or, as it is pulled,
            something in it is not a string.
        ValueError: a string holds half of a surrogate pair, which no text has.
    """
    several = [texts] if isinstance(texts, str) else require_several(texts, argument, one="a str")
    return (check_text(text, index) for index, text in enumerate(several))


def each_single_text(model_id: str, texts: str | Iterable[str]) -> Iterator[str]:
    """Return one or several texts for a model that reads no pairs; see `each_text`.

    Raises:
        UnsupportedInputError: one is a pair of texts.
        TypeError: see `each_text`.
        ValueError: likewise.
    """
    several = [texts] if isinstance(texts, str) else require_several(texts, "texts", one="a str")
    for index, text in enumerate(several):
        if is_pair(text):
            raise UnsupportedInputError(
                model_id, f"the item at index {index} is a pair; it reads single texts"
            )
        yield check_text(text, index)


def several_texts(texts: Iterable[str], argument: str = "texts") -> list[str]:
    """Return several texts, each checked, for a call that always returns several results.

    Raises:
        TypeError: it is one text, no sequence of texts, or something in it is not a string.
        ValueError: a string holds half of a surrogate pair, which no text has.
    """
    if isinstance(texts, str):
        raise TypeError(f"{argument} is a single text; expected several in a list")
    several = require_several(texts, argument)
    return [check_text(text, index) for index, text in enumerate(several)]


def require_several(
    items: Iterable[ItemT], argument: str, *, one: str | None = None
) -> Iterator[ItemT]:
    """Return an iterator of several items, which have an order of their own.

    Args:
        items: the items.
        argument: what the caller calls them, for errors.
        one: what a single item is, for errors; None where only several are taken.

    Raises:
        TypeError: it is something else; what would be read as its keys says so.
    """
    found: Any = items
    if isinstance(found, Mapping) or _is_table(found):
        advice = "pass one column, such as table['column'].tolist()"
        if isinstance(found, Mapping):
            advice = f"pass its values, as list({argument}.values())"
        raise TypeError(
            f"{argument} is {_type_of(found)}, which would be read as its keys; {advice}"
        )
    if isinstance(found, Set) and not isinstance(found, (KeysView, ItemsView, Sequence)):
        raise TypeError(
            f"{argument} is {_type_of(found)}, which has no order for the results; pass a list"
        )
    try:
        if not isinstance(found, (bytes, bytearray)):
            return iter(items)
    except TypeError:
        pass
    expected = "several in a list" if one is None else f"{one}, or several in a list"
    raise TypeError(f"{argument} is {_type_of(found)}; expected {expected}")


def _is_table(items: object) -> bool:
    # A frame of pandas, polars, Dask or Spark; their columns have no columns.
    return hasattr(items, "columns")


def _type_of(value: object) -> str:
    return "None" if value is None else f"of type {type(value).__name__}"


def _meant_by(value: object) -> str:
    """Return where something is read that is no text, to follow an error."""
    is_picture = type(value).__module__.partition(".")[0] == "PIL"
    return "; encode_image() of models that read pictures takes them" if is_picture else ""


def count_items(items: object) -> int | None:
    """Return how many items there are; None for an iterator, which does not know."""
    if isinstance(items, str):
        return 1
    return len(items) if isinstance(items, Sized) else None


def check_text(text: object, index: int) -> str:
    """Return a text.

    Raises:
        TypeError: it is not a string.
        ValueError: it holds half of a surrogate pair, which no text has.
    """
    if type(text) is str and text.isascii():
        # What it is called is put together for errors only.
        return text
    return check_string(text, f"the text at index {index}")


def check_string(text: object, what: str) -> str:
    """Return a text that is named in errors as the caller knows it; see `check_text`."""
    if not isinstance(text, str):
        raise TypeError(f"{what} is {_type_of(text)}; expected str{_meant_by(text)}")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{what} holds half of a surrogate pair at position {error.start}; decode its bytes "
            "with errors='replace'"
        ) from None
    return text


Pair: TypeAlias = tuple[str, str]


def is_pair(value: object) -> bool:
    """Return whether something is one pair, and not several: its first part is a text."""
    return isinstance(value, (tuple, list)) and bool(value) and isinstance(value[0], str)


def each_pair(pairs: Pair | Iterable[Pair]) -> Iterator[Pair]:
    """Return one or several pairs, each checked as it is pulled.

    Raises:
        TypeError: it is no sequence of pairs, or, as it is pulled, something in it is no pair of
            strings.
        ValueError: a string holds half of a surrogate pair, which no text has.
    """
    if isinstance(pairs, str):
        raise TypeError("expected a pair of texts or several of them, got a single text")
    several: Iterable[object]
    several = [pairs] if is_pair(pairs) else require_several(pairs, "pairs", one="a pair of texts")
    return (check_pair(pair, index) for index, pair in enumerate(several))


def check_pair(pair: object, index: int) -> Pair:
    """Return a pair of texts, given as a tuple or a list.

    Raises:
        TypeError: it is something else.
        ValueError: a string holds half of a surrogate pair, which no text has.
    """
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise TypeError(f"the pair at index {index} is {_shape(pair)}; expected two texts")
    first, second = pair
    return (
        check_string(first, f"the first text of the pair at index {index}"),
        check_string(second, f"the second text of the pair at index {index}"),
    )


def _shape(value: object) -> str:
    if isinstance(value, (tuple, list)):
        return f"of {len(value)} part{'s' * (len(value) != 1)}"
    return _type_of(value)
