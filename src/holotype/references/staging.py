"""A folder that appears in one step, or not at all, however the process that makes it ends."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from holotype.artifact_errors import ArtifactError, ArtifactExistsError
from holotype.references.locks import exclusive, remove_lock
from holotype.references.paths import files_below


@contextmanager
def staged(target: Path, *, wait: bool = False) -> Iterator[Path]:
    """Yield a folder beside the target, and rename it to the target when the block ends well.

    The folder has one name for each target. What a run that was interrupted has left in it is
    still there, so that a later run can go on; it is for the block to make sure of it.

    Args:
        target: the folder to make.
        wait: whether to wait for another process that makes the same; otherwise that is an error.

    Raises:
        ArtifactExistsError: there is something at the target.
        StoreBusyError: another process is at work on the same target.
        ArtifactError: the folder cannot be made.
        MissingExtraError: filelock is not installed.
    """
    refuse_existing(target)
    staging = target.parent / f".{target.name}.partial"
    # Beside the folder, and not in it, so that it never gets into an artifact.
    lock = target.parent / f".{target.name}.lock"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArtifactError(str(staging), f"cannot be made: {error.strerror}") from error
    busy = "another process is making this artifact; wait until it is done"
    with exclusive(lock, busy=busy, patience_s=None if wait else 0.0):
        try:
            refuse_existing(target)
            _make(staging)
            try:
                yield staging
            finally:
                if not any(staging.iterdir()):
                    staging.rmdir()
            _flush(staging)
            refuse_existing(target)
            staging.rename(target)
            _flush_folder(target.parent)
        finally:
            # While there is something to go on with, there is a lock for it.
            if not os.path.lexists(staging):
                remove_lock(lock)


def _make(staging: Path) -> None:
    if staging.is_symlink():
        raise ArtifactError(str(staging), "is a link; remove it")
    try:
        staging.mkdir(exist_ok=True)
    except OSError as error:
        raise ArtifactError(str(staging), f"cannot be made: {error.strerror}") from error


def refuse_existing(target: Path) -> None:
    """Make sure that there is nothing at a path.

    Raises:
        ArtifactExistsError: there is something.
    """
    if os.path.lexists(target):
        raise ArtifactExistsError(
            str(target), "is there already, and is not overwritten; choose another path"
        )


def keep_only(folder: Path, paths: Collection[str]) -> None:
    """Delete every file of a folder but those named, and what is no file."""
    for path, _ in list(files_below(folder)):
        if path not in paths:
            (folder / path).unlink()
    for found in sorted(folder.rglob("*"), reverse=True):
        if found.is_dir() and not any(found.iterdir()):
            found.rmdir()


def clear(folder: Path) -> None:
    """Delete all that is in a folder."""
    for found in folder.iterdir():
        if found.is_dir() and not found.is_symlink():
            shutil.rmtree(found)
        else:
            found.unlink()


def _flush(folder: Path) -> None:
    """Have all of a folder written to the disk, so that it is whole even if the power fails."""
    folders = {folder}
    for path, _ in files_below(folder):
        descriptor = os.open(folder / path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        folders.add((folder / path).parent)
    for each in folders:
        _flush_folder(each)


def _flush_folder(folder: Path) -> None:
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
