"""Who runs a command, for what is kept of it."""

from __future__ import annotations

import getpass
import socket
from typing import Annotated, TypeAlias

import typer

from holotype.cli.output import fail

Actor: TypeAlias = Annotated[
    str | None,
    typer.Option("--actor", metavar="NAME", help="Who does this; by default USER@HOST."),
]


def name_actor(actor: str | None) -> str:
    """Return the name that was given, else the user and the machine."""
    if actor is not None:
        return actor
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        # Containers often run under a number without a name.
        fail("this user has no name; say who does this with --actor NAME")
    return f"{user}@{socket.gethostname()}"
