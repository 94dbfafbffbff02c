"""Pushes an artifact to an object store, with the manifest last."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from holotype.encoders.artifact import open_artifact
from holotype.errors import ArtifactExistsError, ArtifactNotFoundError, ObjectStoreError
from holotype.references.hashing import OnBytes, OnTotal
from holotype.references.manifest import FileEntry, Manifest
from holotype.references.object_store import ObjectFolder
from holotype.references.paths import MANIFEST_FILE
from holotype.references.ref import ModelRef

_BLOCK_BYTES = 8 << 20
_N_THREADS = 8


def push_artifact(folder: Path, ref: ModelRef, *, on_total: OnTotal = lambda _: None) -> Manifest:
    """Upload an artifact to an object store without overwriting anything.

    Every byte is compared with the manifest before, and read back and compared afterwards. The
    manifest goes last, so an unfinished push is not an artifact. The same call finishes it; it
    compares the objects already there instead of sending them again.

    Args:
        folder: the artifact.
        ref: the target, a prefix with nothing else in it.
        on_total: shows the progress.

    Returns:
        The manifest.

    Raises:
        ArtifactDamagedError: the folder differs from its manifest.
        ArtifactExistsError: something else is at the target.
        ObjectStoreError: the store refuses, is unreachable, or returns other bytes than were sent.
        MissingExtraError: the package for this kind of store is not installed.
    """
    manifest = open_artifact(folder, verify="full")
    objects = ObjectFolder(ref)
    if _is_there(objects, manifest):
        return manifest
    present = objects.sizes()
    if foreign := sorted(set(present) - {file.path for file in manifest.files}):
        raise _occupied(objects, foreign[0], "is not of this artifact")
    on_bytes = on_total(manifest.size)
    with ThreadPoolExecutor(max_workers=_N_THREADS) as pool:
        pushes = [
            pool.submit(_push_file, objects, folder, file, on_bytes)
            for file in sorted(manifest.files, key=lambda file: -file.size)
        ]
        try:
            for push in pushes:
                push.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    objects.create(MANIFEST_FILE, manifest.to_json().encode())
    # A concurrent push may have been first.
    if not _is_there(objects, manifest):
        raise ObjectStoreError(objects.location, "does not keep the manifest that was sent")
    return manifest


def _is_there(objects: ObjectFolder, manifest: Manifest) -> bool:
    try:
        there = objects.manifest()
    except ArtifactNotFoundError:
        return False
    if there.digest != manifest.digest:
        raise _occupied(objects, MANIFEST_FILE, f"is of another artifact, {there.digest[:19]}...")
    return True


def _push_file(
    objects: ObjectFolder, folder: Path, file: FileEntry, on_bytes: OnBytes | None
) -> None:
    created = objects.create_from(file.path, folder / file.path)
    # Some stores take it for an error to read behind the end of a shorter object.
    if not created and objects.sizes().get(file.path) != file.size:
        raise _occupied(objects, file.path, "has other contents")
    found = _digest(objects, file, on_bytes)
    if found == file.sha256:
        return
    if not created:
        raise _occupied(objects, file.path, "has other contents")
    raise ObjectStoreError(
        f"{objects.location}/{file.path}",
        f"read back, it has the sha256 {found[:12]}..., expected {file.sha256[:12]}...; delete it "
        "and push again",
    )


def _digest(objects: ObjectFolder, file: FileEntry, on_bytes: OnBytes | None) -> str:
    digest, at = hashlib.sha256(), 0
    while at < file.size:
        # Reading one byte more than expected reveals an object that is too long.
        end = at + _BLOCK_BYTES if at + _BLOCK_BYTES < file.size else file.size + 1
        block = objects.read(file.path, at, end)
        if not block:
            break
        digest.update(block)
        at += len(block)
        if on_bytes is not None:
            on_bytes(len(block))
    return digest.hexdigest()


def _occupied(objects: ObjectFolder, path: str, problem: str) -> ArtifactExistsError:
    return ArtifactExistsError(
        f"{objects.location}/{path}",
        f"{problem}, and nothing is overwritten; choose a prefix with nothing in it",
    )
