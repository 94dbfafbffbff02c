"""Creates a folder in one step or not at all, however the process ends."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from holotype.atomic_file import flush_folder
from holotype.errors import ArtifactError, ArtifactExistsError
from holotype.references.locks import exclusive, remove_lock
from holotype.references.paths import files_below


@contextmanager
def stage_folder(target: Path, *, wait: bool = False) -> Iterator[Path]:
    """Yield a folder beside the target, and rename it to the target when the block ends well.

    The folder has one name per target and keeps the leftovers of an interrupted run, so a later
    run can continue. The block must check them.

    Args:
        target: the folder to create.
        wait: whether to wait for another process that creates it; if False, raise an error.

    Raises:
        ArtifactExistsError: the target exists.
        StoreBusyError: another process works on the same target.
        ArtifactError: the folder cannot be created.
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
            flush_folder(target.parent)
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
    """Check that a path does not exist.

    Raises:
        ArtifactExistsError: it exists.
    """
    if os.path.lexists(target):
        raise ArtifactExistsError(
            str(target), "is there already, and is not overwritten; choose another path"
        )


def keep_only(folder: Path, paths: Collection[str]) -> None:
    """Delete everything in a folder except the named files."""
    for path, _ in list(files_below(folder)):
        if path not in paths:
            (folder / path).unlink()
    for found in sorted(folder.rglob("*"), reverse=True):
        if found.is_dir() and not any(found.iterdir()):
            found.rmdir()


def clear(folder: Path) -> None:
    """Delete everything in a folder."""
    for found in folder.iterdir():
        if found.is_dir() and not found.is_symlink():
            shutil.rmtree(found)
        else:
            found.unlink()


def _flush(folder: Path) -> None:
    """Flush a folder to the disk, so it is complete even after a power failure."""
    folders = {folder}
    for path, _ in files_below(folder):
        descriptor = os.open(folder / path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        folders.add((folder / path).parent)
    for each in folders:
        flush_folder(each)
