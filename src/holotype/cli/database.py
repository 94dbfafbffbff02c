"""`holotype db`: makes and upgrades the tables of the registry."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from holotype.cli.groups import Command
from holotype.cli.output import fail, note, write_row
from holotype.errors import HolotypeError

Address: TypeAlias = Annotated[
    str,
    typer.Option(
        "--database",
        metavar="URL",
        envvar="HOLOTYPE_DATABASE",
        help="sqlite:///FILE, or postgresql://USER@HOST/DATABASE.",
    ),
]

DEFAULT = "sqlite:///registry.db"


def upgrade(database: Address = DEFAULT) -> None:
    """Make the tables of the registry, or upgrade them to the version that this holotype uses.

    All of it happens in one transaction, or nothing. Several upgrades at once take turns. Nothing
    else upgrades tables: the other commands, and servers, refuse those of another version.
    """
    try:
        from holotype.registry import Database
        from holotype.registry import upgrade as upgrade_tables

        with Database(database) as opened:
            before, after = upgrade_tables(opened)
            location = opened.location
    except HolotypeError as error:
        fail(str(error))
    write_row((location, str(after)))
    note(
        "the tables were of this version"
        if before == after
        else f"upgraded from {before or 'nothing'}"
    )


def check(database: Address = DEFAULT) -> None:
    """Check that the tables are those that this holotype uses; nothing is written.

    The exit code is 1 if they are not, or if the database does not answer.
    """
    try:
        from holotype.registry import Database
        from holotype.registry import check as check_tables
        from holotype.registry.schema import SCHEMA

        with Database(database) as opened:
            check_tables(opened)
            location = opened.location
    except HolotypeError as error:
        fail(str(error))
    write_row((location, str(SCHEMA)))


COMMANDS: tuple[Command, ...] = (
    Command(
        "upgrade",
        upgrade,
        "Make or upgrade the tables.",
        (
            "holotype db upgrade",
            "holotype db upgrade --database postgresql://registry@db.internal/models",
        ),
    ),
    Command(
        "check",
        check,
        "Say whether the tables are of this version.",
        ("holotype db check --database sqlite:///registry.db",),
    ),
)
"""The commands of the group, in the order of the help."""
