"""`holotype validate` and `holotype generate`: run holotype_codegen.

The generator is a separate package that the runtime never imports. It runs in its own process,
whose output and exit code become those of the command.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

_Source = Annotated[Path, typer.Argument(metavar="FILE", help="The catalogue.")]


def validate(
    file: _Source = Path("models.json"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the problems as JSON.")] = False,
) -> None:
    """Report every problem of a catalogue, each with its line.

    The exit code is 1 if there are problems. Needs the extra codegen.
    """
    _hand_over("validate", str(file), *(["--json"] if as_json else []))


def generate(
    file: _Source = Path("models.json"),
    output: Annotated[
        Path | None,
        typer.Option(metavar="MODULE", help="The module to write, such as src/acme/models.py."),
    ] = None,
    line_length: Annotated[
        int | None, typer.Option(min=1, metavar="COLUMNS", help="Longest line of the module.")
    ] = None,
    stdout: Annotated[
        bool, typer.Option("--stdout", help="Print the module, write nothing.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only say whether module and stub are stale.")
    ] = False,
) -> None:
    """Write the typed module of a catalogue, and beside it the stub that type checkers read.

    Nothing is written if the catalogue has problems. The exit code is then 1, as it is if --check
    finds a stale file. Needs the extra codegen.
    """
    if output is None and not stdout:
        raise typer.BadParameter("give --output MODULE, or --stdout", param_hint="--output")
    if stdout and check:
        raise typer.BadParameter("give --stdout or --check, not both")
    arguments = [str(file)]
    if output is not None:
        arguments += ["--output", str(output)]
    if line_length is not None:
        arguments += ["--line-length", str(line_length)]
    arguments += ["--stdout"] if stdout else []
    arguments += ["--check"] if check else []
    _hand_over("generate", *arguments)


def _hand_over(*arguments: str) -> NoReturn:
    # -P: a folder named like one of the generator's packages must not shadow it.
    command = [sys.executable, "-P", "-m", "holotype_codegen", *arguments]
    raise typer.Exit(subprocess.run(command, check=False).returncode)  # noqa: S603
