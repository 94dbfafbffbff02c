"""Arguments that commands of `holotype registry` share, and the registry that they name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from holotype.cli.output import as_command, fail
from holotype.errors import HolotypeError

if TYPE_CHECKING:
    from holotype.catalogue import Catalogue
    from holotype.registry import ModelRegistry

Kind: TypeAlias = Annotated[
    str, typer.Argument(metavar="KIND", help="What programs ask for, such as text_embedding.")
]
Version: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="VERSION",
        help="A version, such as v1.0.0; MODEL/VERSION if several models have one.",
    ),
]
Limit: TypeAlias = Annotated[
    int, typer.Option("--limit", min=1, max=1000, metavar="N", help="How many at most.")
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@contextmanager
def open_registry(address: str, catalogue: Catalogue[Any] | None = None) -> Iterator[ModelRegistry]:
    """Open a registry; an error of the block ends the command in one line."""
    try:
        from holotype.registry import Database, ModelRegistry

        with Database(address) as database:
            yield ModelRegistry(database, catalogue=catalogue)
    except HolotypeError as error:
        fail(error.told(as_command))
