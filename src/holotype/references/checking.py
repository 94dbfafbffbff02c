"""Compares the files of a folder with a manifest: by size, or every byte by digest."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from holotype.errors import FileDifference
from holotype.references.hashing import OnBytes, hash_file, hash_file_once, hash_files
from holotype.references.paths import MANIFEST_FILE, files_below

if TYPE_CHECKING:
    from holotype.references.manifest import FileEntry, Manifest


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
    detail = f"{status.st_size} bytes, expected {file.size}"
    return FileDifference(path=file.path, problem="changed", detail=detail)


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
    return _compare(folder, manifest, partial(hash_file, on_bytes=on_bytes), n_threads)


def check_contents_once(
    folder: Path, manifest: Manifest, *, on_bytes: OnBytes | None = None
) -> tuple[FileDifference, ...]:
    """Compare as `check_contents` does; files that were read a moment ago are not read again.

    See `holotype.references.hashing` for what that notices.

    Raises:
        OSError: see `check_contents`.
    """
    return _compare(folder, manifest, partial(hash_file_once, on_bytes=on_bytes))


def _compare(
    folder: Path,
    manifest: Manifest,
    hash_one: Callable[[Path], str],
    n_threads: int | None = None,
) -> tuple[FileDifference, ...]:
    findings = {finding.path: finding for finding in check_sizes(folder, manifest)}
    wanted = {file.path: file for file in manifest.files if file.path not in findings}
    digests = hash_files(folder, wanted, hash_one=hash_one, n_threads=n_threads)
    for path, file in wanted.items():
        if digests[path] != file.sha256:
            detail = f"sha256 {digests[path][:12]}..., expected {file.sha256[:12]}..."
            findings[path] = FileDifference(path=path, problem="changed", detail=detail)
    return tuple(findings[path] for path in sorted(findings))
