"""The small files of a checkpoint, from a folder or from the Hub."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from holotype.encoders.checkpoints.bge_m3 import PROJECTION_FILE
from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.open_clip import OPEN_CLIP_FILE
from holotype.encoders.checkpoints.safetensors import Header, read_header
from holotype.errors import CheckpointError, CheckpointNotFoundError
from holotype.hub.answers import Repository
from holotype.hub.client import HubClient

CARD = "README.md"
_NAMES = frozenset(
    {
        "config.json",
        "modules.json",
        "config_sentence_transformers.json",
        "artifact.metadata",
        "router_config.json",
        "tokenizer_config.json",
        "preprocessor_config.json",
        "processor_config.json",
        "generation_config.json",
        OPEN_CLIP_FILE,
        CARD,
    }
)
_CONVERSIONS = frozenset({"onnx", "openvino"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointFiles:
    """The readable parts of a checkpoint, without its weights.

    Attributes:
        location: its name in messages: the folder, or ``org/model@commit``.
        folder: the folder with its small files.
        names: the paths of all its files.
        headers: the headers of the safetensors files that make up the model.
        repository: the repository on the Hub; None for a folder.
        checkpoint: the same files as a `Checkpoint`, for planning.
    """

    location: str
    folder: Path
    names: frozenset[str]
    headers: Mapping[str, Header]
    repository: Repository | None
    checkpoint: Checkpoint = field(init=False)

    def __post_init__(self) -> None:
        """Derive the checkpoint."""
        checkpoint = Checkpoint(
            self.folder, location=self.location, names=self.names, headers=self.headers
        )
        object.__setattr__(self, "checkpoint", checkpoint)


def header_files(weights: Collection[str], names: Collection[str]) -> tuple[str, ...]:
    """Return the safetensors files whose headers show how to run a model, or its size."""
    return (*weights, *(name for name in (PROJECTION_FILE,) if name in names))


def is_small_file(name: str) -> bool:
    """Whether a file says how to run the model, and is not part of a conversion."""
    path = PurePosixPath(name)
    if len(path.parts) not in (1, 2) or path.is_absolute() or ".." in path.parts:
        return False
    if path.parts[0] in _CONVERSIONS:
        return False
    if path.name == CARD:
        return len(path.parts) == 1
    return path.name in _NAMES or (
        path.name.startswith("sentence_") and path.name.endswith("_config.json")
    )


def small_files(names: Collection[str]) -> tuple[str, ...]:
    """Return the files of a repository that say how to run its model, out of all of its files.

    OpenCLIP's configuration is left out where that of transformers counts.
    """
    others = "config.json" in names or "modules.json" in names
    return tuple(
        name
        for name in sorted(names)
        if is_small_file(name) and not (others and name == OPEN_CLIP_FILE)
    )


def open_folder(folder: Path) -> CheckpointFiles:
    """Read a checkpoint on this machine.

    Raises:
        CheckpointNotFoundError: the folder does not exist.
        CheckpointError: a file is damaged.
    """
    if not folder.is_dir():
        raise CheckpointNotFoundError(
            str(folder), "there is no such folder; expected one with a checkpoint"
        )
    names = frozenset(
        (Path(root) / name).relative_to(folder).as_posix()
        for root, _, files in os.walk(folder)
        for name in files
    )
    weights = Checkpoint(folder, names=names).all_weights
    return CheckpointFiles(
        location=str(folder),
        folder=folder,
        names=names,
        headers={name: read_header(folder / name) for name in header_files(weights, names)},
        repository=None,
    )


@contextmanager
def open_repository(
    client: HubClient, name: str, revision: str | None
) -> Iterator[CheckpointFiles]:
    """Fetch the small files of a repository into a temporary folder.

    Errors about files in that folder name the repository instead.

    Raises:
        CheckpointError: a file cannot be fetched, or is damaged.
    """
    repository = client.repository(name, revision)
    location = f"{repository.id}@{repository.commit}"
    with TemporaryDirectory(prefix="holotype-") as temporary:
        folder = Path(temporary)
        for small in small_files(repository.sizes):
            path = folder / small
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(client.file(repository, small))
        names = frozenset(repository.sizes)
        weights = Checkpoint(folder, location=location, names=names).all_weights
        try:
            yield CheckpointFiles(
                location=location,
                folder=folder,
                names=names,
                headers={
                    name: client.header(repository, name) for name in header_files(weights, names)
                },
                repository=repository,
            )
        except CheckpointError as error:
            error.rename(temporary, location)
            raise
