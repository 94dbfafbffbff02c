"""Paths within a folder, as a manifest names them: the same file on every system, and only there."""

from __future__ import annotations

import errno
import io
import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from holotype.errors import UnsafePathError

MANIFEST_FILE = "artifact.json"

_LONGEST_PATH = 512
_LONGEST_NAME_BYTES = 255
_RESERVED = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$"}
    | {f"{device}{number}" for device in ("com", "lpt") for number in "0123456789¹²³"}
)


def check_path(path: str, location: str) -> str:
    """Return a path that is safe to join to a folder, on this system and on all others.

    Args:
        path: relative, with forward slashes.
        location: where the path stands, for errors.

    Raises:
        UnsafePathError: it is absolute, leaves the folder, or is no name on some system.
    """
    problem = _problem(path)
    if problem is not None:
        raise UnsafePathError(location, path, problem)
    return path


def check_distinct(paths: Iterable[str], location: str) -> None:
    """Make sure that paths name different files also where letter case does not count.

    Raises:
        UnsafePathError: two are the same, or one lies in another.
    """
    seen: dict[str, str] = {}
    for path in sorted(paths):
        key = unicodedata.normalize("NFC", path).casefold()
        if key in seen:
            raise UnsafePathError(location, path, f"is the same as {seen[key]!r} on some systems")
        seen[key] = path
    for key, path in seen.items():
        parts = key.split("/")
        for length in range(1, len(parts)):
            file = "/".join(parts[:length])
            if file in seen:
                raise UnsafePathError(location, path, f"lies in {seen[file]!r}, which is a file")


def _problem(path: str) -> str | None:
    if not path:
        return "is empty"
    if len(path) > _LONGEST_PATH:
        return f"has more than {_LONGEST_PATH} characters"
    if "\\" in path:
        return "has a backslash, which separates folders on Windows; write forward slashes"
    if path.startswith("/"):
        return "is absolute; expected one within the folder"
    if not path.isprintable():
        return "has characters that do not show"
    if forbidden := sorted(set(':*?"<>|') & set(path)):
        return f"has {' '.join(forbidden)}, which Windows gives a meaning of its own"
    for name in path.split("/"):
        if problem := _name_problem(name):
            return problem
    return None


def _name_problem(name: str) -> str | None:
    if name == "":
        return "has an empty part"
    if name in (".", ".."):
        return "does not stay in the folder, or is not in its shortest form"
    if name != name.strip(" ") or name.endswith("."):
        return "has a part that begins or ends with a space, or ends with a dot"
    if name.partition(".")[0].rstrip(" ").casefold() in _RESERVED:
        return "has the name of a device on Windows"
    if len(name.encode()) > _LONGEST_NAME_BYTES:
        return f"has a part of more than {_LONGEST_NAME_BYTES} bytes"
    return None


def open_file(path: Path) -> io.FileIO:
    """Open a regular file for reading, unbuffered.

    Raises:
        OSError: it cannot be read; it is a link, where systems tell; or it is a pipe or a device,
            on which reading could wait for ever.
    """
    flags = os.O_RDONLY
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
        flags |= getattr(os, name, 0)
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "is no regular file", str(path))
    return io.FileIO(descriptor, "rb")


def files_below(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield every file of a folder with its path and status; links are not followed.

    A link, a device or anything else that is no file and no folder is yielded as what it is.
    """
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        with os.scandir(folder / inside) as found:
            for entry in sorted(found, key=lambda entry: entry.name):
                path = f"{inside}{entry.name}"
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    waiting.append(f"{path}/")
                else:
                    yield path, status
