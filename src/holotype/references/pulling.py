"""From an object store to a folder: whole, checked, in one step, and going on where it stopped."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

from holotype.errors import ArtifactError, ArtifactExistsError, ObjectStoreError
from holotype.references.cache import cached_artifact
from holotype.references.checking import OnBytes
from holotype.references.manifest import FileEntry, Manifest
from holotype.references.object_store import ObjectFolder
from holotype.references.paths import MANIFEST_FILE
from holotype.references.ref import ModelRef
from holotype.references.staging import keep_only, refuse_existing, stage_folder

OnTotal: TypeAlias = Callable[[int], OnBytes | None]
"""Is told how many bytes will pass, and returns what is told of those that have."""

MAX_BYTES = 200_000_000_000
"""The largest artifact that is fetched unless another bound is given."""

_BLOCK_BYTES = 8 << 20
_N_THREADS = 8


def pull_artifact(
    ref: ModelRef,
    target: Path,
    *,
    max_bytes: int = MAX_BYTES,
    on_total: OnTotal = lambda _: None,
    wait: bool = False,
) -> Manifest:
    """Fetch an artifact from an object store into a folder.

    Every byte is compared with the manifest. The folder appears in one step when it is whole; where
    the work is interrupted, the next run goes on with what was fetched.

    Args:
        ref: where the artifact is.
        target: the folder to make.
        max_bytes: the largest artifact to fetch.
        on_total: shows the progress.
        wait: whether to wait for another process that fetches to the same folder.

    Returns:
        The manifest.

    Raises:
        ArtifactExistsError: there is something at the target.
        ArtifactNotFoundError: the store has no such artifact.
        ManifestError: its manifest is damaged, or made to do harm.
        ObjectStoreError: the store refuses, or has other bytes than the manifest says.
        ArtifactError: it is too large.
        MissingExtraError: the package for this kind of store is not installed.
    """
    refuse_existing(target)
    objects = ObjectFolder(ref)
    return _pulled(objects, objects.manifest(), target, max_bytes, on_total, wait=wait)


def fetch_to_cache(ref: ModelRef) -> Path:
    """Return the folder of the cache with the artifact that is at a reference now.

    The cache goes by the artifact's digest: what is there already is not fetched again.

    Raises:
        ArtifactError: see `pull_artifact`.
    """
    objects = ObjectFolder(ref)
    manifest = objects.manifest()
    folder = cached_artifact(manifest.digest)
    if folder.is_dir():
        return folder
    try:
        _pulled(objects, manifest, folder, MAX_BYTES, lambda _: None, wait=True)
    except ArtifactExistsError:
        # Another process was faster.
        return folder
    return folder


def _pulled(
    objects: ObjectFolder,
    manifest: Manifest,
    target: Path,
    max_bytes: int,
    on_total: OnTotal,
    *,
    wait: bool,
) -> Manifest:
    if manifest.size > max_bytes:
        raise ArtifactError(
            objects.location,
            f"has {manifest.size:,} bytes, more than the {max_bytes:,} that may be fetched; allow "
            "more with --max-bytes",
        )
    try:
        with stage_folder(target, wait=wait) as staging:
            free = shutil.disk_usage(staging).free
            if manifest.size > free:
                raise ArtifactError(
                    str(target), f"{manifest.size:,} bytes are needed, and {free:,} are free"
                )
            keep_only(staging, {file.path for file in manifest.files})
            on_bytes = on_total(manifest.size)
            with ThreadPoolExecutor(max_workers=_N_THREADS) as pool:
                fetches = [
                    pool.submit(fetch_file, objects, file, staging / file.path, on_bytes)
                    for file in sorted(manifest.files, key=lambda file: -file.size)
                ]
                try:
                    for fetch in fetches:
                        fetch.result()
                except BaseException:
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise
            (staging / MANIFEST_FILE).write_text(manifest.to_json(), encoding="utf-8")
    except OSError as error:
        where = error.filename or target
        raise ArtifactError(str(where), f"cannot be written: {error.strerror}") from error
    return manifest


def fetch_file(
    objects: ObjectFolder, file: FileEntry, target: Path, on_bytes: OnBytes | None
) -> None:
    """Fetch an object into a file, after the bytes that an earlier run has left there.

    Raises:
        ObjectStoreError: the object is not what the manifest says; the file is deleted.
        OSError: the file cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    went_on = target.exists()
    size, sha256 = _fetched(objects, file, target, on_bytes)
    if went_on and sha256 != file.sha256:
        # What was left there may have been of another artifact.
        target.unlink()
        size, sha256 = _fetched(objects, file, target, None)
    if sha256 != file.sha256:
        target.unlink()
        raise ObjectStoreError(
            f"{objects.location}/{file.path}",
            f"{size:,} bytes with the sha256 {sha256[:12]}... came, expected {file.size:,} with "
            f"{file.sha256[:12]}...; the object was changed after it was pushed",
        )


def _fetched(
    objects: ObjectFolder, file: FileEntry, target: Path, on_bytes: OnBytes | None
) -> tuple[int, str]:
    """Go on with a file, and return its size and its digest."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    digest, at = hashlib.sha256(), 0
    with os.fdopen(os.open(target, flags, 0o644), "r+b") as written:
        while block := written.read(_BLOCK_BYTES):
            digest.update(block)
        at = written.tell()
        if on_bytes is not None:
            on_bytes(min(at, file.size))
        while at < file.size:
            block = objects.read(file.path, at, min(at + _BLOCK_BYTES, file.size))
            if not block:
                break
            digest.update(block)
            written.write(block)
            at += len(block)
            if on_bytes is not None:
                on_bytes(len(block))
    return at, digest.hexdigest()
