"""Locks references to exact files, and downloads locked models ahead of time."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import replace
from pathlib import Path

from holotype.atomic_file import flush_folder, replace_file
from holotype.encoders.artifact import open_artifact
from holotype.encoders.names import as_reference
from holotype.errors import ArtifactError, ArtifactExistsError
from holotype.publishing.contents import CreationOptions
from holotype.publishing.creating import create_artifact
from holotype.records import ModelInfo
from holotype.references.cache import CACHE_VARIABLE, cached_artifact
from holotype.references.folders import find_folder
from holotype.references.hashing import OnTotal
from holotype.references.lock_file import LockedModel
from holotype.references.locks import exclusive, remove_lock
from holotype.references.manifest import Manifest
from holotype.references.object_store import ObjectFolder
from holotype.references.paths import MANIFEST_FILE
from holotype.references.pulling import fetch_to_cache
from holotype.references.ref import ModelRef


def lock_model(
    ref: ModelRef | ModelInfo | str | os.PathLike[str], *, on_total: OnTotal = lambda _: None
) -> LockedModel:
    """Return the lock entry of a reference now, after reading every byte.

    Anything not on this machine is downloaded into the cache.

    Args:
        ref: a reference, a record of any catalogue, a name of holotype's own, or the path of an
            artifact.
        on_total: shows the progress.

    Raises:
        ArtifactNotFoundError: there is nothing, or a folder that is not an artifact.
        ArtifactError: it is damaged or unavailable.
        CheckpointError: a repository is damaged or unavailable.
    """
    ref = as_reference(ref)
    if ref.scheme in ("hf", "catalogue"):
        return LockedModel.of(ref, _made_in_cache(ref, ref, on_total))
    folder = find_folder(ref, on_total=on_total)
    return LockedModel.of(ref, open_artifact(folder, verify="full", on_total=on_total))


def fetch_locked(locked: LockedModel, *, on_total: OnTotal = lambda _: None) -> Path:
    """Return the folder of a locked model, downloading it if needed.

    Every byte is compared with the lock.

    Raises:
        LockMismatchError: the local copy or its source differs from the lock.
        ArtifactError: it is damaged or unavailable.
        CheckpointError: a repository is damaged or unavailable.
    """
    ref = locked.reference
    folder = find_folder(ref) if ref.scheme == "local" else cached_artifact(locked.digest)
    if not folder.is_dir():
        if ref.scheme in ("hf", "catalogue"):
            at_commit = replace(ref, revision=locked.commit) if ref.scheme == "hf" else ref
            locked.compare(LockedModel.of(ref, _made_in_cache(at_commit, ref, on_total)))
        else:
            # Check before downloading gigabytes for nothing.
            locked.compare(LockedModel.of(ref, ObjectFolder(ref).manifest()))
            folder = fetch_to_cache(ref, on_total=on_total)
    locked.compare(LockedModel.of(ref, open_artifact(folder, verify="full")))
    return folder


def _made_in_cache(source: ModelRef, ref: ModelRef, on_total: OnTotal) -> Manifest:
    """Create an artifact of a repository in the cache.

    Args:
        source: the source of the files, one commit of `ref`.
        ref: the reference for the manifest.
        on_total: shows the progress.
    """
    name = hashlib.sha256(str(source).encode()).hexdigest()[:16]
    made = cached_artifact(f"making-{name}")
    lock = made.with_name(f".{made.name}.made.lock")
    try:
        made.parent.mkdir(parents=True, exist_ok=True)
        with exclusive(lock, busy=f"another process fetches {source}"):
            try:
                return _make(source, ref, made, on_total)
            finally:
                remove_lock(lock)
    except OSError as error:
        raise ArtifactError(
            str(made.parent),
            f"cannot be written: {error.strerror or error}; see that the cache has room and may be "
            f"written, or name another folder: {CACHE_VARIABLE}=FOLDER",
        ) from error


def _make(source: ModelRef, ref: ModelRef, made: Path, on_total: OnTotal) -> Manifest:
    """Make an artifact at a path, then move it to its place in the cache; see `_made_in_cache`."""
    if made.is_dir():
        # An earlier run was interrupted between the two steps below.
        shutil.rmtree(made)
    manifest = create_artifact(source, made, CreationOptions(), on_total=on_total)
    manifest = replace(manifest, reference=ref)
    replace_file(made / MANIFEST_FILE, manifest.to_json().encode())
    folder = cached_artifact(manifest.digest)
    if folder.is_dir():
        shutil.rmtree(made)
        return manifest
    try:
        made.rename(folder)
    except OSError as error:
        raise ArtifactExistsError(
            str(folder), f"another process makes it, too ({error.strerror}); run this again"
        ) from error
    flush_folder(folder.parent)
    return manifest
