"""Runs the `holotype` command on the fixture catalogue, within the process of the test."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from typer.testing import CliRunner

from holotype.cli import output
from holotype.cli.app import make_app

FIXTURE = "tests.golden.small_models"


@dataclass(frozen=True)
class Answer:
    """What a run of the command gave."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def lines(self) -> list[list[str]]:
        """The fields of each line of stdout."""
        return [line.split("\t") for line in self.stdout.splitlines()]


def run(*arguments: str, catalogue: str = FIXTURE) -> Answer:
    result = CliRunner().invoke(
        make_app(), ["--catalogue", catalogue, *arguments], prog_name="holotype"
    )
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Answer(result.exit_code, result.stdout, result.stderr)


def headings(*arguments: str) -> list[str]:
    """Run a command on a terminal, and return its headings; below them it has the same rows."""
    plain = run(*arguments)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(output, "is_terminal", lambda: True)
        patch.setenv("NO_COLOR", "1")
        patch.setenv("COLUMNS", "40")
        first, *rows = run(*arguments).stdout.splitlines()
    short = re.sub(r"(sha256:.{12})[0-9a-f]{52}", r"\1...", plain.stdout)
    assert [row.split() for row in rows] == [row.split() for row in short.splitlines()]
    found = re.split(" {2,}", first)
    assert all(len(line) <= len(found) for line in plain.lines), found
    return found
