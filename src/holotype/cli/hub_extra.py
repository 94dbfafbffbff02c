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


_PACKAGES = ("huggingface_hub", "filelock", "langcodes", "tenacity")


def missing_package() -> str | None:
    """Return a package of the extra that is not installed; None if all are."""
    return next((package for package in _PACKAGES if find_spec(package) is None), None)


def require_hub() -> None:
    """Exit with the install command if a package of the extra is missing."""
    package = missing_package()
    if package is not None:
        fail(str(MissingExtraError("hub", package, "reading checkpoints")))
