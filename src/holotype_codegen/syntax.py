"""The strict JSON reader: finds every fault of a text, with its position.

Python's own reader is quick, but it stops at the first fault and accepts duplicate keys, NaN,
numbers that lose digits, and lone surrogates. This reader is slow, and runs only if the quick one
fails or something in the text looks suspicious.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from holotype_codegen.characters import literal_faults
from holotype_codegen.positions import Lines, child_pointer
from holotype_codegen.report import Problem, quote_json
from holotype_codegen.scalars import NUMBER_LIKE, WORD, ScalarFault, number_fault, word_fault

MAX_DEPTH = 32
"""The deepest allowed nesting of objects and lists; a catalogue needs 5."""

_MAX_PROBLEMS = 1_000
_BYTE_ORDER_MARK = "\ufeff"

_SPACE = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"(?:[^"\\\n\r]++|\\[^\n\r])*+"')
_GOOD_ESCAPES = re.compile(r'(?:[^\\]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+')
_ENTRY_ID = re.compile(r"(/models/[0-9]+)/id")
_IN_ENTRY = re.compile(r"/models/[0-9]+")


class _Unreadable(Exception):  # noqa: N818 - not an error of the caller's, but the end of a scan
    """The rest of the text cannot be read."""


@dataclass(slots=True)
class _Container:
    """An object or list whose reading is in progress."""

    opener: str
    offset: int
    pointer: str
    keys: dict[str, int] = field(default_factory=dict)
    n_children: int = 0


@dataclass(slots=True)
class _Found:
    """A problem whose entry's id is not known yet."""

    offset: int
    pointer: str
    found: str
    expected: str
    action: str


def find_syntax_problems(text: str, file: str) -> tuple[Problem, ...]:
    """Return every fault of a JSON text, in file order; empty if the text is strict JSON.

    A fault that makes the rest unreadable is the last one.
    """
    scanner = _Scanner(text)
    scanner.run()
    lines = Lines(text)
    problems = []
    for found in sorted(scanner.found, key=lambda found: found.offset):
        line, column = lines.at(found.offset)
        entry = _IN_ENTRY.match(found.pointer)
        problems.append(
            Problem(
                file=file,
                line=line,
                column=column,
                id=scanner.ids.get(entry.group()) if entry else None,
                pointer=found.pointer,
                found=found.found,
                expected=found.expected,
                action=found.action,
                rule="syntax",
            )
        )
    return tuple(problems)


class _Scanner:
    """Reads one text, with a list as its stack, because deep nesting could exhaust recursion."""

    def __init__(self, text: str) -> None:
        self.found: list[_Found] = []
        self.ids: dict[str, str] = {}
        self._text = text
        self._at = 0
        self._stack: list[_Container] = []
        self._lines = Lines(text)

    def run(self) -> None:
        """Read the text to its end, or to the point where it becomes unreadable."""
        try:
            self._read_start()
            self._read_value("")
            while self._stack:
                self._read_child(self._stack[-1])
            if not self._at_end():
                self._stop(
                    "something follows the end of the catalogue",
                    "expected one object, and nothing after it",
                    "delete what follows, or look for an extra closing brace",
                )
        except _Unreadable:
            return

    def _read_start(self) -> None:
        if self._text.startswith(_BYTE_ORDER_MARK):
            self._add(
                0,
                "the file begins with a byte order mark",
                "expected UTF-8 without one",
                "save the file as UTF-8 without BOM",
            )
            self._at = 1
        if self._at_end():
            self._at = 0
            self._stop(
                "the file is empty",
                "expected an object with version, sources and models",
                'start with {"version": "1", "sources": {}, "models": []}',
            )

    def _read_child(self, container: _Container) -> None:
        """Read one member or element with its preceding separator, or the end."""
        closer = "}" if container.opener == "{" else "]"
        if self._at_end():
            self._stop_cut_off()
        if self._text[self._at] == closer:
            self._close()
            return
        if container.n_children:
            comma_at = self._at
            self._read_comma(closer)
            if not self._at_end() and self._text[self._at] == closer:
                self._add(
                    comma_at,
                    f"there is a comma before the closing {closer}",
                    "expected no comma after the last value",
                    "delete the comma",
                )
                self._close()
                return
        if container.opener == "{":
            pointer = self._read_key(container)
        else:
            pointer = child_pointer(container.pointer, container.n_children)
        container.n_children += 1
        self._read_value(pointer)

    def _close(self) -> None:
        self._at += 1
        self._stack.pop()

    def _read_comma(self, closer: str) -> None:
        if self._text[self._at] != ",":
            self._stop(
                f"found {self._next_shown()} after the end of a value",
                f"expected a comma or the closing {closer}",
                "put a comma between the values",
            )
        self._at += 1

    def _read_key(self, container: _Container) -> str:
        """Read a key and its colon; return the pointer of the value."""
        if self._at_end():
            self._stop_cut_off()
        key_at = self._at
        if self._text[key_at] != '"':
            self._stop(
                f"found {self._next_shown()} instead of a key",
                "expected a key in double quotes",
                "write the key in double quotes",
            )
        key = self._read_string(container.pointer)
        pointer = child_pointer(container.pointer, key)
        if key in container.keys:
            line = self._lines.at(container.keys[key])[0]
            self._add(
                key_at,
                f"the key {quote_json(key)} occurs twice in one object, first at line {line}",
                "expected each key once: JSON readers silently keep one of the two",
                "delete one of them",
                pointer,
            )
        container.keys.setdefault(key, key_at)
        if self._at_end():
            self._stop_cut_off()
        if self._text[self._at] != ":":
            self._stop(
                f"{self._next_shown()} follows the key {quote_json(key)}",
                "expected a colon",
                "put a colon and a value after the key",
            )
        self._at += 1
        return pointer

    def _read_value(self, pointer: str) -> None:
        if self._at_end():
            self._stop_cut_off()
        character = self._text[self._at]
        if character in "{[":
            self._open(character, pointer)
        elif character == '"':
            value = self._read_string(pointer)
            entry = _ENTRY_ID.fullmatch(pointer)
            if entry:
                self.ids.setdefault(entry.group(1), value)
        elif word := WORD.match(self._text, self._at):
            self._read_word(word.group(), pointer)
        elif number := NUMBER_LIKE.match(self._text, self._at):
            self._read_number(number.group(), pointer)
        else:
            self._stop_at_no_value()

    def _open(self, opener: str, pointer: str) -> None:
        if len(self._stack) == MAX_DEPTH:
            self._stop(
                f"objects and lists are nested more than {MAX_DEPTH} deep",
                "expected a catalogue, which is 5 deep",
                "look for brackets that never close",
            )
        self._stack.append(_Container(opener, self._at, pointer))
        self._at += 1

    def _read_string(self, pointer: str) -> str:
        match = _STRING.match(self._text, self._at)
        if match is None:
            self._stop(
                "a string is not closed on its line",
                "expected a closing double quote",
                r"close the string; write \n for a line break in it",
            )
        literal = match.group()
        for fault in literal_faults(literal):
            self._add(self._at + fault.offset, fault.found, fault.expected, fault.action, pointer)
        self._at = match.end()
        if _GOOD_ESCAPES.fullmatch(literal) is None:
            return literal[1:-1]
        return str(json.loads(literal, strict=False))

    def _read_word(self, word: str, pointer: str) -> None:
        self._add_fault(word_fault(word), pointer)
        self._at += len(word)

    def _read_number(self, written: str, pointer: str) -> None:
        self._add_fault(number_fault(written), pointer)
        self._at += len(written)

    def _add_fault(self, fault: ScalarFault | None, pointer: str) -> None:
        if fault is not None:
            self._add(self._at, *fault, pointer)

    def _stop_at_no_value(self) -> NoReturn:
        character = self._text[self._at]
        if character == "'":
            action = "write text in double quotes"
        elif character in "/#":
            action = "delete the comment: JSON does not allow comments"
        else:
            action = "write a value, or delete the comma or key before it"
        self._stop(
            f"found {self._next_shown()} instead of a value",
            "expected a string, number, object, list, true, false or null",
            action,
        )

    def _stop_cut_off(self) -> NoReturn:
        openers: Sequence[_Container] = self._stack[-1:]
        within = "before its value"
        if openers:
            line, column = self._lines.at(openers[0].offset)
            noun = "object" if openers[0].opener == "{" else "list"
            within = f"inside the {noun} that begins at line {line}, column {column}"
        self._stop(
            f"the file ends {within}",
            "expected the rest of the file",
            "restore the end of the file, or close what is still open",
        )

    def _stop(self, found: str, expected: str, action: str) -> NoReturn:
        pointer = self._stack[-1].pointer if self._stack else ""
        self._add(self._at, found, expected, action, pointer)
        raise _Unreadable

    def _add(self, offset: int, found: str, expected: str, action: str, pointer: str = "") -> None:
        if len(self.found) == _MAX_PROBLEMS:
            raise _Unreadable
        self.found.append(_Found(offset, pointer, found, expected, action))

    def _next_shown(self) -> str:
        return quote_json(self._text[self._at])

    def _at_end(self) -> bool:
        """Skip whitespace; return whether the text ends there."""
        match = _SPACE.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return self._at == len(self._text)
