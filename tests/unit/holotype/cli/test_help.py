"""The help of every command, and what a command that is not there is answered with."""

from __future__ import annotations

import re
from typing import Any

import pytest
import typer
from tests.unit.holotype.cli.command import run

from holotype.cli.app import make_app


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["lits"],
            "there is no command 'lits'; did you mean 'list' or 'alias'? there are list, show,",
        ),
        (["frobnicate"], "there is no command 'frobnicate'; there are list, show,"),
        (
            ["pool", "list"],
            "there is no command 'list'; there are status, load, unload, pin, unpin, reload",
        ),
        (
            ["deployment", "check"],
            "there is no command 'check'; there are validate, convert, plan, schema",
        ),
        (["alias", "lst"], "did you mean 'list' or 'set'? there are set, rollback, list, history"),
    ],
)
def test_a_command_that_is_not_there_is_answered_with_those_that_are(
    arguments: list[str], told: str
) -> None:
    answer = run(*arguments)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert told in " ".join(answer.stderr.split())


def _command_lines() -> list[list[str]]:
    """Return the words of every command."""
    found: list[list[str]] = []
    groups: list[tuple[list[str], Any]] = [([], typer.main.get_command(make_app()))]
    while groups:
        words, group = groups.pop()
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                groups.append(([*words, name], command))
            else:
                found.append([*words, name])
    return found


@pytest.mark.parametrize("words", _command_lines(), ids=" ".join)
def test_the_usage_names_each_argument_once_in_single_brackets(words: list[str]) -> None:
    usage = run(*words, "--help").stdout.partition("\n\n")[0]
    assert "[[" not in usage
    named = re.findall(r"[\[{]([A-Z]+)[\]}]", usage.replace("[OPTIONS]", ""))
    assert len(named) == len(set(named)), usage


def test_the_help_lists_each_command_once_under_its_heading() -> None:
    text = run("--help").stdout.partition("\nModels:")[2].partition("\n  Examples:")[0]
    listed = re.findall(r"^  ([a-z]+) +[A-Z]", text, re.MULTILINE)
    assert sorted(listed) == sorted(typer.main.get_command(make_app()).commands)  # type: ignore[attr-defined]
    assert re.findall(r"^(\w+):$", text, re.MULTILINE) == ["Files", "Servers", "Catalogues"]
