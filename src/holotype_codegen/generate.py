"""Generates the module and its stub from a `models.json`: validate, render, write atomically."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from holotype_codegen.atomic_file import writing_file
from holotype_codegen.render import HEADER, LINE_LENGTH, Origin, render
from holotype_codegen.validate import load_catalogue


class OutputError(Exception):
    """The module cannot be written to its path; the message says why and what to do."""


def generate(source: Path, output: Path, *, root: Path, line_length: int = LINE_LENGTH) -> bool:
    """Write the module for a catalogue, and beside it the stub that type checkers read.

    Args:
        source: the `models.json`.
        output: the module to write, a path that ends in `.py`; its stub ends in `.pyi`. Both are
            replaced, or both are left alone.
        root: the folder that the header's paths are relative to.
        line_length: the longest line of the files, in columns.

    Returns:
        Whether a file changed.

    Raises:
        CatalogueError: the catalogue has problems; the error lists all of them.
        OutputError: the file at `output` or its stub was not generated, or cannot be written; or
            `output` does not end in `.py`.
    """
    texts = generated_texts(source, output, root=root, line_length=line_length)
    if not stale_files(texts):
        return False
    try:
        for path in texts:
            _refuse_hand_written(path)
        output.parent.mkdir(parents=True, exist_ok=True)
        _replace(texts)
    except OSError as error:
        place = error.filename if error.filename in map(str, texts) else output
        raise OutputError(f"{place} cannot be written: {error.strerror or error}") from error
    return True


def generated_texts(
    source: Path, output: Path, *, root: Path, line_length: int = LINE_LENGTH
) -> dict[Path, str]:
    """Return the text of the module and that of its stub, by path.

    The arguments are those of `generate`.

    Raises:
        CatalogueError: the catalogue has problems; the error lists all of them.
        OutputError: `output` does not end in `.py`.
    """
    stub = stub_path(output)
    catalogue = load_catalogue(source)
    source_name, output_name = _shown(source, root), _shown(output, root)
    command = f"python -m holotype_codegen generate {source_name} --output {output_name}"
    if line_length != LINE_LENGTH:
        command += f" --line-length {line_length}"
    origin = Origin(file=source_name, digest=catalogue.sha256, command=command)
    rendered = render(catalogue.value, origin, line_length=line_length)
    return {output: rendered.module, stub: rendered.stub}


def stub_path(output: Path) -> Path:
    """Return the path of a module's stub.

    Raises:
        OutputError: the path of the module does not end in `.py`.
    """
    if output.suffix != ".py":
        raise OutputError(
            f"{output} does not end in .py, as the name of a module does; choose another output, "
            "such as src/acme/models.py"
        )
    return output.with_suffix(".pyi")


def stale_files(texts: Mapping[Path, str]) -> list[Path]:
    """Return the paths that are no file, or one with another text."""
    return [
        path
        for path, text in texts.items()
        if not path.is_file() or path.read_bytes() != text.encode()
    ]


def _replace(texts: dict[Path, str]) -> None:
    """Write both files, and let them take their names when both are written.

    The old stub is deleted first, and the new one takes its name last: a process that dies in
    between leaves the module alone, which type checkers read where there is no stub.
    """
    _, stub = texts
    with ExitStack() as stack:
        for path, text in reversed(texts.items()):
            file = stack.enter_context(writing_file(path))
            file.write(text.encode())
            file.flush()
        stub.unlink(missing_ok=True)


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
