"""Generates the module from a `models.json`: validate, render, write atomically."""

from __future__ import annotations

from pathlib import Path

from holotype_codegen.atomic_file import replace_file
from holotype_codegen.render import HEADER, LINE_LENGTH, Origin, render
from holotype_codegen.validate import load_catalogue


class OutputError(Exception):
    """The module cannot be written to its path; the message says why and what to do."""


def generate(source: Path, output: Path, *, root: Path, line_length: int = LINE_LENGTH) -> bool:
    """Write the module for a catalogue.

    Args:
        source: the `models.json`.
        output: the module to write; it is replaced atomically or left alone.
        root: the folder that the header's paths are relative to.
        line_length: the longest line of the module, in columns.

    Returns:
        Whether the module changed.

    Raises:
        CatalogueError: the catalogue has problems; the error lists all of them.
        OutputError: the file at `output` was not generated, or cannot be written.
    """
    text = module_text(source, output, root=root, line_length=line_length)
    if is_current(output, text):
        return False
    try:
        _refuse_hand_written(output)
        output.parent.mkdir(parents=True, exist_ok=True)
        replace_file(output, text.encode())
    except OSError as error:
        raise OutputError(f"{output} cannot be written: {error.strerror or error}") from error
    return True


def module_text(source: Path, output: Path, *, root: Path, line_length: int = LINE_LENGTH) -> str:
    """Return the text of the module for a catalogue; the arguments are those of `generate`.

    Raises:
        CatalogueError: the catalogue has problems; the error lists all of them.
    """
    catalogue = load_catalogue(source)
    source_name, output_name = _shown(source, root), _shown(output, root)
    command = f"python -m holotype_codegen generate {source_name} --output {output_name}"
    if line_length != LINE_LENGTH:
        command += f" --line-length {line_length}"
    origin = Origin(file=source_name, digest=catalogue.sha256, command=command)
    return render(catalogue.value, origin, line_length=line_length)


def is_current(output: Path, text: str) -> bool:
    """Return whether the module file exists and has exactly this text."""
    return output.is_file() and output.read_bytes() == text.encode()


def _refuse_hand_written(output: Path) -> None:
    """Refuse to overwrite a file that was not generated, as its header would show.

    Raises:
        OutputError: the file has contents, but no header of a generated module.
    """
    if not output.is_file():
        return
    with output.open("rb") as file:
        beginning = file.read(len(HEADER))
    if beginning and beginning != HEADER.encode():
        raise OutputError(
            f"{output} was not generated, so it is not overwritten: its first line does not "
            f"begin with {HEADER!r}; choose another output, or delete the file"
        )


def _shown(path: Path, root: Path) -> str:
    """Return the path as the header shows it: relative to the root if inside it."""
    resolved, top = path.resolve(), root.resolve()
    return resolved.relative_to(top).as_posix() if resolved.is_relative_to(top) else path.name
