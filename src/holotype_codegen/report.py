"""Problems of a catalogue: lines for people, JSON for machines, and one exception."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

_LONGEST_QUOTE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A problem of a catalogue.

    Attributes:
        file: the name of the catalogue's file.
        line: the line in the file, from 1.
        column: the column in that line, in characters, from 1.
        id: the id of the entry; None outside the entries, or if the entry has no id.
        pointer: the JSON pointer of the value in the file; empty for the file as a whole.
        found: what is wrong.
        expected: what was expected.
        action: what to do about it.
        rule: the name of the rule, keyword of the schema, ``"syntax"`` or ``"file"``.
    """

    file: str
    line: int
    column: int
    id: str | None
    pointer: str
    found: str
    expected: str
    action: str
    rule: str


class CatalogueError(Exception):
    """A catalogue has problems, so nothing was generated from it.

    Attributes:
        problems: all of them, in file order.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Keep the problems; the message lists all of them and counts them."""
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        """Return `format_text` and a line that counts the problems."""
        n_problems = len(self.problems)
        files = ", ".join(dict.fromkeys(problem.file for problem in self.problems))
        noun = "problem" if n_problems == 1 else "problems"
        return f"{format_text(self.problems)}\n{n_problems} {noun} in {files}"


def format_text(problems: Iterable[Problem]) -> str:
    """Return one line per problem.

    ``models.json:LINE:COLUMN: ID: /json/pointer: what is wrong; what was expected; what to do``.
    A problem outside the entries has ``-`` for its id, one of the whole file ``/`` for its pointer.
    """
    return "\n".join(
        f"{problem.file}:{problem.line}:{problem.column}: "
        f"{printable(problem.id or '-')}: {printable(problem.pointer or '/')}: "
        f"{problem.found}; {problem.expected}; {problem.action}"
        for problem in problems
    )


def format_json(problems: Sequence[Problem]) -> str:
    """Return ``{"problems": [...]}``, with one object per `Problem`."""
    return json.dumps({"problems": [asdict(problem) for problem in problems]}, indent=2)


def printable(text: str) -> str:
    """Return `text` with everything escaped that a terminal would not show literally."""
    return "".join(
        character if character.isprintable() else f"\\u{ord(character):04x}" for character in text
    )


def quote_json(value: object) -> str:
    """Return a JSON value as the file would have it, on one line, truncated if it is long."""
    text = printable(json.dumps(value, ensure_ascii=False))
    if len(text) <= _LONGEST_QUOTE:
        return text
    return f"{text[: _LONGEST_QUOTE - 1]}…"
