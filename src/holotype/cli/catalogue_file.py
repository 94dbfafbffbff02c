"""Changes a catalogue file in one step, and only to a valid one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from holotype.cli.output import fail


def read_catalogue_file(file: Path) -> str:
    """Return the text of a catalogue file with its line ends; exit if it is unreadable."""
    try:
        return file.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file} cannot be read: {error}; name the catalogue that is to be changed")


@dataclass(frozen=True, slots=True)
class Problem:
    """The generator's complaint about one value of a catalogue.

    Attributes:
        id: the entry; None outside the entries.
        pointer: the JSON pointer of the value in the file.
        told: what is wrong, what was expected and what to do.
    """

    id: str | None
    pointer: str
    told: str


def problems_of(file: Path, text: str) -> tuple[Problem, ...]:
    """Return the generator's complaints about a text that is to become a catalogue file."""
    with _beside(file, text) as temporary:
        answer = _validated(temporary, "--json")
    try:
        found = json.loads(answer.stdout)["problems"]
    except (ValueError, KeyError):
        fail(f"{file} is left as it was, since it cannot be validated:\n{answer.stderr.rstrip()}")
    return tuple(
        Problem(
            each["id"], each["pointer"], f"{each['found']}; {each['expected']}; {each['action']}"
        )
        for each in found
    )


def replace_catalogue_file(file: Path, text: str) -> None:
    """Write a catalogue if the generator finds no problem in it; otherwise exit without writing.

    The new text is validated under a temporary name beside the file, and then replaces it.
    """
    with _beside(file, text) as temporary:
        answer = _validated(temporary)
        if answer.returncode:
            told = (answer.stderr + answer.stdout).replace(str(temporary), str(file)).rstrip()
            fail(f"{file} is left as it was, since it would have problems:\n{told}")
        temporary.chmod(file.stat().st_mode & 0o777)
        temporary.replace(file)


@contextmanager
def _beside(file: Path, text: str) -> Iterator[Path]:
    """Write a text under a temporary name in the folder of a file, and clean up afterwards."""
    try:
        descriptor, name = tempfile.mkstemp(
            prefix=f".{file.stem}.", suffix=".json", dir=file.parent
        )
    except OSError as error:
        fail(f"{file} cannot be written: {error}")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(text.encode())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _validated(file: Path, *options: str) -> subprocess.CompletedProcess[str]:
    # -P: a folder named like one of the generator's packages must not shadow it.
    command = [sys.executable, "-P", "-m", "holotype_codegen", "validate", str(file), *options]
    return subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
