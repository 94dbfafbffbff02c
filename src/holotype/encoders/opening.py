"""Open a reference: find the record and the files of the model that it names.

Each kind of reference has one source. If that fails, no other is tried.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, replace
from pathlib import Path

from holotype.encoders.artifact import ComparedArtifact, Verify, compare_artifact, is_artifact
from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.remote_code import code_policy
from holotype.encoders.completeness import check_complete, check_weights
from holotype.encoders.config import look_up_reference
from holotype.encoders.copies import find_original
from holotype.encoders.kinds.derived_record import derive_record
from holotype.encoders.kinds.plan import AnyPlan
from holotype.encoders.kinds.planning import make_plan
from holotype.encoders.names import entry_of_repository
from holotype.errors import MissingExtraError
from holotype.records import ModelInfo
from holotype.references.folders import find_folder
from holotype.references.lock_file import LockedModel, lock_of_environment, locked_folder
from holotype.references.manifest import Manifest
from holotype.references.ref import ModelRef


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedModel:
    """The model that a reference names.

    Attributes:
        record: the description of the model.
        checkpoint: its files; None means those of the record's pinned revision, not fetched yet.
        artifact: the artifact that they are; None if they are none.
        is_derived: whether the record is only what the files say, because no catalogue has one.
    """

    record: ModelInfo
    checkpoint: Checkpoint | None
    artifact: ComparedArtifact | None = None
    is_derived: bool = False

    @property
    def manifest(self) -> Manifest | None:
        """The artifact's manifest; None if the files are not an artifact."""
        return None if self.artifact is None else self.artifact.manifest


def open_reference(
    ref: ModelRef, *, verify: Verify = "full", with_code: bool = False, lock: Path | None = None
) -> OpenedModel:
    """Return the record and the folder that a reference names.

    Args:
        ref: the reference.
        verify: how to compare the files of an artifact with its manifest: ``"full"`` reads every
            byte; ``"sizes"`` compares names and sizes, which is enough to describe it.
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
        return OpenedModel(record=look_up_reference(ref), checkpoint=None)
    if ref.scheme == "hf":
        return _open_repository(ref, with_code=with_code)
    folder = find_folder(ref)
    if is_artifact(folder):
        return _opened_artifact(compare_artifact(folder, verify=verify))
    checkpoint = Checkpoint(folder)
    original = find_original(checkpoint)
    record = original or derive_record(checkpoint, name=folder.resolve().name)
    return OpenedModel(record=record, checkpoint=checkpoint, is_derived=original is None)


def _open_locked(ref: ModelRef, lock: Path, verify: Verify) -> OpenedModel:
    folder, locked = locked_folder(ref, lock)
    artifact = compare_artifact(folder, verify=verify)
    locked.compare(LockedModel.of(ref, artifact.manifest))
    return _opened_artifact(artifact)


def _opened_artifact(artifact: ComparedArtifact) -> OpenedModel:
    checkpoint = Checkpoint(artifact.folder, digests=artifact.digests)
    return OpenedModel(record=artifact.manifest.record, checkpoint=checkpoint, artifact=artifact)


def check_loadable(folder: Path, manifest: Manifest, *, verify: Verify = "full") -> None:
    """Check that an artifact holds all that its model needs, as `load` would find it.

    Args:
        folder: the artifact.
        manifest: its manifest.
        verify: ``"sizes"`` reads the headers of the weights and the tokenizer; ``"full"`` asks torch
            as well, where it is installed, of every tensor whether it is missing.

    Raises:
        CheckpointError: a file is missing, damaged, or of another model.
        CatalogueMismatchError: the record and the files disagree.
        UnsupportedModelError: nothing says how the model is run.
    """
    plan = plan_of_artifact(folder, manifest)
    check_complete(plan)
    if verify == "full":
        check_weights(plan)


def plan_of_artifact(folder: Path, manifest: Manifest) -> AnyPlan:
    """Return how the model of an artifact is run, its files taken for those of the manifest.

    Code that the artifact includes is trusted.

    Raises:
        CheckpointError: a file is missing, damaged, or of another model.
        CatalogueMismatchError: the record and the files disagree.
        UnsupportedModelError: nothing says how the model is run.
    """
    with_code = any(file.path.endswith(".py") for file in manifest.files)
    policy = code_policy(manifest.record, trusted=with_code)
    digests = {file.path: file.sha256 for file in manifest.files}
    return make_plan(manifest.record, Checkpoint(folder, policy=policy, digests=digests))


def known_record(ref: ModelRef, commit: str | None) -> ModelInfo | None:
    """Return the catalogue's record of a repository, at a commit; None if there is none.

    Raises:
        ArtifactError: the catalogue has several records of this repository.
    """
    record = entry_of_repository(ref) if ref.record is None else ref.record
    if record is None or record.revision == commit:
        return record
    return replace(record, revision=commit)


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
    known = known_record(ref, folder.name)
    name = ref.location.rpartition("/")[2]
    record = known or derive_record(
        checkpoint, name=name, huggingface_id=ref.location, revision=folder.name
    )
    return OpenedModel(record=record, checkpoint=checkpoint, is_derived=known is None)
