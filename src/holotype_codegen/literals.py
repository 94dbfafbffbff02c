"""Python literals, laid out as the formatter would lay them out.

Every value that reaches a generated module passes through `literal`, so that no value can break out of its
quotes. What fits on a line stays on it; what does not is written one item a line with a trailing comma,
which formatters leave alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

INDENT = "    "

_LOOSE_QUOTE = re.compile(r'"(?="|\Z)')
"""A quote that would run into another one, or into the end of a docstring."""

_BACKSLASHED_QUOTE = r"\\" + '"'

_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True, slots=True)
class Name:
    """A name that is written as it is: an enum member or a constant."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call with keyword arguments."""

    function: str
    arguments: Mapping[str, object]


def literal(value: object, *, indent: int = 0, before: int = 0, width: int = 88) -> str:
    """Return the Python expression for a value.

    Args:
        value: None, a bool, int, float or str, a sequence of values, a `Name` or a `Call`.
        indent: columns before the first character of the line that the expression stands on.
        before: columns of that line that are taken before and after the expression.
        width: the longest line that is wanted.

    Raises:
        TypeError: the value has no literal.
    """
    flat = _flat(value)
    if columns(flat) + indent + before <= width or not isinstance(value, (Call, Sequence)):
        return flat
    if isinstance(value, str) or not value:
        return flat
    return _explode(value, indent, width)


def _flat(value: object) -> str:
    match value:
        case None | bool() | float():
            return repr(value)
        case int():
            return f"{value:_}" if abs(value) >= 10_000 else str(value)
        case str():
            return quote(value)
        case Name(text):
            return text
        case Call(function, arguments):
            inner = ", ".join(f"{name}={_flat(item)}" for name, item in arguments.items())
            return f"{function}({inner})"
        case Sequence():
            inner = ", ".join(_flat(item) for item in value)
            return f"({inner},)" if len(value) == 1 else f"({inner})"
        case _:
            raise TypeError(f"no Python literal for {type(value).__name__}: {value!r}")


def _explode(value: Call | Sequence[object], indent: int, width: int) -> str:
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


def subscript(name: str, items: Sequence[str], *, before: int = 0, width: int = 88) -> str:
    """Return `name[items]`, one item a line where it does not fit.

    Args:
        name: what is subscripted.
        items: expressions, already rendered.
        before: columns of the line that come before the expression.
        width: the longest line that is wanted.
    """
    flat = f"{name}[{', '.join(items)}]"
    if before + columns(flat) <= width:
        return flat
    comma = "," if len(items) > 1 else ""
    return f"{name}[\n" + ",\n".join(f"{INDENT}{item}" for item in items) + f"{comma}\n]"


def assignment(target: str, value: str, *, width: int = 88) -> str:
    """Return `target = value`, with the value in parentheses where that makes it fit."""
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
    """Return the first line of a constant that is made by a call."""
    flat = f"{constant}: Final{f'[{annotation}]' if annotation else ''} = {function}("
    if len(flat) <= width or not annotation:
        return flat
    return f"{constant}: Final[\n{INDENT}{annotation}\n] = {function}("


def from_import(module: str, names: Sequence[str], *, width: int = 88) -> str:
    """Return an import of `names`, one a line where they do not fit."""
    flat = f"from {module} import {', '.join(names)}"
    if len(flat) <= width:
        return flat
    return f"from {module} import (\n" + "".join(f"{INDENT}{name},\n" for name in names) + ")"


def _escape(text: str, mark: str) -> str:
    """Return the text with escapes for the quotation mark and for all that is not printable."""
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
