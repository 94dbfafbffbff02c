"""Pulls an artifact from an object store: checked, resumable, and visible in one step."""

from __future__ import annotations

import hashlib
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from holotype.errors import ArtifactError, ArtifactExistsError, ObjectStoreError
from holotype.references.cache import cached_artifact
from holotype.references.hashing import OnBytes, OnTotal
from holotype.references.manifest import FileEntry, Manifest
from holotype.references.object_store import ObjectFolder
from holotype.references.paths import MANIFEST_FILE
from holotype.references.ref import ModelRef
from holotype.references.staging import keep_only, refuse_occupied, stage_folder

MAX_BYTES = 200_000_000_000
"""The default limit on the size of a downloaded artifact."""

_BLOCK_BYTES = 8 << 20
_N_THREADS = 8


def pull_artifact(
    ref: ModelRef,
    target: Path,
    *,
    max_bytes: int = MAX_BYTES,
    on_total: OnTotal = lambda _: None,
) -> Manifest:
    """Download an artifact from an object store into a folder.

    Every byte is compared with the manifest. The folder appears in one step when it is complete.
    After an interruption, the next run continues with what was downloaded.

    Args:
        ref: the artifact.
        target: the folder to create; an empty one may be there.
        max_bytes: the largest artifact to download.
        on_total: shows the progress.

    Returns:
        The manifest.

    Raises:
        ArtifactExistsError: the target is something else than an empty folder.
        ArtifactNotFoundError: the store has no such artifact.
        ManifestError: its manifest is damaged or malicious.
        ObjectStoreError: the store refuses, or its bytes differ from the manifest.
        ArtifactError: it is too large.
        MissingExtraError: the package for this kind of store is not installed.
    """
    refuse_occupied(target)
    objects = ObjectFolder(ref)
    return _pulled(objects, objects.manifest(), target, max_bytes, on_total, wait=False)


def fetch_to_cache(ref: ModelRef, *, on_total: OnTotal = lambda _: None) -> Path:
    """Return the cache folder of the artifact that a reference names now.

    The cache uses the artifact's digest as its key, so nothing is downloaded twice.

    Args:
        ref: the artifact.
        on_total: shows the progress of a download.

    Raises:
        ArtifactError: see `pull_artifact`.
    """
    objects = ObjectFolder(ref)
    manifest = objects.manifest()
    folder = cached_artifact(manifest.digest)
    if folder.is_dir():
        return folder
    try:
        _pulled(objects, manifest, folder, MAX_BYTES, on_total, wait=True)
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
            f"more with: holotype artifact pull {objects.location} --to PATH --max-bytes SIZE "
            "(max_bytes= of pull_artifact)",
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
    """Download an object into a file, after the bytes that an earlier run left there.

    Raises:
        ObjectStoreError: the object differs from the manifest; the file is deleted.
        OSError: the file cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    went_on = target.exists()
    size, sha256 = _fetched(objects, file, target, on_bytes)
    if went_on and sha256 != file.sha256:
        # The leftover may belong to another artifact.
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
    """Continue a file, and return its size and digest."""
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
