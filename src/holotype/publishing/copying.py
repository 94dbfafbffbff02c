"""Copies files on this machine and computes their digests on the way."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from holotype.encoders.checkpoints.hub_cache import find_snapshot
from holotype.errors import UnsafePathError
from holotype.references.hashing import OnBytes, hash_file
from holotype.references.manifest import FileEntry
from holotype.references.paths import check_path, open_file

_BLOCK_BYTES = 1 << 20
# The request number that clones a file on Linux, from linux/fs.h.
_FICLONE = 0x40049409


def list_files(folder: Path) -> tuple[str, ...]:
    """Return the paths of the files in a folder, without hidden ones and without entering links."""
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        inside = Path(parent).relative_to(folder)
        found += [(inside / name).as_posix() for name in names if not name.startswith(".")]
    return tuple(sorted(found))


def real_files(folder: Path, names: Iterable[str]) -> Mapping[str, Path]:
    """Return the real paths of files in a folder.

    Links are followed within the folder. If the folder is a snapshot of the Hub's cache, its links
    are followed to where that cache keeps the files.

    Raises:
        UnsafePathError: a link leads elsewhere, or a name is unsafe.
    """
    root = folder.resolve()
    snapshot = find_snapshot(root)
    found = {}
    for name in names:
        try:
            real = (root / check_path(name, str(folder))).resolve()
        except RuntimeError:
            # Python before 3.13 has no other word for links that lead to each other.
            raise UnsafePathError(str(folder), name, "is a link that leads to itself") from None
        if not (snapshot.owns(real) if snapshot else real.is_relative_to(root)):
            raise UnsafePathError(str(folder), name, "is a link that leads out of the folder")
        found[name] = real
    return found


def copy_files(
    sources: Mapping[str, Path], target: Path, *, link: bool, on_bytes: OnBytes | None
) -> tuple[FileEntry, ...]:
    """Copy files into a folder, several at a time.

    Args:
        sources: the real path of each file, by its path in the folder.
        target: the folder.
        link: whether to make hard links if the file system can; writing to a source then changes
            the file.
        on_bytes: receives the progress.

    Returns:
        The copied files, by path.

    Raises:
        OSError: a file cannot be read or written.
    """
    for path in sources:
        (target / path).parent.mkdir(parents=True, exist_ok=True)

    def copy(path: str) -> FileEntry:
        source, copied = sources[path], target / path
        if (link and _linked(source, copied)) or _cloned(source, copied):
            sha256 = hash_file(copied, on_bytes=on_bytes)
        else:
            sha256 = copy_file(source, copied, on_bytes=on_bytes)
        return FileEntry(path=path, size=copied.stat().st_size, sha256=sha256)

    largest_first = sorted(sources, key=lambda path: sources[path].stat().st_size, reverse=True)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return tuple(sorted(pool.map(copy, largest_first), key=lambda file: file.path))


def _linked(source: Path, target: Path) -> bool:
    try:
        os.link(source, target)
    # The target is on another file system, or on one without links.
    except OSError:
        return False
    return True


def _cloned(source: Path, target: Path) -> bool:
    """Make a file share the blocks of another until one of them changes, if possible."""
    if sys.platform != "linux":
        return False
    import fcntl

    with open_file(source) as reading, target.open("xb") as writing:
        try:
            fcntl.ioctl(writing.fileno(), _FICLONE, reading.fileno())
        except OSError:
            cloned = False
        else:
            cloned = True
    if not cloned:
        target.unlink()
    return cloned


def copy_file(source: Path, target: Path, *, on_bytes: OnBytes | None = None) -> str:
    """Copy a file to a new path, and return its SHA-256.

    Raises:
        OSError: a file cannot be read or written, or the target exists.
    """
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(_BLOCK_BYTES))
    with open_file(source) as reading, target.open("xb", buffering=0) as writing:
        while n_bytes := reading.readinto(buffer):
            block = buffer[:n_bytes]
            digest.update(block)
            while block:
                block = block[writing.write(block) :]
            if on_bytes is not None:
                on_bytes(n_bytes)
    return digest.hexdigest()


def git_sha1(path: Path) -> str:
    """Return git's object name for the contents of a file."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
