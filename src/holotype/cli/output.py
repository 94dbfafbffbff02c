"""Output of commands: answers to stdout, everything else to stderr, pages to files."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NoReturn

import typer

from holotype.errors import Advice, one_line, printable
from holotype.naming import kebab_case

if TYPE_CHECKING:
    from rich.console import Console

_PIPE_CLOSED = 141
"""The exit code that a shell reports after SIGPIPE: 128 + 13."""

_DIGEST = re.compile(r"\b(sha256:[0-9a-f]{12})[0-9a-f]{52}\b")
_GAP = "  "


def is_terminal() -> bool:
    """Return whether a person reads stdout; if not, output is plain text for programs."""
    return sys.stdout.isatty()


def terminal() -> Console:
    """Return a console of the terminal's width, with colours unless NO_COLOR is set."""
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

    class PlainConsole(Console):
        """Spells characters that a terminal would obey, unless they are the console's own."""

        def render(
            self, renderable: RenderableType, options: ConsoleOptions | None = None
        ) -> Iterator[Segment]:
            for text, style, control in super().render(renderable, options):
                yield Segment(text if control else printable(text), style, control)

    return PlainConsole(highlight=False, markup=False, emoji=False)


def write(text: str) -> None:
    """Write to stdout; exit silently if the reader has gone, as `head` does."""
    try:
        sys.stdout.write(printable(text))
        sys.stdout.flush()
    except BrokenPipeError:
        discard_stdout()
        raise typer.Exit(_PIPE_CLOSED) from None


def write_lines(rows: Iterable[Iterable[str]]) -> None:
    """Write rows whose fields are separated by tabs, also for a person.

    A tab or a line break in a field would end it, so that it is spelt.
    """
    write("".join("\t".join(map(one_line, row)) + "\n" for row in rows))


def write_row(fields: Iterable[str]) -> None:
    """Write one row as `write_lines` does."""
    write_lines([fields])


def write_rows(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write rows: under headings for a person, separated by tabs for a program.

    A person sees the first 12 digits of a digest, as in errors. Nothing else is cut: a terminal
    wraps a line that is too long for it.

    Args:
        headings: what each field is.
        rows: the fields; a row may lack the last ones.
    """
    if not is_terminal():
        write_lines(rows)
        return
    from rich.cells import cell_len

    shown = [[_DIGEST.sub(r"\1...", one_line(cell)) for cell in row] for row in rows]
    if not shown:
        return
    table = [list(headings), *shown]
    n_columns = max(map(len, table))
    widths = [max(cell_len(row[at]) for row in table if at < len(row)) for at in range(n_columns)]
    console = terminal()
    for row in table:
        cells = (
            cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=False)
        )
        style = "dim" if row is table[0] else None
        console.print(_GAP.join(cells).rstrip(), style=style, soft_wrap=True)


def discard_stdout() -> None:
    """Discard all further output, including the interpreter's flush at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write_json(value: object) -> None:
    """Write a JSON document, keeping non-ASCII characters if stdout is UTF-8."""
    is_utf8 = sys.stdout.encoding.lower().replace("-", "") == "utf8"
    write(json.dumps(value, indent=2, ensure_ascii=not is_utf8) + "\n")


def counted_models(number: int) -> str:
    """Return the number with its noun."""
    return "1 model" if number == 1 else f"{number:,} models"


def note(text: str) -> None:
    """Write a message that is not the answer to stderr."""
    typer.echo(printable(text), err=True)


def fail(text: str) -> NoReturn:
    """Report an error and exit with code 1."""
    note(f"error: {text}")
    raise typer.Exit(1)


def as_command(advice: Advice) -> str | None:
    """Return an advice as this command line does it; None where its text says so."""
    if advice.action == "set-limit":
        return f"say with --{kebab_case(advice.subject)} what is near enough"
    if advice.action == "confirm-different-vectors":
        return "confirm it with --allow-different-vectors"
    return None
