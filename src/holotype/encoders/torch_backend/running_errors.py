"""What is said of a model that does not run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from holotype.encoders.torch_backend.devices import memory_errors
from holotype.errors import DeviceMemoryError, UnsupportedCheckpointError

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@contextmanager
def running_errors(location: str, model: PreTrainedModel) -> Iterator[None]:
    """Say which model of transformers does not run, in which type and where.

    Args:
        location: the checkpoint.
        model: what runs, on its device and in its type.

    Raises:
        DeviceMemoryError: the memory of a GPU ends.
        UnsupportedCheckpointError: anything else ends the run.
    """
    try:
        with memory_errors(model.device):
            yield
    except DeviceMemoryError:
        raise
    # The code of a model raises what it likes, and so do the operations of torch.
    except Exception as error:
        dtype = str(model.dtype).removeprefix("torch.")
        advice = "" if model.dtype == torch.float32 else "; pass dtype='float32'"
        raise UnsupportedCheckpointError(
            location,
            f"is a {type(model).__name__}, which does not run in {dtype} on {model.device} "
            f"({type(error).__name__}: {error}){advice}",
        ) from error
