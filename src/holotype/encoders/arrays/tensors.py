"""Tensors of a checkpoint as arrays, read without torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, deserialize, safe_open

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.errors import CheckpointError

Array: TypeAlias = NDArray[np.float32]


def read_arrays(checkpoint: Checkpoint, *, prefix: str = "") -> dict[str, Array]:
    """Read the tensors of a folder whose names begin with a prefix, in float32.

    Args:
        checkpoint: the folder that holds the weights, whole or in shards.
        prefix: of the names; other tensors are not read.

    Raises:
        CheckpointError: a file is missing or damaged.
    """
    arrays: dict[str, Array] = {}
    for name in checkpoint.weights(prefix=prefix):
        arrays |= read_tensor_file(checkpoint.folder / name, prefix=prefix)
    return arrays


def read_tensor_file(path: Path, *, prefix: str = "") -> dict[str, Array]:
    """Read the tensors of one file whose names begin with a prefix, in float32.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    with reading_tensors(path):
        with safe_open(path, framework="np") as file:
            names = [name for name in file.keys() if name.startswith(prefix)]  # noqa: SIM118
            kinds = {name: file.get_slice(name).get_dtype() for name in names}
            read = {
                name: np.asarray(file.get_tensor(name), dtype=np.float32)
                for name in names
                if kinds[name] != "BF16"
            }
        if len(read) == len(names):
            return read
        # NumPy has no bfloat16: it is the upper half of a float32.
        parse: Any = deserialize
        described: list[tuple[str, Mapping[str, Any]]] = parse(path.read_bytes())
    return read | {name: _widened(raw) for name, raw in described if kinds.get(name) == "BF16"}


def _widened(raw: Mapping[str, Any]) -> Array:
    halves = np.frombuffer(raw["data"], dtype="<u2").astype(np.uint32)
    return (halves << 16).view(np.float32).reshape(raw["shape"])


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
            str(path), f"is no whole safetensors file ({error}); fetch it again"
        ) from error
