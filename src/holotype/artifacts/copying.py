"""Copying files within a machine, and knowing their digests when that is done."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from holotype.artifact_errors import UnsafePathError
from holotype.encoders.checkpoints.hub_cache import find_snapshot
from holotype.references.checking import OnBytes, hash_file
from holotype.references.manifest import FileEntry
from holotype.references.paths import check_path, open_file

_BLOCK_BYTES = 1 << 20
# The request number that clones a file on Linux, from linux/fs.h.
_FICLONE = 0x40049409


def list_files(folder: Path) -> tuple[str, ...]:
    """Return the paths of the files in a folder; hidden ones are left out, links not entered."""
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        inside = Path(parent).relative_to(folder)
        found += [(inside / name).as_posix() for name in names if not name.startswith(".")]
    return tuple(sorted(found))


def real_files(folder: Path, names: Iterable[str]) -> Mapping[str, Path]:
    """Return where files of a folder really lie.

    Links are followed within the folder; and those by which the Hub's cache makes a snapshot, where
    the folder is one, to where it keeps the files.

    Raises:
        UnsafePathError: a link leads elsewhere, or a name is unsafe.
    """
    root = folder.resolve()
    snapshot = find_snapshot(root)
    found = {}
    for name in names:
        real = (root / check_path(name, str(folder))).resolve()
        if not (snapshot.owns(real) if snapshot else real.is_relative_to(root)):
            raise UnsafePathError(str(folder), name, "is a link that leads out of the folder")
        found[name] = real
    return found


def copy_files(
    sources: Mapping[str, Path], target: Path, *, link: bool, on_bytes: OnBytes | None
) -> tuple[FileEntry, ...]:
    """Copy files into a folder, several at a time.

    Args:
        sources: where each file lies, by its path in the folder.
        target: the folder.
        link: make hard links where the file system can; a file then changes where its source is
            written to.
        on_bytes: is told the progress.

    Returns:
        What was copied, by path.

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
    # Another file system, or one without links.
    except OSError:
        return False
    return True


def _cloned(source: Path, target: Path) -> bool:
    """Let a file share the blocks of another until one of them is written to, where that works."""
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
    """Copy a file to a path where there is none, and return its SHA-256.

    Raises:
        OSError: a file cannot be read or written, or there is one.
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
    """Return what git calls the contents of a file."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
