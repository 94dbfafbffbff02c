"""Commands as data: a name, a function, a summary and examples."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import typer
from typer.core import TyperGroup

from holotype.naming import nearest


class Command(NamedTuple):
    """A command of the command line.

    Attributes:
        name: the name to type.
        function: the function to run; its docstring is the help.
        summary: one line for the list of commands.
        examples: lines to copy.
    """

    name: str
    function: Callable[..., None]
    summary: str
    examples: tuple[str, ...]


class CommandGroup(TyperGroup):
    """A group that names its commands where it is asked for one that it does not have."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that the arguments name; see `typer.core.TyperGroup`."""
        name, names = args[0], self.list_commands(ctx)
        if name not in names and not name.startswith("-") and not ctx.resilient_parsing:
            close = " or ".join(repr(each) for each in nearest(name, names))
            hint = f"did you mean {close}? " if close else ""
            ctx.fail(f"there is no command {name!r}; {hint}there are {', '.join(names)}")
        return super().resolve_command(ctx, args)


def add_commands(app: typer.Typer, commands: Iterable[Command]) -> None:
    """Add commands to an application or a group."""
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
        cls=CommandGroup,
        help=summary,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        no_args_is_help=True,
    )
    add_commands(group, commands)
    return group


def epilogue(examples: tuple[str, ...]) -> str:
    """Return examples whose line breaks stay; the backspace character asks for that."""
    return "\n".join(("\b", "Examples:", *(f"  {example}" for example in examples)))


def _paragraphs(docstring: str) -> str:
    """Return the paragraphs of a docstring on one line each, so the help can wrap them."""
    paragraphs = inspect.cleandoc(docstring).split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
