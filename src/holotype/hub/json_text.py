"""Edit single values of a JSON text, and keep every other character."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, TypeAlias

Path: TypeAlias = Sequence[str | int]

_SPACE = re.compile(r"[ \t\r\n]*")
_UNIT = re.compile(r"\n([ \t]+)\S")
_DECODER = json.JSONDecoder()


def find(text: str, path: Path) -> tuple[int, int] | None:
    """Return the start and end of the value at a path; None if there is none."""
    start = _after_space(text, 0)
    for step in path:
        children = _children(text, start)
        found = [begin for key, _, begin, _ in children if key == step]
        if not found:
            return None
        start = found[-1]
    return start, _end(text, start)


def replace(text: str, path: Path, value: object) -> str:
    """Replace the value at a path, which must exist.

    Raises:
        KeyError: there is nothing at the path.
    """
    span = find(text, path)
    if span is None:
        raise KeyError(path)
    begin, end = span
    return text[:begin] + _dumped(text, value, _indent_at(text, begin)) + text[end:]


def insert_member(
    text: str, path: Path, key: str, value: object, *, before: Sequence[str] = ()
) -> str:
    """Insert a member into the object at a path.

    Args:
        text: the JSON text.
        path: the path of the object, which must exist.
        key: the name of the member.
        value: its value.
        before: insert the member before the first of these that the object has, or else at its
            end.

    Raises:
        KeyError: there is nothing at the path.
    """
    span = find(text, path)
    if span is None:
        raise KeyError(path)
    children = _children(text, span[0])
    name = json.dumps(key, ensure_ascii=False)
    if not children:
        outer = _indent_at(text, span[0])
        inner = outer + _unit(text)
        member = f"{name}: {_dumped(text, value, inner)}"
        return f"{text[: span[0]]}{{\n{inner}{member}\n{outer}}}{text[span[1] :]}"
    gap = _gap(text, span[0], children)
    indent = gap.rpartition("\n")[2] if "\n" in gap else _indent_at(text, span[0])
    member = f"{name}: {_dumped(text, value, indent)}"
    following = [begin for known, begin, _, _ in children if known in before]
    if following:
        at = following[0]
        return f"{text[:at]}{member},{gap or ' '}{text[at:]}"
    at = children[-1][3]
    return f"{text[:at]},{gap or ' '}{member}{text[at:]}"


def insert_item(text: str, path: Path, at: int, value: object) -> str:
    """Insert an item into the list at a path, which must not be empty.

    Raises:
        KeyError: there is no list with items at the path.
    """
    span = find(text, path)
    children = _children(text, span[0]) if span else []
    if span is None or not children:
        raise KeyError(path)
    gap = _gap(text, span[0], children)
    indent = gap.rpartition("\n")[2]
    item = _dumped(text, value, indent)
    if at < len(children):
        begin = children[at][1]
        return f"{text[:begin]}{item},{gap or ' '}{text[begin:]}"
    end = children[-1][3]
    return f"{text[:end]},{gap or ' '}{item}{text[end:]}"


def _children(text: str, start: int) -> list[tuple[str | int, int, int, int]]:
    """Return each child's key, its start, and the start and end of its value."""
    if text[start] not in "{[":
        return []
    is_object = text[start] == "{"
    at = _after_space(text, start + 1)
    children: list[tuple[str | int, int, int, int]] = []
    while text[at] not in "}]":
        first = at
        key: Any = len(children)
        if is_object:
            key, at = _DECODER.raw_decode(text, at)
            at = _after_space(text, _after_space(text, at) + 1)
        end = _end(text, at)
        children.append((key, first, at, end))
        at = _after_space(text, end)
        if text[at] == ",":
            at = _after_space(text, at + 1)
    return children


def _end(text: str, start: int) -> int:
    return int(_DECODER.raw_decode(text, start)[1])


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _gap(text: str, start: int, children: Sequence[tuple[str | int, int, int, int]]) -> str:
    """Return the space before the first child, to reuse before a new one."""
    return text[start + 1 : children[0][1]]


def _indent_at(text: str, at: int) -> str:
    line = text[text.rfind("\n", 0, at) + 1 : at]
    match = _SPACE.match(line)
    return match[0] if match else ""


def _unit(text: str) -> str:
    match = _UNIT.search(text)
    return match[1] if match else "  "


def _dumped(text: str, value: object, indent: str) -> str:
    unit = _unit(text)
    dumped = json.dumps(value, indent=unit, ensure_ascii=False)
    newline = "\r\n" if "\r\n" in text else "\n"
    return dumped.replace("\n", newline + indent)
