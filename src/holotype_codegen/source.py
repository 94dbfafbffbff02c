"""A catalogue file: its values, and the line and column of every JSON pointer."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from functools import cached_property
from pathlib import Path
from typing import Any

from holotype_codegen.characters import may_be_refused
from holotype_codegen.positions import Lines, Offsets
from holotype_codegen.report import CatalogueError, Problem
from holotype_codegen.scalars import is_exact
from holotype_codegen.syntax import MAX_DEPTH, find_syntax_problems

MAX_BYTES = 64 * 2**20
"""The largest readable file; a catalogue of 10,000 models has about 20 MiB."""


class CatalogueSource:
    """The contents of a catalogue file: strict JSON, not yet validated.

    Attributes:
        file: the file name in reported problems.
        data: the bytes of the file.
        text: the same as text.
        value: the parsed JSON; an object in a valid catalogue.
        sha256: the digest of the bytes, in hexadecimal.
    """

    def __init__(self, file: str, data: bytes, text: str, value: Any) -> None:
        """Keep the contents; positions are computed on demand."""
        self.file = file
        self.data = data
        self.text = text
        self.value = value
        self.sha256 = hashlib.sha256(data).hexdigest()

    def locate(self, pointer: str) -> tuple[int, int]:
        """Return line and column, from 1, of a value, or of its container if absent."""
        return self._lines.at(self._offsets.of_value(pointer))

    def locate_key(self, pointer: str) -> tuple[int, int]:
        """Return line and column, from 1, of the key of a member."""
        return self._lines.at(self._offsets.of_key(pointer))

    @cached_property
    def _lines(self) -> Lines:
        return Lines(self.text)

    @cached_property
    def _offsets(self) -> Offsets:
        return Offsets(self.text)


def read_source(path: Path) -> CatalogueSource:
    """Read a catalogue file.

    Raises:
        CatalogueError: the file cannot be read, or is not strict JSON.
    """
    file = shown_path(path)
    try:
        status = path.stat()
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
            # Reading a pipe may wait for ever, and a device may never end.
            raise _file_error(file, "this is a pipe or a device", "a regular file")
        if status.st_size > MAX_BYTES:
            found = f"the file has {status.st_size:,} bytes"
            raise _file_error(file, found, f"at most {MAX_BYTES:,}")
        data = path.read_bytes()
    except FileNotFoundError:
        raise _file_error(file, "there is no such file", "a catalogue") from None
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        what = f"the file cannot be read: {getattr(error, 'strerror', None) or error}"
        raise _file_error(file, what, "a file that can be read") from None
    return parse_source(data, file)


def shown_path(path: Path) -> str:
    """Return a path relative to the working directory if inside it."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive
        return str(path)
    return str(path) if relative.startswith("..") else Path(relative).as_posix()


def parse_source(data: bytes, file: str = "models.json") -> CatalogueSource:
    """Read a catalogue from the bytes of its file.

    Raises:
        CatalogueError: it is not strict JSON; the error lists every fault.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CatalogueError([_undecodable(data, error, file)]) from None
    try:
        value, suspicious = _quick_read(text)
    except (ValueError, RecursionError):
        suspicious = True
        value = None
    if suspicious:
        problems = find_syntax_problems(text, file)
        if problems:
            raise CatalogueError(problems)
        value = json.loads(text)
    return CatalogueSource(file, data, text, value)


def _quick_read(text: str) -> tuple[Any, bool]:
    """Return the values, and whether the strict reader must look at the text.

    Raises:
        ValueError: Python's own reader fails.
    """
    suspicious = may_be_refused(text)

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal suspicious
        values = dict(pairs)
        if len(values) != len(pairs):
            suspicious = True
        return values

    def number(written: str) -> int | float:
        nonlocal suspicious
        if not is_exact(written):
            suspicious = True
            return 0
        return int(written) if written.lstrip("-").isdigit() else float(written)

    def constant(name: str) -> None:
        nonlocal suspicious
        suspicious = True

    value = json.loads(
        text,
        object_pairs_hook=members,
        parse_int=number,
        parse_float=number,
        parse_constant=constant,
    )
    return value, suspicious or _is_deep(value)


def _is_deep(value: object) -> bool:
    """Return whether objects and lists are nested deeper than the strict reader allows."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for container in level
            if isinstance(container, dict | list)
            for child in (container.values() if isinstance(container, dict) else container)
        ]
    return any(isinstance(value, dict | list) for value in level)


def _file_error(file: str, found: str, expected: str) -> CatalogueError:
    action = "check the path, or the working directory"
    return CatalogueError([_problem(file, 1, 1, found, f"expected {expected}", action, "file")])


def _undecodable(data: bytes, error: UnicodeDecodeError, file: str) -> Problem:
    before = data[: error.start].decode("utf-8")
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    found = f"the byte 0x{data[error.start]:02x} is not UTF-8"
    action = "save the file as UTF-8"
    return _problem(file, line, column, found, "expected UTF-8", action, "syntax")


def _problem(
    file: str, line: int, column: int, found: str, expected: str, action: str, rule: str
) -> Problem:
    return Problem(
        file=file,
        line=line,
        column=column,
        id=None,
        pointer="",
        found=found,
        expected=expected,
        action=action,
        rule=rule,
    )
