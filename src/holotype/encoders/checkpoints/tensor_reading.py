"""What goes wrong with a safetensors file, in the words of a `CheckpointError`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from holotype.encoders.checkpoints.hub_cache import fetch_again
from holotype.errors import CheckpointError


@contextmanager
def reading_tensors(path: Path) -> Iterator[None]:
    """Say what is wrong with a file whose tensors are read within.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    try:
        yield
    except FileNotFoundError:
        raise CheckpointError(
            str(path.parent), f"the file {path.name} is missing; expected a whole checkpoint"
        ) from None
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            str(path), f"is no whole safetensors file ({error}); {fetch_again(path)}"
        ) from error
