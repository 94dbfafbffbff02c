"""Read tensors from safetensors files, for NumPy or torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, deserialize, safe_open

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.hub_cache import fetch_again
from holotype.errors import CheckpointError, UnsupportedCheckpointError

Array: TypeAlias = NDArray[np.float32]

_FLOATS = ("F64", "F32", "F16", "BF16")
_INTEGERS = ("I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8")


def read_safetensors(
    path: Path, framework: Literal["np", "pt"], *, accepts: Callable[[str, str], bool]
) -> dict[str, Any]:
    """Read tensors from one file.

    Args:
        path: the file.
        framework: the library whose tensors to return.
        accepts: decides whether to read a tensor, given its name and its type as safetensors
            names it.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    with _reading(path), safe_open(path, framework=framework) as file:
        names = [
            name
            for name in file.keys()  # noqa: SIM118
            if accepts(name, file.get_slice(name).get_dtype())
        ]
        return {name: file.get_tensor(name) for name in names}


def read_arrays(checkpoint: Checkpoint, *, prefix: str = "") -> dict[str, Array]:
    """Read the tensors of a folder whose names start with a prefix, as float32.

    Args:
        checkpoint: the folder with the weights, in one file or in shards.
        prefix: the prefix; other tensors are not read.

    Raises:
        CheckpointError: a file is missing or damaged, or has tensors that are not floats.
    """
    arrays: dict[str, Array] = {}
    for name in checkpoint.weights(prefix=prefix):
        arrays |= read_tensor_file(checkpoint.folder / name, prefix=prefix)
    return arrays


def read_tensor_file(path: Path, *, prefix: str = "") -> dict[str, Array]:
    """Read the tensors of one file whose names start with a prefix, as float32.

    Raises:
        CheckpointError: the file is missing or damaged, or has tensors that are not floats.
    """
    found = read_numbers(path, _FLOATS, prefix=prefix)
    return {name: np.asarray(array, dtype=np.float32) for name, array in found.items()}


def read_table_file(path: Path) -> dict[str, NDArray[Any]]:
    """Read the tensors of a table in their stored types; bfloat16 becomes float32.

    Raises:
        CheckpointError: the file is missing or damaged, or has a type that NumPy lacks.
    """
    return read_numbers(path, (*_FLOATS, *_INTEGERS))


def read_numbers(
    path: Path, allowed: tuple[str, ...], *, prefix: str = ""
) -> dict[str, NDArray[Any]]:
    """Read the tensors of one file whose names start with a prefix.

    Args:
        path: the file.
        allowed: the types that tensors may have, as safetensors names them.
        prefix: the prefix.

    Raises:
        CheckpointError: the file is missing or damaged.
        UnsupportedCheckpointError: a tensor has another type.
    """
    types: dict[str, str] = {}

    def accept(name: str, dtype: str) -> bool:
        if name.startswith(prefix):
            types[name] = dtype
        # NumPy has no bfloat16.
        return name.startswith(prefix) and dtype in allowed and dtype != "BF16"

    found = read_safetensors(path, "np", accepts=accept)
    for name, dtype in types.items():
        if dtype not in allowed:
            raise UnsupportedCheckpointError(
                str(path),
                f"holds {name} as {dtype}; expected one of {', '.join(allowed)}. Convert it, or use "
                "a revision that stores floats",
            )
    if "BF16" not in types.values():
        return found
    parse: Any = deserialize
    described: list[tuple[str, Mapping[str, Any]]] = parse(path.read_bytes())
    return found | {name: _widened(raw) for name, raw in described if types.get(name) == "BF16"}


def _widened(raw: Mapping[str, Any]) -> Array:
    """Widen bfloat16, the upper half of a float32, to float32."""
    halves = np.frombuffer(raw["data"], dtype="<u2").astype(np.uint32)
    return (halves << 16).view(np.float32).reshape(raw["shape"])


@contextmanager
def _reading(path: Path) -> Iterator[None]:
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
