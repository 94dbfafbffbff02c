"""Runs the `holotype` command on the fixture catalogue, within the process of the test."""

from __future__ import annotations

from dataclasses import dataclass

from typer.testing import CliRunner

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
