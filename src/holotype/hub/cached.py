"""Repositories in the Hub's cache on this machine, for when the Hub cannot be reached."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import get_cached_repo_tree, try_to_load_from_cache
from huggingface_hub.errors import CachedRepoTreeNotFoundError

from holotype.encoders.checkpoints.safetensors import read_header, weight_files
from holotype.hub.checkpoint_files import CARD, CheckpointFiles, header_files, is_small_file


def open_cached(name: str, commit: str) -> CheckpointFiles | None:
    """Read a repository from the Hub's cache; None where the cache does not hold it.

    A commit never changes, so what the cache has of it is right. It must have the list of all
    files, as every download of a snapshot leaves it, and all the files that say how the model is
    run: one that is missing would be taken for one that the repository lacks. Only the card and
    the weights may be missing; what they say is then not said.

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
    needed = {file: _cached(name, file, commit) for file in names if is_small_file(file)}
    present = {file: path for file, path in needed.items() if path is not None}
    if not present or needed.keys() - present.keys() - {CARD}:
        return None
    weights = {
        file: _cached(name, file, commit) for file in header_files(weight_files(names), names)
    }
    whole = {file: path for file, path in weights.items() if path is not None}
    return CheckpointFiles(
        location=f"{name}@{commit}",
        folder=_folder(*next(iter(present.items()))),
        names=names,
        # Part of the weights would give part of the parameters.
        headers={file: read_header(path) for file, path in whole.items()}
        if len(whole) == len(weights)
        else {},
        repository=None,
    )


def _cached(name: str, file: str, commit: str) -> Path | None:
    path = try_to_load_from_cache(name, file, revision=commit)
    return Path(path) if isinstance(path, str) else None


def _folder(file: str, path: Path) -> Path:
    """Return the folder of the snapshot, in which a file lies under its name."""
    return path.parents[len(Path(file).parts) - 1]
