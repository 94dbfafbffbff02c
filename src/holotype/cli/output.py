"""Where a command's words go: answers to stdout, everything else to stderr, pages to files."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console

_PIPE_CLOSED = 141
"""What a shell reports of a program that the signal SIGPIPE ended: 128 + 13."""


def is_terminal() -> bool:
    """Whether a person reads stdout; if not, it is plain text that programs can take apart."""
    return sys.stdout.isatty()


def terminal() -> Console:
    """Return the terminal to draw on, as wide as it is, with colours unless NO_COLOR is set."""
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False)


def write(text: str) -> None:
    """Write to stdout; end without a word if whoever reads it has gone, as `head` does."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        discard_stdout()
        raise typer.Exit(_PIPE_CLOSED) from None


def discard_stdout() -> None:
    """Let what is written from now on go nowhere: the interpreter flushes once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write_json(value: object) -> None:
    """Write a JSON document; characters beyond ASCII stay as they are where stdout is UTF-8."""
    is_utf8 = sys.stdout.encoding.lower().replace("-", "") == "utf8"
    write(json.dumps(value, indent=2, ensure_ascii=not is_utf8) + "\n")


def note(text: str) -> None:
    """Tell the person at the terminal something that is not the answer."""
    typer.echo(text, err=True)


def fail(text: str) -> NoReturn:
    """Say what went wrong and exit with code 1."""
    note(f"error: {text}")
    raise typer.Exit(1)
