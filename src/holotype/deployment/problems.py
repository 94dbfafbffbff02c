"""Problems of a deployment: lines for people, JSON for machines, and one exception.

The lines and the JSON have the form of those that the generator reports of a catalogue; see
docs/decisions/0027-one-form-of-problems.md.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from holotype.errors import HolotypeError, one_line

if TYPE_CHECKING:
    from holotype.deployment.tree import Node

_LONGEST_QUOTE = 60
_MAX_PROBLEMS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A problem of a deployment.

    Attributes:
        file: the name of the file, or of the parameter.
        line: the line in it, from 1.
        column: the column in that line, in characters, from 1.
        id: the name of the model; None outside of the models.
        pointer: the JSON pointer of the value in the file; empty for the file as a whole.
        found: what is wrong.
        expected: what was expected.
        action: what to do about it.
        rule: the name of the rule, ``"syntax"`` or ``"file"``.
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


class DeploymentError(HolotypeError):
    """A deployment has problems, so nothing of it was taken.

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
        files = ", ".join(dict.fromkeys(one_line(problem.file) for problem in self.problems))
        noun = "problem" if n_problems == 1 else "problems"
        return f"{format_text(self.problems)}\n{n_problems} {noun} in {files}"


def format_text(problems: Iterable[Problem]) -> str:
    """Return one line per problem.

    ``FILE:LINE:COLUMN: MODEL: /json/pointer: what is wrong; what was expected; what to do``. A
    problem outside of the models has ``-`` for the model, one of the whole file ``/`` for its
    pointer.
    """
    return "\n".join(
        f"{one_line(problem.file)}:{problem.line}:{problem.column}: "
        f"{one_line(problem.id or '-')}: {one_line(problem.pointer or '/')}: "
        f"{problem.found}; {problem.expected}; {problem.action}"
        for problem in problems
    )


def format_json(problems: Sequence[Problem]) -> str:
    """Return ``{"problems": [...]}``, with one object per `Problem`."""
    return json.dumps({"problems": [asdict(problem) for problem in problems]}, indent=2)


class Report:
    """Collects the problems of one deployment."""

    def __init__(self) -> None:
        """Begin without problems."""
        self._found: list[tuple[Node, str, str, str, str]] = []

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All problems, each once, in the order of files, lines and columns."""
        files = list(dict.fromkeys(node.file for node, *_ in self._found))
        ordered = sorted(
            self._found,
            key=lambda each: (files.index(each[0].file), each[0].line, each[0].column),
        )
        return tuple(dict.fromkeys(_problem(*each) for each in ordered))

    def add(self, node: Node, found: str, expected: str, action: str, *, rule: str) -> None:
        """Add a problem of the value at a node; of a credential there is only one."""
        if node.is_credential and rule != "credentials":
            return
        if len(self._found) < _MAX_PROBLEMS:
            self._found.append((node, found, expected, action, rule))

    def raise_if_any(self) -> None:
        """Raise a `DeploymentError` if there is any problem."""
        if self._found:
            raise DeploymentError(self.problems)


def _problem(node: Node, found: str, expected: str, action: str, rule: str) -> Problem:
    return Problem(
        file=node.file,
        line=node.line,
        column=node.column,
        id=node.model,
        pointer=node.pointer,
        found=found,
        expected=expected,
        action=action,
        rule=rule,
    )


def quote(value: object) -> str:
    """Return a value as JSON has it, on one line, truncated if it is long."""
    text = one_line(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= _LONGEST_QUOTE else f"{text[: _LONGEST_QUOTE - 1]}…"


def join_quoted(names: Iterable[object]) -> str:
    """Return quoted names, separated by commas."""
    return ", ".join(quote(name) for name in names)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that `name` was most likely meant to be."""
    names = {_plain(candidate): candidate for candidate in known}
    if _plain(name) in names:
        return names[_plain(name)]
    near = difflib.get_close_matches(_plain(name)[:100], names, n=1, cutoff=0.7)
    return names[near[0]] if near else None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def refuse_credentials(node: Node, found: str, report: Report) -> None:
    """Report a credential, whose value is never shown."""
    report.add(
        node,
        found,
        "expected no credentials: deployments are kept in repositories, stores and logs",
        "delete it, revoke it if it is real, and give it to the store's own client: HF_TOKEN, the "
        "AWS credentials, GOOGLE_APPLICATION_CREDENTIALS",
        rule="credentials",
    )
