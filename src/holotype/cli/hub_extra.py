"""The commands that read checkpoints need huggingface_hub; the other commands do not."""

from __future__ import annotations

from importlib.util import find_spec

from holotype.cli.output import fail
from holotype.errors import MissingExtraError


def require_hub() -> None:
    """Exit with what to install where huggingface_hub is missing."""
    if find_spec("huggingface_hub") is None:
        fail(str(MissingExtraError("hub", "huggingface_hub", "reading checkpoints")))
