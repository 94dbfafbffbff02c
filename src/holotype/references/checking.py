"""Compares the files of a folder with a manifest: by size, or every byte by digest."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from holotype.errors import FileDifference, Problem
from holotype.references.paths import MANIFEST_FILE, files_below, open_file

if TYPE_CHECKING:
    from holotype.references.manifest import FileEntry, Manifest

OnBytes: TypeAlias = Callable[[int], None]
"""Receives the number of bytes just read; called from several threads."""


_BLOCK_BYTES = 1 << 20


def check_sizes(folder: Path, manifest: Manifest) -> tuple[FileDifference, ...]:
    """Compare names and sizes, without reading a file; takes milliseconds.

    Returns:
        Every file that differs, by path; empty if all agree.

    Raises:
        OSError: the folder cannot be read.
    """
    present = dict(files_below(folder))
    present.pop(MANIFEST_FILE, None)
    wanted = {file.path: file for file in manifest.files}
    findings = [
        FileDifference(path=path, problem="extra", detail=f"{status.st_size} bytes")
        for path, status in present.items()
        if path not in wanted
    ]
    for path, file in wanted.items():
        finding = _size_difference(folder, file, present.get(path))
        if finding is not None:
            findings.append(finding)
    return tuple(sorted(findings, key=lambda finding: finding.path))


def _size_difference(
    folder: Path, file: FileEntry, status: os.stat_result | None
) -> FileDifference | None:
    if status is None:
        if (folder / file.path).is_dir():
            return FileDifference(path=file.path, problem="not a file", detail="a folder")
        return FileDifference(path=file.path, problem="missing", detail=f"{file.size} bytes")
    if not stat.S_ISREG(status.st_mode):
        what = "a symbolic link" if stat.S_ISLNK(status.st_mode) else "a device or a socket"
        return FileDifference(path=file.path, problem="not a file", detail=what)
    if status.st_size == file.size:
        return None
    problem: Problem = "truncated" if status.st_size < file.size else "changed"
    detail = f"{status.st_size} bytes, expected {file.size}"
    return FileDifference(path=file.path, problem=problem, detail=detail)


def check_contents(
    folder: Path,
    manifest: Manifest,
    *,
    on_bytes: OnBytes | None = None,
    n_threads: int | None = None,
) -> tuple[FileDifference, ...]:
    """Compare names, sizes and every byte; files are read in parallel.

    Args:
        folder: the folder.
        manifest: its expected contents.
        on_bytes: receives the progress.
        n_threads: how many files to read at once; None means one per processor.

    Returns:
        Every file that differs, by path; empty if all agree.

    Raises:
        OSError: the folder or a file cannot be read.
    """
    findings = {finding.path: finding for finding in check_sizes(folder, manifest)}
    wanted = {file.path: file for file in manifest.files if file.path not in findings}
    digests = hash_files(folder, wanted, on_bytes=on_bytes, n_threads=n_threads)
    for path, file in wanted.items():
        if digests[path] != file.sha256:
            detail = f"sha256 {digests[path][:12]}..., expected {file.sha256[:12]}..."
            findings[path] = FileDifference(path=path, problem="changed", detail=detail)
    return tuple(findings[path] for path in sorted(findings))


def hash_files(
    folder: Path,
    paths: Iterable[str],
    *,
    on_bytes: OnBytes | None = None,
    n_threads: int | None = None,
) -> Mapping[str, str]:
    """Return the SHA-256 of files by path, reading them in parallel, largest first.

    Raises:
        OSError: a file cannot be read.
    """
    ordered: Sequence[str] = sorted(
        paths, key=lambda path: (folder / path).lstat().st_size, reverse=True
    )
    n_threads = n_threads or os.cpu_count() or 1
    with ThreadPoolExecutor(max_workers=n_threads) as pool:
        digests = pool.map(lambda path: hash_file(folder / path, on_bytes=on_bytes), ordered)
        return dict(zip(ordered, digests, strict=True))


def hash_file(path: Path, *, on_bytes: OnBytes | None = None) -> str:
    """Return the SHA-256 of a file in hexadecimal digits, without following a link.

    Raises:
        OSError: the file cannot be read, or is not a regular file.
    """
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(_BLOCK_BYTES))
    with open_file(path) as file:
        while n_bytes := file.readinto(buffer):
            digest.update(buffer[:n_bytes])
            if on_bytes is not None:
                on_bytes(n_bytes)
    return digest.hexdigest()
