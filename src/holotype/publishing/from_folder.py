"""Gathers the files of a model from a local folder."""

from __future__ import annotations

import shutil
from pathlib import Path

from holotype.encoders.artifact import open_artifact
from holotype.encoders.checkpoints.hub_cache import find_snapshot, require_digests
from holotype.errors import ArtifactDamagedError, ArtifactError, FileDifference
from holotype.publishing.contents import CreationOptions, Gathered
from holotype.publishing.copying import copy_files, git_sha1, list_files, real_files
from holotype.publishing.selection import select_files
from holotype.references.hashing import OnTotal
from holotype.references.manifest import Manifest
from holotype.references.paths import check_distinct
from holotype.references.staging import clear


def gather_folder(
    folder: Path, staging: Path, options: CreationOptions, on_total: OnTotal
) -> Gathered:
    """Copy the files that a model needs.

    In a snapshot of the Hub's cache, each file is compared with the digest in its name.

    Raises:
        CheckpointError: there are no weights, or the cache is damaged.
        UnsafeCheckpointError: there are only pickled weights, and those are not allowed.
        UnsafePathError: a link leads out of the folder, or a name is unsafe.
        ArtifactError: the disk has no room.
    """
    selected = select_files(
        list_files(folder),
        folder,
        location=str(folder),
        with_pickles=options.convert_pickles,
        with_code=options.trust_remote_code,
    )
    check_distinct(selected, str(folder))
    sources = real_files(folder, selected)
    clear(staging)
    n_bytes = sum(source.stat().st_size for source in sources.values())
    _require_space(staging, folder, n_bytes, options)
    on_bytes = on_total(n_bytes)
    files = copy_files(sources, staging, link=options.link, on_bytes=on_bytes)
    snapshot = find_snapshot(folder)
    if snapshot is not None:
        sha256 = {file.path: file.sha256 for file in files}
        require_digests(
            snapshot,
            sha256,
            sha256_of=sha256.__getitem__,
            git_sha1_of=lambda name: git_sha1(staging / name),
        )
    return Gathered(location=str(folder), record=None, commit=None, files=files)


def copy_artifact(
    folder: Path, staging: Path, options: CreationOptions, on_total: OnTotal
) -> Manifest:
    """Copy an artifact, and compare every byte with its manifest on the way.

    Raises:
        ManifestError: the manifest is damaged or malicious.
        ArtifactDamagedError: the files differ from it.
    """
    # Every byte is compared as it is copied.
    manifest = open_artifact(folder, verify="sizes")
    clear(staging)
    _require_space(staging, folder, manifest.size, options)
    sources = {file.path: folder / file.path for file in manifest.files}
    copied = copy_files(sources, staging, link=options.link, on_bytes=on_total(manifest.size))
    findings = [
        FileDifference(path=ours.path, problem="changed", detail=f"sha256 {ours.sha256[:12]}...")
        for ours, stated in zip(copied, manifest.files, strict=True)
        if ours != stated
    ]
    if findings:
        raise ArtifactDamagedError(str(folder), findings)
    return manifest


def _require_space(staging: Path, folder: Path, n_bytes: int, options: CreationOptions) -> None:
    """Refuse to begin with copies for which the disk has no room."""
    if options.link and staging.stat().st_dev == folder.stat().st_dev:
        return
    free = shutil.disk_usage(staging).free
    if n_bytes > free:
        raise ArtifactError(
            str(staging.parent),
            f"has {free:,} bytes free, and the files of the artifact take {n_bytes:,}; make room, "
            "or name a target on another disk",
        )
