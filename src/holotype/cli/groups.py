"""Commands as data: a name, a function, a summary and examples."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import NamedTuple

import typer


class Command(NamedTuple):
    """A command of the command line.

    Attributes:
        name: what people type.
        function: what runs; its docstring is the help.
        summary: one line for the list of commands.
        examples: lines that people can copy.
    """

    name: str
    function: Callable[..., None]
    summary: str
    examples: tuple[str, ...]


def add_commands(app: typer.Typer, commands: Iterable[Command]) -> None:
    """Add commands to an application or to a group."""
    for command in commands:
        app.command(
            command.name,
            help=_paragraphs(command.function.__doc__ or ""),
            short_help=command.summary,
            epilog=epilogue(command.examples),
        )(command.function)


def make_group(name: str, summary: str, commands: Iterable[Command]) -> typer.Typer:
    """Return a group of commands."""
    group = typer.Typer(
        name=name,
        help=summary,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        no_args_is_help=True,
    )
    add_commands(group, commands)
    return group


def epilogue(examples: tuple[str, ...]) -> str:
    """Return examples whose lines stay as they are: that is what the backspace asks for."""
    return "\n".join(("\b", "Examples:", *(f"  {example}" for example in examples)))


def _paragraphs(docstring: str) -> str:
    """Return the paragraphs of a docstring on one line each, for the help to wrap anew."""
    paragraphs = inspect.cleandoc(docstring).split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
