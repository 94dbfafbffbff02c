"""Replace files atomically."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def replace_file(path: Path, data: bytes) -> None:
    """Write a file completely, or leave it as it was; see `writing_file`."""
    with writing_file(path) as file:
        file.write(data)


@contextmanager
def writing_file(path: Path) -> Iterator[BinaryIO]:
    """Yield a file to write to, which replaces the target when the block ends well.

    The file is a temporary one beside the target, and is flushed to disk before it takes the
    target's name; so the target is whole or as it was, even if the process dies. After an error
    the temporary file is deleted. An existing file keeps its permissions; a new one gets the
    default ones. Links and devices are neither followed nor replaced.

    Args:
        path: the file; its folder must exist.

    Raises:
        OSError: the path has something other than a regular file, or the folder does not exist or
            is not writable.
    """
    permissions = _permissions(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    try:
        with temporary.open("xb") as file:
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
