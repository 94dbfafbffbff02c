"""The commands that read checkpoints need the extra `hub`; the other commands do not."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated, TypeAlias

import typer

from holotype.cli.catalogues import complete_id
from holotype.cli.output import fail
from holotype.errors import MissingExtraError

Ids: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ID",
        help="Ids, aliases or Hugging Face ids; without any, all models.",
        autocompletion=complete_id,
    ),
]
IdsOrReferences: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ID",
        help="Ids, aliases or Hugging Face ids, or references; without any, all models.",
        autocompletion=complete_id,
    ),
]
Jobs: TypeAlias = Annotated[
    int, typer.Option(min=1, max=32, metavar="N", help="How many models to read at once.")
]


def require_hub() -> None:
    """Exit with the install command if a package of the extra is missing."""
    for package in ("huggingface_hub", "filelock", "langcodes", "tenacity"):
        if find_spec(package) is None:
            fail(str(MissingExtraError("hub", package, "reading checkpoints")))
