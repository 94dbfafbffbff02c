"""Changes a catalogue file atomically, and only to a valid catalogue."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from holotype.atomic_file import replace_file
from holotype.cli.output import fail
from holotype.errors import reason_of


def read_catalogue_file(file: Path) -> str:
    """Return the text of a catalogue file with its own line ends; exit if it is unreadable."""
    if file.exists() and not file.is_file():
        fail(f"{file} is not a regular file; name the catalogue that is to be changed")
    try:
        return file.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file} cannot be read: {reason_of(error)}; name the catalogue that is to be changed")


@dataclass(frozen=True, slots=True)
class CatalogueProblem:
    """A problem that the generator reports about one value of a catalogue.

    Attributes:
        id: the entry; None outside the entries.
        pointer: the JSON pointer of the value in the file.
        line: its line, counted from 1.
        column: its column, counted from 1.
        message: what is wrong, what was expected and what to do.
    """

    id: str | None
    pointer: str
    line: int
    column: int
    message: str


def problems_of(file: Path, text: str) -> tuple[CatalogueProblem, ...]:
    """Return the problems that the generator reports about the new text of a catalogue file."""
    with tempfile.TemporaryDirectory(prefix="holotype-") as folder:
        temporary = Path(folder) / "models.json"
        temporary.write_bytes(text.encode())
        # -P: a folder named like one of the generator's packages must not shadow it.
        command = [sys.executable, "-P", "-m", "holotype_codegen", "validate", str(temporary)]
        answer = subprocess.run([*command, "--json"], check=False, capture_output=True, text=True)  # noqa: S603
    try:
        found = json.loads(answer.stdout)["problems"]
    except (ValueError, KeyError):
        fail(f"{file} is left as it was, since it cannot be validated:\n{answer.stderr.rstrip()}")
    return tuple(
        CatalogueProblem(
            id=each["id"],
            pointer=each["pointer"],
            line=each["line"],
            column=each["column"],
            message=f"{each['found']}; {each['expected']}; {each['action']}",
        )
        for each in found
    )


def replace_catalogue_file(file: Path, text: str) -> None:
    """Write a catalogue if the generator finds no problem in it; otherwise exit without writing.

    Call it as the `sole_writer` of the file, holding the lock since the text was read.
    """
    problems = problems_of(file, text)
    if problems:
        lines = (
            f"{file}:{each.line}:{each.column}: {each.id or '-'}: {each.pointer or '/'}: "
            f"{each.message}"
            for each in problems
        )
        fail(f"{file} is left as it was, since it would have problems:\n" + "\n".join(lines))
    try:
        replace_file(file, text.encode())
    except OSError as error:
        fail(f"{file} cannot be written: {reason_of(error)}")
