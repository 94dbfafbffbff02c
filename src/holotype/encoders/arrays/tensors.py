"""Tensors of a checkpoint as arrays, read without torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from safetensors import deserialize, safe_open

from holotype.encoders.checkpoints.json_file import JsonFile
from holotype.encoders.checkpoints.safetensors import reading_tensors
from holotype.errors import CheckpointError

Array: TypeAlias = NDArray[np.float32]

WEIGHTS = "model.safetensors"
_INDEX = "model.safetensors.index.json"


def read_arrays(folder: Path, *, prefix: str = "") -> dict[str, Array]:
    """Read the tensors of a folder whose names begin with a prefix, in float32.

    Args:
        folder: holds `model.safetensors`, or shards and their index.
        prefix: of the names; other tensors are not read.

    Raises:
        CheckpointError: a file is missing or damaged.
    """
    files = _files(folder, prefix)
    arrays: dict[str, Array] = {}
    for name in files:
        arrays |= read_tensor_file(folder / name, prefix=prefix)
    return arrays


def _files(folder: Path, prefix: str) -> list[str]:
    if (folder / WEIGHTS).is_file():
        return [WEIGHTS]
    if not (folder / _INDEX).is_file():
        raise CheckpointError(str(folder), f"the file {WEIGHTS} is missing")
    index = JsonFile.read(folder, _INDEX)
    shards = index.part("weight_map")
    named: Mapping[str, object] = shards.values if shards else {}
    found = {file for tensor, file in named.items() if tensor.startswith(prefix)}
    if shards is None or not all(isinstance(file, str) for file in found):
        raise index.wrong("weight_map", index.values.get("weight_map"), "the files by tensor")
    return sorted(map(str, found))


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
