"""`holotype docs`: writes the pages about all models from the catalogue."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from holotype.atomic_file import replace_file
from holotype.cli.catalogues import open_catalogue
from holotype.cli.family_pages import MARK, family_pages
from holotype.cli.models_page import FOLDER, models_page
from holotype.cli.output import fail, write

_MOST_NAMED = 5
"""How many files an error names."""


def docs(
    context: typer.Context,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The page to write.")
    ] = Path("MODELS.md"),
    families: Annotated[
        Path | None,
        typer.Option(
            "--families",
            metavar="FOLDER",
            help=f"Where the pages of the families go; {FOLDER} beside the page if not given.",
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only say whether a page is stale.")
    ] = False,
    stdout: Annotated[
        bool, typer.Option("--stdout", help="Print the page, write nothing.")
    ] = False,
) -> None:
    """Write MODELS.md, with a table per kind of model, and a page per family.

    Pages that this command wrote are replaced, or removed if their family is gone. If anything else
    is in the place of a page, nothing is written and the exit code is 1.

    The exit code is 1 if --check finds a stale page.
    """
    if check and stdout:
        raise typer.BadParameter("give --check or --stdout, not both")
    opened = open_catalogue(context.obj)
    if opened.parts:
        raise typer.BadParameter(
            "pages are of one catalogue; give it once", param_hint="--catalogue"
        )
    folder = output.parent / FOLDER if families is None else families
    text = models_page(opened, Path(os.path.relpath(folder, output.parent)).as_posix())
    if stdout:
        write(text)
        return
    pages = {output: text}
    pages |= {folder / name: about for name, about in family_pages(opened).items()}
    stale = _stale(pages)
    left_over = _left_over(folder, pages)
    if check:
        for path in (*stale, *left_over)[:1]:
            fail(f"{path} is not what the catalogue gives; run the same command without --check")
        return
    _refuse_hand_written(stale)
    for path in stale:
        _write(path, pages[path], folder)
    for path in left_over:
        path.unlink()
    write(f"{output}: {'written' if output in stale else 'already up to date'}\n")
    n_written = len([path for path in stale if path != output])
    n_pages = len(pages) - 1
    counted = f"{n_pages} page{'s' * (n_pages != 1)}"
    write(f"{folder}: {counted}, {n_written} written, {len(left_over)} removed\n")


def _refuse_hand_written(paths: Iterable[Path]) -> None:
    """Exit before anything is written if a page would overwrite what this command did not write."""
    foreign = [
        path
        for path in paths
        if (path.exists() or path.is_symlink())
        and not (path.is_file() and (path.stat().st_size == 0 or _is_generated(path)))
    ]
    if foreign:
        named = ", ".join(map(str, foreign[:_MOST_NAMED]))
        more = len(foreign) - _MOST_NAMED
        fail(
            f"nothing is written, since this command did not write what is there: {named}"
            f"{f' and {more} more' if more > 0 else ''}. Our pages begin with {MARK!r}. Give "
            "--output and --families other places, or delete these"
        )


def _is_generated(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(MARK)) == MARK.encode()


def _stale(pages: Mapping[Path, str]) -> list[Path]:
    """Return the pages whose files are missing or stale."""
    return [
        path
        for path, text in pages.items()
        if not (path.is_file() and path.read_bytes() == text.encode())
    ]


def _left_over(folder: Path, pages: Mapping[Path, str]) -> list[Path]:
    """Return the generated pages of families that the catalogue no longer has."""
    found = sorted(folder.glob("*.md"))
    return [path for path in found if path not in pages and path.is_file() and _is_generated(path)]


def _write(path: Path, text: str, folder: Path) -> None:
    try:
        if path.parent == folder:
            folder.mkdir(parents=True, exist_ok=True)
        replace_file(path, text.encode())
    except OSError as error:
        fail(f"{path}: {error.strerror}; give --output a file that can be written")
