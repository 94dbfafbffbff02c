"""Locking references to exact files, and fetching what is locked before anything starts."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

from holotype.artifact_errors import ArtifactExistsError
from holotype.artifacts.creating import create_artifact
from holotype.artifacts.gathering import CreationOptions
from holotype.encoders.opening import open_artifact
from holotype.references.cache import cached_artifact
from holotype.references.checking import MANIFEST_FILE
from holotype.references.folders import find_folder
from holotype.references.lock_file import LockedModel
from holotype.references.locks import exclusive, remove_lock
from holotype.references.manifest import Manifest
from holotype.references.object_store import ObjectFolder
from holotype.references.pulling import OnTotal, fetch_to_cache
from holotype.references.ref import ModelRef


def lock_model(ref: ModelRef, *, on_total: OnTotal = lambda _: None) -> LockedModel:
    """Return what a reference stands for now, after reading every byte of it.

    What is not on this machine is fetched into the cache.

    Raises:
        ArtifactNotFoundError: there is nothing, or a folder that is no artifact.
        ArtifactError: it is damaged, or cannot be had.
        CheckpointError: a repository cannot be had, or is not sound.
    """
    if ref.scheme in ("hf", "catalogue"):
        return LockedModel.of(ref, _made_in_cache(ref, ref, on_total))
    return LockedModel.of(ref, open_artifact(find_folder(ref), verify="full"))


def fetch_locked(locked: LockedModel, *, on_total: OnTotal = lambda _: None) -> Path:
    """Return the folder of a locked model, fetched where it is not on this machine yet.

    Every byte is compared with the lock.

    Raises:
        LockMismatchError: what is there, or what its source has now, is something else.
        ArtifactError: it is damaged, or cannot be had.
        CheckpointError: a repository cannot be had, or is not sound.
    """
    ref = locked.reference
    folder = find_folder(ref) if ref.scheme == "local" else cached_artifact(locked.digest)
    if not folder.is_dir():
        if ref.scheme in ("hf", "catalogue"):
            at_commit = replace(ref, revision=locked.commit) if ref.scheme == "hf" else ref
            locked.compare(LockedModel.of(ref, _made_in_cache(at_commit, ref, on_total)))
        else:
            # Before gigabytes are fetched for nothing.
            locked.compare(LockedModel.of(ref, ObjectFolder(ref).manifest()))
            folder = fetch_to_cache(ref)
    locked.compare(LockedModel.of(ref, open_artifact(folder, verify="full")))
    return folder


def _made_in_cache(source: ModelRef, ref: ModelRef, on_total: OnTotal) -> Manifest:
    """Make an artifact of a repository in the cache.

    Args:
        source: where the files come from.
        ref: what the manifest names; the source is one commit of it.
        on_total: shows the progress.
    """
    name = hashlib.sha256(str(source).encode()).hexdigest()[:16]
    made = cached_artifact(f"making-{name}")
    made.parent.mkdir(parents=True, exist_ok=True)
    lock = made.with_name(f".{made.name}.made.lock")
    with exclusive(lock, busy=f"another process fetches {source}"):
        try:
            return _make(source, ref, made, on_total)
        finally:
            remove_lock(lock)


def _make(source: ModelRef, ref: ModelRef, made: Path, on_total: OnTotal) -> Manifest:
    """Make an artifact at a path, and move it to where the cache keeps it; see `_made_in_cache`."""
    if made.is_dir():
        # A run was interrupted between the two steps below.
        shutil.rmtree(made)
    manifest = create_artifact(source, made, CreationOptions(), on_total=on_total)
    manifest = replace(manifest, reference=ref)
    (made / MANIFEST_FILE).write_text(manifest.to_json(), encoding="utf-8")
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
    return manifest
