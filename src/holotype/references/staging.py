"""Creates a folder in one step or not at all, however the process ends.

A folder may be made where nothing is, or in the place of an empty one, such as `mkdir` and `tempfile`
make.
"""

from __future__ import annotations

import os
import shutil
import stat
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
        ArtifactExistsError: the target is something else than an empty folder.
        StoreBusyError: another process works on the same target.
        ArtifactError: the folder cannot be created.
        MissingExtraError: filelock is not installed.
    """
    refuse_occupied(target)
    staging = target.parent / f".{target.name}.partial"
    # Beside the folder, and not in it, so that it never gets into an artifact.
    lock = target.parent / f".{target.name}.lock"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArtifactError(str(staging), f"cannot be made: {error.strerror}") from error
    busy = f"another process is making {target.name}; wait until it is done"
    with exclusive(lock, busy=busy, patience_s=None if wait else 0.0):
        try:
            refuse_occupied(target)
            _make(staging)
            try:
                yield staging
            finally:
                if not any(staging.iterdir()):
                    staging.rmdir()
            _flush(staging)
            try:
                put_in_place(staging, target)
            except FileExistsError as error:
                raise _occupied(target, "has come to be meanwhile") from error
            flush_folder(target.parent)
        finally:
            # While there is something to go on with, there is a lock for it.
            if not os.path.lexists(staging):
                remove_lock(lock)


@contextmanager
def stage_empty_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside the target, and rename it as `stage_folder` does.

    For what is quick to repeat, or cannot be continued: what an earlier run left is deleted first,
    and an error leaves nothing.

    Raises:
        OSError: what an earlier run left cannot be deleted.
        ArtifactError: see `stage_folder`.
    """
    with stage_folder(target) as staging:
        clear(staging)
        try:
            yield staging
        except BaseException:
            clear(staging)
            raise


def _make(staging: Path) -> None:
    if staging.is_symlink():
        raise ArtifactError(str(staging), "is a link; remove it")
    try:
        staging.mkdir(exist_ok=True)
    except OSError as error:
        raise ArtifactError(str(staging), f"cannot be made: {error.strerror}") from error


def refuse_occupied(target: Path) -> None:
    """Check that a folder can be made at a path.

    Raises:
        ArtifactExistsError: something else than an empty folder is there.
    """
    problem = occupation(target)
    if problem is not None:
        raise _occupied(target, problem)


def _occupied(target: Path, problem: str) -> ArtifactExistsError:
    return ArtifactExistsError(
        str(target), f"{problem}, and is not overwritten; choose another path, or an empty folder"
    )


def occupation(target: Path) -> str | None:
    """Return what keeps a folder from being made at a path, to follow the path in an error.

    Returns:
        None where nothing is, or an empty folder that can be replaced.
    """
    if not os.path.lexists(target):
        return None
    if not stat.S_ISDIR(target.lstat().st_mode):
        return "is there already"
    try:
        is_empty = not any(target.iterdir())
    except OSError as error:
        return f"is there already, and cannot be read ({error.strerror})"
    if not is_empty:
        return "is there already, with something in it"
    # An empty folder is replaced by one with contents, which these two do not allow.
    if target.samefile(Path.cwd()):
        return "is the current folder"
    if os.path.ismount(target):  # `Path.is_mount` holds "." for a mount
        return "is where a disk is mounted"
    return None


def put_in_place(made: Path, target: Path) -> None:
    """Rename a folder to its target, in the place of an empty folder with its permissions.

    Raises:
        FileExistsError: something else is there by now.
        OSError: it cannot be renamed.
    """
    if occupation(target) is not None:
        raise FileExistsError(str(target))
    if target.is_dir():
        made.chmod(stat.S_IMODE(target.stat().st_mode))
        if os.name == "nt":  # where a rename replaces no folder
            target.rmdir()
    try:
        made.rename(target)
    except OSError as error:
        if occupation(target) is None:
            raise
        raise FileExistsError(str(target)) from error


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
