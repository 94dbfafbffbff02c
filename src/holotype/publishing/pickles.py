"""Converts pickled weights to safetensors, with an unpickler that creates only tensors."""

from __future__ import annotations

import importlib
import pickle
from pathlib import Path, PurePosixPath
from typing import Any

from holotype.errors import CheckpointError, MissingExtraError, UnsafeCheckpointError
from holotype.references.hashing import hash_file
from holotype.references.manifest import FileEntry

_SAFE = "model.safetensors"


def convert_pickles(folder: Path, files: tuple[FileEntry, ...]) -> tuple[FileEntry, ...]:
    """Replace pickled weights by a `model.safetensors`; do nothing if there are none.

    Args:
        folder: the folder.
        files: all its files.

    Returns:
        The files afterwards, by path.

    Raises:
        MissingExtraError: torch or safetensors is not installed.
        UnsafeCheckpointError: a pickle would create anything but tensors.
        CheckpointError: a pickle is damaged.
    """
    pickled = [file.path for file in files if file.path.endswith(".bin")]
    if not pickled:
        return files
    kept = [file for file in files if "pytorch_model" not in PurePosixPath(file.path).name]
    for parent in sorted({str(PurePosixPath(path).parent) for path in pickled}):
        tensors: dict[str, Any] = {}
        for path in pickled:
            if str(PurePosixPath(path).parent) == parent:
                tensors |= _read(folder / path)
        made = folder / parent / _SAFE
        _write(tensors, made)
        path = str(PurePosixPath(parent) / _SAFE)
        kept.append(FileEntry(path=path, size=made.stat().st_size, sha256=hash_file(made)))
    return tuple(sorted(kept, key=lambda file: file.path))


def _read(path: Path) -> dict[str, Any]:
    torch = _imported("torch")
    try:
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        first = str(error).strip().splitlines()[0]
        raise UnsafeCheckpointError(
            str(path), f"would make more than tensors when it is unpickled, and was not: {first}"
        ) from None
    # A damaged file can make the unpickler raise any kind of error.
    except Exception as error:
        raise CheckpointError(
            str(path), f"is no file of torch ({type(error).__name__}: {error})"
        ) from None
    if not isinstance(tensors, dict) or not all(
        isinstance(name, str) and isinstance(tensor, torch.Tensor)
        for name, tensor in tensors.items()
    ):
        raise CheckpointError(str(path), "holds something else than tensors by their names")
    return tensors


def _write(tensors: dict[str, Any], path: Path) -> None:
    # Tensors that share memory, such as tied weights, are each written separately.
    own = {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}
    _imported("safetensors.torch").save_file(own, path, metadata={"format": "pt"})


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        package = name.partition(".")[0]
        raise MissingExtraError("encoders", package, "converting pickled weights") from error
