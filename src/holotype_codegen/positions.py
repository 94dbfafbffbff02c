"""Positions in a JSON text: offsets of pointers, lines and columns of offsets."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property
from json import JSONDecoder

_SPACE = re.compile(r"[ \t\n\r]*")


def escape_token(key: str) -> str:
    """Return an object's key as one token of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


def unescape_token(token: str) -> str:
    """Return the object key that one token of a JSON pointer names."""
    return token.replace("~1", "/").replace("~0", "~")


def child_pointer(pointer: str, key: str | int) -> str:
    """Return the pointer of a member or element of the value at `pointer`."""
    return f"{pointer}/{escape_token(str(key))}"


class Lines:
    """Lines and columns of a text, both counted from 1; columns count characters."""

    def __init__(self, text: str) -> None:
        """Index `text` on first use."""
        self._text = text

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self._text))]

    def at(self, offset: int) -> tuple[int, int]:
        """Return line and column of a character offset."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


class Offsets:
    """Character offsets of the values and keys of a valid JSON text.

    Containers are scanned on demand and cached, so a few look-ups in a large file cost two runs of
    the C scanner, and further ones next to nothing.
    """

    def __init__(self, text: str) -> None:
        """Keep the text; scanning starts on demand."""
        self._text = text
        self._read = JSONDecoder().raw_decode
        self._opened: dict[int, dict[str, tuple[int, int]]] = {}

    def of_value(self, pointer: str) -> int:
        """Return the offset of the value at `pointer`, or of its container if absent."""
        return self._find(pointer)[1]

    def of_key(self, pointer: str) -> int:
        """Return the offset of the key at `pointer`, or of the value if it is not a member."""
        return self._find(pointer)[0]

    def _find(self, pointer: str) -> tuple[int, int]:
        key = value = self._skip_space(0)
        for token in pointer.split("/")[1:]:
            found = self._children(value).get(unescape_token(token))
            if found is None:
                return value, value
            key, value = found
        return key, value

    def _children(self, offset: int) -> dict[str, tuple[int, int]]:
        """Return offsets of key and value for each child of the container at `offset`."""
        if offset not in self._opened:
            opener = self._text[offset]
            if opener == "{":
                self._opened[offset] = self._members(offset)
            elif opener == "[":
                self._opened[offset] = self._elements(offset)
            else:
                self._opened[offset] = {}
        return self._opened[offset]

    def _members(self, offset: int) -> dict[str, tuple[int, int]]:
        children: dict[str, tuple[int, int]] = {}
        at = self._skip_space(offset + 1)
        while self._text[at] != "}":
            key_at = at
            key, at = self._read(self._text, at)
            value_at = self._skip_space(self._skip_space(at) + 1)
            children[key] = (key_at, value_at)
            at = self._after(value_at)
        return children

    def _elements(self, offset: int) -> dict[str, tuple[int, int]]:
        children: dict[str, tuple[int, int]] = {}
        at = self._skip_space(offset + 1)
        while self._text[at] != "]":
            children[str(len(children))] = (at, at)
            at = self._after(at)
        return children

    def _after(self, value_at: int) -> int:
        """Return the offset of the next child or of the end of the container."""
        at = self._skip_space(self._read(self._text, value_at)[1])
        return self._skip_space(at + 1) if self._text[at] == "," else at

    def _skip_space(self, at: int) -> int:
        match = _SPACE.match(self._text, at)
        return match.end() if match else at
