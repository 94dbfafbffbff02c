"""Digests of files: by reading every byte, or as they were read a moment ago.

A process that has read a file remembers its digest for five minutes, so that a load, the
fingerprint and the next load of the same model read it once. The digest counts as long as device,
inode, size and both times of the file are the same. Every write through the file system changes one
of them, even one whose time of modification is set back. Not noticed is what changes none of them:
a write of an administrator beneath the file system, or with the clock of the machine set back.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

from holotype.references.paths import open_file

OnBytes: TypeAlias = Callable[[int], None]
"""Receives the number of bytes just read; called from several threads."""
OnTotal: TypeAlias = Callable[[int], OnBytes | None]
"""Receives the total number of bytes, and returns a function that receives the progress."""
FileState: TypeAlias = tuple[int, int, int, int, int]
"""What tells a file from any other, and from itself once it is written to."""

_BLOCK_BYTES = 1 << 20
_KEPT_FOR_S = 300.0
_TICK_NS = 2_000_000_000
"""The coarsest times of common file systems, those of FAT."""
_MOST_FILES = 100_000
# On Windows, no time tells of a write whose time of modification was set back.
_REMEMBERS = os.name != "nt"
_known: dict[FileState, tuple[float, str]] = {}


def state_of(status: os.stat_result) -> FileState:
    """Return the state of a file."""
    times = status.st_mtime_ns, status.st_ctime_ns
    return status.st_dev, status.st_ino, status.st_size, *times


def hash_file(path: Path, *, on_bytes: OnBytes | None = None) -> str:
    """Return the SHA-256 of a file in hexadecimal digits, without following a link.

    Raises:
        OSError: the file cannot be read, or is not a regular file.
    """
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(_BLOCK_BYTES))
    with open_file(path) as file:
        before = state_of(os.fstat(file.fileno()))
        while n_bytes := file.readinto(buffer):
            digest.update(buffer[:n_bytes])
            if on_bytes is not None:
                on_bytes(n_bytes)
        after = state_of(os.fstat(file.fileno()))
    found = digest.hexdigest()
    if before == after:
        _remember(before, found)
    return found


def hash_file_once(path: Path, *, on_bytes: OnBytes | None = None) -> str:
    """Return the SHA-256 of a file; it is not read again if it was a moment ago, and is untouched.

    Raises:
        OSError: see `hash_file`.
    """
    with open_file(path) as file:
        status = os.fstat(file.fileno())
    read_s, digest = _known.get(state_of(status), (float("-inf"), ""))
    if time.monotonic() - read_s >= _KEPT_FOR_S:
        return hash_file(path, on_bytes=on_bytes)
    if on_bytes is not None:
        on_bytes(status.st_size)
    return digest


def _remember(state: FileState, digest: str) -> None:
    """Remember a digest, unless the file was touched a moment ago.

    A second write in the same tick of the file system's clock would leave the same time.
    """
    *_, modified_ns, changed_ns = state
    if not _REMEMBERS or max(modified_ns, changed_ns) > time.time_ns() - _TICK_NS:
        return
    if len(_known) >= _MOST_FILES:
        _known.clear()
    _known[state] = time.monotonic(), digest


def hash_files(
    folder: Path,
    paths: Iterable[str],
    *,
    hash_one: Callable[[Path], str] = hash_file,
    n_threads: int | None = None,
) -> Mapping[str, str]:
    """Return the SHA-256 of files by path, reading them in parallel, largest first.

    Args:
        folder: the folder.
        paths: the files in it.
        hash_one: `hash_file` or `hash_file_once`.
        n_threads: how many files to read at once; None means one per processor.

    Raises:
        OSError: a file cannot be read.
    """
    ordered: Sequence[str] = sorted(
        paths, key=lambda path: (folder / path).lstat().st_size, reverse=True
    )
    n_threads = n_threads or os.cpu_count() or 1
    with ThreadPoolExecutor(max_workers=n_threads) as pool:
        digests = pool.map(lambda path: hash_one(folder / path), ordered)
        return dict(zip(ordered, digests, strict=True))
