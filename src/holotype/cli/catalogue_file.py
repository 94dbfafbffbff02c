"""Changing a catalogue file: only into one without problems, and in one step."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from holotype.cli.output import fail


def read_catalogue_file(file: Path) -> str:
    """Return the text of a catalogue file, line ends as they are; exit where it is unreadable."""
    try:
        return file.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file} cannot be read: {error}; name the catalogue that is to be changed")


def replace_catalogue_file(file: Path, text: str) -> None:
    """Write a catalogue if the generator finds no problem in it; exit and leave it if it does.

    The new text is validated under a temporary name beside the file, and then takes its place.
    """
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
        problems = _problems(temporary)
        if problems is not None:
            told = problems.replace(str(temporary), str(file)).rstrip()
            fail(f"{file} is left as it was, since it would have problems:\n{told}")
        temporary.chmod(file.stat().st_mode & 0o777)
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


def _problems(file: Path) -> str | None:
    """Return what the generator says against a catalogue; None where it says nothing."""
    # -P: a folder named like one of the generator's packages must not take its place.
    command = [sys.executable, "-P", "-m", "holotype_codegen", "validate", str(file)]
    result = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
    return None if result.returncode == 0 else result.stderr + result.stdout
