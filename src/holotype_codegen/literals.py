"""Python literals in the formatter's layout.

Every value in a generated module passes through `literal`, so no value can break out of its quotes.
An expression that fits on a line stays on it; otherwise it has one item per line with a trailing
comma, which formatters leave alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

INDENT = "    "

_LOOSE_QUOTE = re.compile(r'"(?="|\Z)')
"""A quote that would merge with another one, or with the end of a docstring."""

_BACKSLASHED_QUOTE = r"\\" + '"'

_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True, slots=True)
class Name:
    """A name to write unchanged: an enum member or a constant."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call with keyword arguments."""

    function: str
    arguments: Mapping[str, object]


def literal(value: object, *, indent: int = 0, before: int = 0, width: int = 88) -> str:
    """Return the Python expression for a value.

    Args:
        value: None, a bool, int, float or str, a list or tuple of values, a `Name` or a `Call`.
        indent: the indentation of the expression's line, in columns.
        before: the columns of that line used before and after the expression.
        width: the longest allowed line.

    Raises:
        TypeError: the value has no literal.
    """
    flat = _flat(value)
    if isinstance(value, (Call, list, tuple)) and value:
        fits = columns(flat) + indent + before <= width
        return flat if fits else _explode(value, indent, width)
    return flat


def _flat(value: object) -> str:
    match value:
        case str():
            return quote(value)
        case None | bool() | float():
            return repr(value)
        case int():
            return f"{value:_}" if abs(value) >= 10_000 else str(value)
        case Name(text):
            return text
        case Call(function, arguments):
            inner = ", ".join(f"{name}={_flat(item)}" for name, item in arguments.items())
            return f"{function}({inner})"
        case list() | tuple():
            inner = ", ".join(map(_flat, value))
            return f"({inner},)" if len(value) == 1 else f"({inner})"
        case _:
            raise TypeError(f"there is no Python literal for {type(value).__name__}: {value!r}")


def _explode(value: Call | list[object] | tuple[object, ...], indent: int, width: int) -> str:
    inner = indent + len(INDENT)
    if isinstance(value, Call):
        opening = f"{value.function}("
        items = [
            f"{name}={literal(item, indent=inner, before=len(name) + 2, width=width)}"
            for name, item in value.arguments.items()
        ]
    else:
        opening = "("
        items = [literal(item, indent=inner, before=1, width=width) for item in value]
    lines = "".join(f"{' ' * inner}{item},\n" for item in items)
    return f"{opening}\n{lines}{' ' * indent})"


def quote(text: str) -> str:
    """Return a string literal: double quotes, unless single ones need fewer escapes."""
    mark = "'" if text.count('"') > text.count("'") else '"'
    return f"{mark}{_escape(text, mark)}{mark}"


def docstring(text: str) -> str:
    """Return a docstring literal on one line."""
    return f'"""{_LOOSE_QUOTE.sub(_BACKSLASHED_QUOTE, _escape(text, ""))}"""'


def subscript(
    name: str, items: Sequence[str], *, indent: int = 0, before: int = 0, width: int = 88
) -> str:
    """Return `name[items]`, with one item per line if it does not fit on one.

    Args:
        name: the subscripted name.
        items: expressions, already rendered.
        indent: the columns before the first character of the line that holds the expression.
        before: the columns of that line before the expression.
        width: the longest allowed line.
    """
    flat = f"{name}[{', '.join(items)}]"
    if indent + before + columns(flat) <= width:
        return flat
    outer, comma = " " * indent, "," if len(items) > 1 else ""
    lines = ",\n".join(f"{outer}{INDENT}{item}" for item in items)
    return f"{name}[\n{lines}{comma}\n{outer}]"


def union(items: Sequence[str], *, indent: int = 0, before: int = 0, width: int = 88) -> str:
    """Return `item | item`, in parentheses if it does not fit; arguments as for `subscript`."""
    flat = " | ".join(items)
    if indent + before + columns(flat) <= width:
        return flat
    outer = " " * indent
    if indent + len(INDENT) + columns(flat) > width:
        flat = f"\n{outer}{INDENT}| ".join(items)
    return f"(\n{outer}{INDENT}{flat}\n{outer})"


def assignment(target: str, value: str, *, width: int = 88) -> str:
    """Return `target = value`, with the value in parentheses if that makes it fit."""
    flat = f"{target} = {literal(value)}"
    if columns(flat) <= width or len(INDENT) + columns(literal(value)) > width:
        return flat
    return f"{target} = (\n{INDENT}{literal(value)}\n)"


def columns(text: str) -> int:
    """Return the width of a text as formatters count it: wide characters take two columns."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(map(bool, map(unicodedata.combining, text)))


def opening(constant: str, annotation: str, function: str, *, width: int = 88) -> str:
    """Return the first line of a constant whose value is a call."""
    flat = f"{constant}: Final{f'[{annotation}]' if annotation else ''} = {function}("
    if len(flat) <= width or not annotation:
        return flat
    return f"{constant}: Final[\n{INDENT}{annotation}\n] = {function}("


def from_import(module: str, names: Sequence[str], *, width: int = 88) -> str:
    """Return an import of `names`, with one per line if they do not fit on one."""
    flat = f"from {module} import {', '.join(names)}"
    if len(flat) <= width:
        return flat
    return f"from {module} import (\n" + "".join(f"{INDENT}{name},\n" for name in names) + ")"


def _escape(text: str, mark: str) -> str:
    """Escape the quotation mark and every character that is not printable."""
    if text.isprintable() and "\\" not in text and (not mark or mark not in text):
        return text
    return "".join(
        f"\\{character}" if character == mark else _escape_character(character)
        for character in text
    )


def _escape_character(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
