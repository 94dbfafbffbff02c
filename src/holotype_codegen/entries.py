"""Entries as the rules read them: values of the expected type, or None."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from holotype_codegen.positions import unescape_token
from holotype_codegen.schema import meant_kind

_NOTHING = object()
_POINTERS = 4_096
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")


@functools.lru_cache(_POINTERS)
def _tokens(pointer: str) -> tuple[str, ...]:
    """Return the names and positions on the way that a pointer describes."""
    return tuple(unescape_token(token) for token in pointer.split("/")[1:])


@dataclass(frozen=True, slots=True)
class Breach:
    """One breach of a rule.

    Attributes:
        pointer: JSON pointer from the top of the file.
        found: what is wrong.
        expected: what was expected.
        action: what to do.
        at_key: whether the key at the pointer is at fault, rather than the value.
    """

    pointer: str
    found: str
    expected: str
    action: str
    at_key: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of any shape, because the rules also run on entries that break the schema.

    Attributes:
        values: its contents in the file.
        pointer: its pointer from the top of the file.
    """

    values: Any
    pointer: str

    @property
    def id(self) -> str | None:
        """The id, if there is one."""
        return self.text("/id")

    @property
    def kind(self) -> str | None:
        """The kind of model, if stated; a near miss of a known kind counts as that kind."""
        kind = self.text("/type")
        return kind and (meant_kind(kind) or kind)

    def value(self, pointer: str) -> Any:
        """Return the value at a pointer within the entry; None if absent."""
        value = self._find(pointer)
        return None if value is _NOTHING else value

    def has(self, pointer: str) -> bool:
        """Return whether a pointer within the entry has a value, including null."""
        return self._find(pointer) is not _NOTHING

    def _find(self, pointer: str) -> Any:
        value = self.values
        for token in _tokens(pointer):
            if isinstance(value, dict):
                value = value.get(token, _NOTHING)
            elif isinstance(value, list) and _INDEX.fullmatch(token) and int(token) < len(value):
                value = value[int(token)]
            else:
                return _NOTHING
        return value

    def text(self, pointer: str) -> str | None:
        """Return the string at a pointer."""
        value = self.value(pointer)
        return value if isinstance(value, str) and value else None

    def count(self, pointer: str) -> int | None:
        """Return the positive whole number at a pointer."""
        value = self.value(pointer)
        return value if type(value) is int and value > 0 else None

    def flag(self, pointer: str) -> bool | None:
        """Return the boolean at a pointer."""
        value = self.value(pointer)
        return value if isinstance(value, bool) else None

    def texts(self, pointer: str) -> Iterator[tuple[str, str]]:
        """Yield the pointer and the text of each string in a list."""
        value = self.value(pointer)
        for n, item in enumerate(value if isinstance(value, list) else ()):
            if isinstance(item, str) and item:
                yield f"{pointer}/{n}", item

    def members(self, pointer: str) -> dict[str, Any]:
        """Return the members of the object at a pointer."""
        value = self.value(pointer)
        return value if isinstance(value, dict) else {}

    def breach(
        self, pointer: str, found: str, expected: str, action: str, *, at_key: bool = False
    ) -> Breach:
        """Return a breach at a pointer within the entry."""
        return Breach(self.pointer + pointer, found, expected, action, at_key)


@dataclass(frozen=True, slots=True)
class Entries:
    """All entries of a catalogue, and its sources by key; None if it lists none."""

    entries: tuple[Entry, ...]
    sources: dict[str, Any] | None

    @classmethod
    def of(cls, catalogue: Any) -> Entries:
        """Read a catalogue of any shape."""
        top = Entry(catalogue, "")
        models, sources = top.value("/models"), top.value("/sources")
        return cls(
            entries=tuple(
                Entry(values, f"/models/{n}")
                for n, values in enumerate(models if isinstance(models, list) else ())
            ),
            sources=sources if isinstance(sources, dict) else None,
        )
