"""Replace files atomically."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import BinaryIO

if sys.platform != "win32":
    import fcntl

_N_BYTES = 4
"""How many random bytes are in the name of a temporary file."""
_SUFFIX = ".new"


def replace_file(path: Path, data: bytes) -> None:
    """Write a file completely, or leave it as it was; see `writing_file`."""
    with writing_file(path) as file:
        file.write(data)


@contextmanager
def writing_file(path: Path) -> Iterator[BinaryIO]:
    """Yield a file to write to, which replaces the target when the block ends well.

    The file is a temporary one beside the target, and is flushed to disk before it takes the
    target's name; so the target is whole or as it was, even if the process dies. After an error
    the temporary file is deleted, and that of a process that died by the next one that writes the
    target (on Windows it stays). An existing file keeps its permissions; a new one gets the default
    ones. Links and devices are neither followed nor replaced.

    Args:
        path: the file; its folder must exist.

    Raises:
        OSError: the path has something other than a regular file, or the folder does not exist or
            is not writable.
    """
    permissions = _permissions(path)
    _delete_leftovers(path)
    with _new_file(path) as (temporary, file):
        try:
            with file:
                if permissions is not None:
                    temporary.chmod(permissions)
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)  # noqa: PTH105
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    flush_folder(path.parent)


@contextmanager
def _new_file(path: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """Yield a new file beside a target, locked until the block ends, or the process does."""
    while True:
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(_N_BYTES)}{_SUFFIX}")
        file = temporary.open("xb")
        if sys.platform == "win32":
            yield temporary, file
            return
        # A descriptor of its own keeps the lock when the file is closed.
        lock = os.dup(file.fileno())
        try:
            if _is_ours(lock):
                yield temporary, file
                return
            file.close()
        finally:
            os.close(lock)


def _is_ours(descriptor: int) -> bool:
    """Lock a new file; whether it is still there, and not taken for a leftover before its lock."""
    if sys.platform != "win32":
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            # A file system without locks, where none is taken for a leftover.
            return True
    return os.fstat(descriptor).st_nlink > 0


def _delete_leftovers(path: Path) -> None:
    """Delete the temporary files of processes that died while they wrote to a target."""
    if sys.platform != "win32":
        for found in path.parent.glob(f".{escape(path.name)}.{'?' * (2 * _N_BYTES)}{_SUFFIX}"):
            # One that is locked is being written, and what cannot be deleted is in nobody's way.
            with suppress(OSError):
                descriptor = os.open(found, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
                    found.unlink()
                finally:
                    os.close(descriptor)


def _permissions(path: Path) -> int | None:
    """Return the permissions of the file at a path; None if there is none."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        what = "is a link" if stat.S_ISLNK(status.st_mode) else "is not a regular file"
        raise OSError(errno.EINVAL, what, str(path))
    return stat.S_IMODE(status.st_mode)


def flush_folder(folder: Path) -> None:
    """Flush the names in a folder to disk, on systems that can open folders."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
