"""`holotype docs`: the page about all models, derived from the catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from holotype.cli.catalogues import open_catalogue
from holotype.cli.output import fail, write, write_file
from holotype.cli.page import page


def docs(
    context: typer.Context,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The page to write.")
    ] = Path("MODELS.md"),
    check: Annotated[
        bool, typer.Option("--check", help="Only say whether the page is stale.")
    ] = False,
    stdout: Annotated[
        bool, typer.Option("--stdout", help="Print the page, write nothing.")
    ] = False,
) -> None:
    """Write MODELS.md: a table for each kind of model, and a section for each model.

    The exit code is 1 where --check finds a stale page.
    """
    if check and stdout:
        raise typer.BadParameter("give --check or --stdout, not both")
    text = page(open_catalogue(context.obj))
    if stdout:
        write(text)
        return
    try:
        current = output.is_file() and output.read_bytes() == text.encode()
        if check and not current:
            fail(f"{output} is not what the catalogue gives; run the same command without --check")
        if check:
            return
        if not current:
            write_file(output, text)
    except OSError as error:
        fail(f"{output}: {error.strerror}; give --output a file that can be written")
    write(f"{output}: {'already up to date' if current else 'written'}\n")
