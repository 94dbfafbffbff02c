"""Checks for huggingface_hub, which only the commands that read checkpoints need."""

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
        metavar="[ID]...",
        help="Ids, aliases or Hugging Face ids; without any, all models.",
        autocompletion=complete_id,
    ),
]
Jobs: TypeAlias = Annotated[
    int, typer.Option(min=1, max=32, metavar="N", help="How many models to read at once.")
]


def require_hub() -> None:
    """Exit with installation instructions if huggingface_hub is missing."""
    if find_spec("huggingface_hub") is None:
        fail(str(MissingExtraError("hub", "huggingface_hub", "reading checkpoints")))
