"""Formats the values of records: short for terminals, exact for programs."""

from __future__ import annotations

import json

from holotype.records import ModelInfo, Variant

UNKNOWN = "-"
"""The text for an unknown value."""

_KNOWN_WHEN_EMPTY = ("skiplist", "image_crop", "aliases")

_SCALES = ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "K"))


def short_count(number: int) -> str:
    """Return a large number in at most two or three digits: 109482240 → ``109M``."""
    for size, letter in _SCALES:
        # A number that rounds up to the next scale belongs to it: 999,600 is 1M, not 1000K.
        if number >= size * 0.9995:
            scaled = number / size
            return f"{scaled:.0f}{letter}" if scaled >= 9.95 else f"{scaled:.1f}{letter}"
    return str(number)


def group_thousands(number: int) -> str:
    """Return a number with commas from ten thousand on: ``8192`` and ``32,768``."""
    return f"{number:,}" if number >= 10_000 else str(number)


def exact(name: str, value: object) -> str:
    """Return the value of a field for programs: complete, on one line.

    A prompt that is known to be empty is an empty text; an unknown value is `UNKNOWN`.
    """
    return _exact(value) if is_known(name, value) else UNKNOWN


def readable(name: str, value: object) -> str:
    """Return the value of a known field for people.

    Args:
        name: the field.
        value: its value, for which `is_known` is True.
    """
    if name.endswith(("prompt", "_marker", "_suffix")):
        # In quotes, because a trailing space matters.
        return json.dumps(value, ensure_ascii=False) if value else "none"
    if name == "matryoshka_range" and isinstance(value, tuple):
        return " to ".join(map(_exact, value))
    if isinstance(value, tuple):
        return ", ".join(map(_exact, value)) or "none"
    if isinstance(value, int) and not isinstance(value, bool):
        return group_thousands(value)
    return _exact(value)


def is_known(name: str, value: object) -> bool:
    """Return whether a field has a value; an empty tuple is one only in `_KNOWN_WHEN_EMPTY`."""
    return value is not None and (value != () or name in _KNOWN_WHEN_EMPTY)


def dimensions(record: ModelInfo) -> str:
    """Return a model's vector sizes: ``768``, or ``64–768`` if they can be truncated."""
    if record.embedding_dim is None:
        return UNKNOWN
    if record.smallest_dim == record.embedding_dim:
        return str(record.embedding_dim)
    return f"{record.smallest_dim}–{record.embedding_dim}"


def languages(record: ModelInfo) -> str:
    """Return up to three language tags, or the number of languages."""
    if len(record.languages) > 3:
        return f"{len(record.languages)} languages"
    return ", ".join(record.languages) or UNKNOWN


def score(fraction: float | None) -> str:
    """Return a score, a fraction from 0 to 1, with three digits: ``0.533``."""
    return UNKNOWN if fraction is None else f"{fraction:.3f}"


def _exact(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Variant):
        parts = (value.id, value.quantization, value.huggingface_id, value.file)
        return " ".join(part for part in parts if part)
    if isinstance(value, tuple):
        return ",".join(map(_exact, value))
    return _one_line(str(value))


def _one_line(text: str) -> str:
    escapes = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
    return "".join(
        escapes.get(character)
        or (character if character.isprintable() else f"\\u{ord(character):04x}")
        for character in text
    )
