"""Open a reference: find the record and the files of the model that it names.

Each kind of reference has one source. If that fails, no other is tried.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.config import look_up
from holotype.encoders.kinds.derived_record import derive_record
from holotype.errors import (
    AmbiguousModelError,
    ArtifactDamagedError,
    ArtifactError,
    MissingExtraError,
    ModelNotFoundError,
)
from holotype.records import ModelInfo
from holotype.references.checking import OnBytes, check_contents, check_sizes
from holotype.references.folders import find_folder
from holotype.references.lock_file import LockedModel, lock_of_environment, locked_folder
from holotype.references.manifest import Manifest, read_manifest
from holotype.references.paths import MANIFEST_FILE
from holotype.references.ref import ModelRef

Verify: TypeAlias = Literal["sizes", "full"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedModel:
    """The model that a reference names.

    Attributes:
        record: the description of the model.
        checkpoint: its files; None means those of the record's pinned revision, not fetched yet.
        manifest: the artifact's manifest; None if the files are not an artifact.
    """

    record: ModelInfo
    checkpoint: Checkpoint | None
    manifest: Manifest | None = None


def open_reference(
    ref: ModelRef, *, verify: Verify = "sizes", with_code: bool = False, lock: Path | None = None
) -> OpenedModel:
    """Return the record and the folder that a reference names.

    Args:
        ref: the reference.
        verify: how to compare the files of an artifact with its manifest: ``"sizes"`` takes
            milliseconds, ``"full"`` reads every byte.
        with_code: whether to fetch a repository's Python files, too.
        lock: the lock file that fixes what the reference means; None uses the file that
            HOLOTYPE_LOCK names, if it is set.

    Raises:
        LockMismatchError: the model is not the one that was locked.
        NotLockedError: the lock file does not name the reference.
        ModelNotFoundError: the catalogue has no such id.
        ArtifactError: the folder, or the artifact in it, is missing or damaged.
        CheckpointError: the files cannot be fetched, or do not show what kind of model they hold.
        MissingExtraError: huggingface_hub is not installed.
    """
    if verify not in ("sizes", "full"):
        raise ValueError(f"unknown verify {verify!r}; expected 'sizes' or 'full'")
    lock = lock or lock_of_environment()
    if lock is not None:
        return _open_locked(ref, lock, verify)
    if ref.scheme == "catalogue":
        return OpenedModel(record=look_up(ref.location), checkpoint=None)
    if ref.scheme == "hf":
        return _open_repository(ref, with_code=with_code)
    folder = find_folder(ref)
    if (folder / MANIFEST_FILE).exists():
        manifest = open_artifact(folder, verify=verify)
        return OpenedModel(record=manifest.record, checkpoint=Checkpoint(folder), manifest=manifest)
    name = folder.resolve().name
    checkpoint = Checkpoint(folder)
    return OpenedModel(record=derive_record(checkpoint, name=name), checkpoint=checkpoint)


def _open_locked(ref: ModelRef, lock: Path, verify: Verify) -> OpenedModel:
    folder, locked = locked_folder(ref, lock)
    manifest = open_artifact(folder, verify=verify)
    locked.compare(LockedModel.of(ref, manifest))
    return OpenedModel(record=manifest.record, checkpoint=Checkpoint(folder), manifest=manifest)


def open_artifact(
    folder: Path, *, verify: Verify = "sizes", on_bytes: OnBytes | None = None
) -> Manifest:
    """Check the files of an artifact against its manifest, and return the manifest.

    Raises:
        ArtifactNotFoundError: the folder is not an artifact.
        ManifestError: its manifest is damaged or malicious.
        ArtifactDamagedError: its files differ from the manifest; the error names each.
    """
    manifest = read_manifest(folder)
    try:
        if verify == "full":
            findings = check_contents(folder, manifest, on_bytes=on_bytes)
        else:
            findings = check_sizes(folder, manifest)
    except OSError as error:
        raise ArtifactError(str(folder), f"cannot be read: {error}") from error
    if findings:
        raise ArtifactDamagedError(str(folder), findings)
    return manifest


def known_record(ref: ModelRef, commit: str | None) -> ModelInfo | None:
    """Return the catalogue's record of a repository, at a commit; None if there is none.

    Raises:
        ArtifactError: the catalogue has several records of this repository.
    """
    from holotype.models import get_model_by_hf_id

    try:
        record = get_model_by_hf_id(ref.location)
    except ModelNotFoundError:
        return None
    except AmbiguousModelError as error:
        spelt = " or ".join(f"catalogue:{id}" for id in error.ids)
        raise ArtifactError(
            str(ref), f"is run in several ways, and the reference does not say which; name {spelt}"
        ) from None
    return record if record.revision == commit else replace(record, revision=commit)


def _open_repository(ref: ModelRef, *, with_code: bool) -> OpenedModel:
    # By name, so that type checkers do not follow huggingface_hub and its imports.
    try:
        source = importlib.import_module("holotype.encoders.checkpoints.repository")
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing != "huggingface_hub":
            raise
        raise MissingExtraError("hub", missing, f"opening {ref}") from error
    folder: Path = source.find_repository(ref.location, ref.revision, with_code=with_code)
    checkpoint = Checkpoint(folder)
    record = known_record(ref, folder.name)
    if record is None:
        name = ref.location.rpartition("/")[2]
        record = derive_record(
            checkpoint, name=name, huggingface_id=ref.location, revision=folder.name
        )
    return OpenedModel(record=record, checkpoint=checkpoint)
