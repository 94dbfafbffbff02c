"""Files that are replaced in one step, or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from pathlib import Path


def replace_file(path: Path, data: bytes) -> None:
    """Write a file whole, or leave it as it was, however the process ends.

    The data go to a temporary file beside it, reach the disk, and take the file's name. A file
    that is there keeps its permissions; a new one gets those of every new file. Neither a link nor
    a device is written through or replaced.

    Args:
        path: the file; its folder must exist.
        data: all that it shall hold.

    Raises:
        OSError: there is something at the path that is no regular file, or the folder does not
            exist, or may not be written to.
    """
    permissions = _permissions(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    try:
        with temporary.open("xb") as file:
            if permissions is not None:
                temporary.chmod(permissions)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    flush_folder(path.parent)


def _permissions(path: Path) -> int | None:
    """Return the permissions of the file at a path; None where there is nothing."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        what = "is a link" if stat.S_ISLNK(status.st_mode) else "is no regular file"
        raise OSError(errno.EINVAL, what, str(path))
    return stat.S_IMODE(status.st_mode)


def flush_folder(folder: Path) -> None:
    """Have the names in a folder written to the disk, where the system can open folders."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
