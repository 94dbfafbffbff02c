"""Read repositories from the Hub's local cache when the Hub cannot be reached."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import get_cached_repo_tree, try_to_load_from_cache
from huggingface_hub.errors import CachedRepoTreeNotFoundError

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.safetensors import read_header
from holotype.hub.card import read_license
from holotype.hub.checkpoint_files import CARD, CheckpointFiles, header_files, small_files


def open_cached(name: str, commit: str) -> CheckpointFiles | None:
    """Read a repository from the Hub's cache; None if the cache does not have it.

    A commit never changes, so cached files are right. The cache must have the commit's file list,
    which every snapshot download leaves, and all files that say how to run the model: otherwise a
    missing file would look like one that the repository lacks. Only the card and the weights may
    be missing; their facts are then left out.

    Args:
        name: the repository.
        commit: the commit, 40 hexadecimal digits.

    Raises:
        CheckpointError: the header of a weight file is damaged.
    """
    try:
        names = frozenset(file.path for file in get_cached_repo_tree(name, revision=commit))
    except CachedRepoTreeNotFoundError:
        return None
    needed = {file: _cached(name, file, commit) for file in small_files(names)}
    present = {file: path for file, path in needed.items() if path is not None}
    if not present or needed.keys() - present.keys() - {CARD}:
        return None
    folder = _folder(*next(iter(present.items())))
    files = header_files(Checkpoint(folder, names=names).all_weights, names)
    weights = {file: _cached(name, file, commit) for file in files}
    whole = {file: path for file, path in weights.items() if path is not None}
    return CheckpointFiles(
        location=f"{name}@{commit}",
        folder=folder,
        names=names,
        # Some of the weights would give too few parameters.
        headers={file: read_header(path) for file, path in whole.items()}
        if len(whole) == len(weights)
        else {},
        repository=None,
    )


def cached_license(name: str, commit: str) -> str | None:
    """Return the licence that the card of a commit states; None if the cache does not tell."""
    path = _cached(name, CARD, commit)
    return None if path is None else read_license(path)


def _cached(name: str, file: str, commit: str) -> Path | None:
    path = try_to_load_from_cache(name, file, revision=commit)
    return Path(path) if isinstance(path, str) else None


def _folder(file: str, path: Path) -> Path:
    """Return the snapshot's folder, given a file's name and its path in there."""
    return path.parents[len(Path(file).parts) - 1]
