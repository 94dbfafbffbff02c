"""The catalogue as text: JSON that reads well and differs in few lines when a fact changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_WIDTH = 100
_INDENT = 2


def dump(value: Any, depth: int = 0, room: int = 0) -> str:
    """Return JSON with an indent of two; a list of plain values stands on one line if it fits.

    Args:
        value: what to write.
        depth: how deep it stands.
        room: characters that its line already holds.
    """
    inner, outer = " " * _INDENT * (depth + 1), " " * _INDENT * depth
    if isinstance(value, dict) and value:
        members = (_member(inner, key, item, depth) for key, item in value.items())
        return "{\n" + ",\n".join(members) + f"\n{outer}}}"
    if isinstance(value, list) and value:
        flat = json.dumps(value, ensure_ascii=False)
        plain = not any(isinstance(item, dict | list) for item in value)
        if plain and room + len(flat) < _WIDTH:
            return flat
        items = (inner + dump(item, depth + 1, len(inner)) for item in value)
        return "[\n" + (_wrapped(value, inner) if plain else ",\n".join(items)) + f"\n{outer}]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def write(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old one or the new one, never a part."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(text, "utf-8")
    temporary.replace(path)


def _member(inner: str, key: str, item: Any, depth: int) -> str:
    start = f"{inner}{json.dumps(key, ensure_ascii=False)}: "
    return start + dump(item, depth + 1, len(start))


def _wrapped(values: list[Any], inner: str) -> str:
    """Return plain values in lines that are filled up to the width."""
    lines = [inner]
    for value in values:
        text = json.dumps(value, ensure_ascii=False)
        if len(lines[-1]) + len(text) + 2 > _WIDTH and lines[-1] != inner:
            lines.append(inner)
        lines[-1] += f"{text}, "
    return "\n".join(line.rstrip() for line in lines).removesuffix(",")
