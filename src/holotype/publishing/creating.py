"""Creates an artifact from a reference."""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from holotype.encoders.artifact import is_artifact
from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.remote_code import code_policy
from holotype.encoders.completeness import check_complete, check_weights
from holotype.encoders.config import look_up
from holotype.encoders.copies import find_original, find_resemblance
from holotype.encoders.fingerprint import fingerprint
from holotype.encoders.kinds.planning import make_plan
from holotype.encoders.names import as_reference
from holotype.errors import ArtifactError, LocatedError, LostPromptWarning, MissingExtraError
from holotype.publishing.contents import CreationOptions, Gathered
from holotype.publishing.describing import describe, labels_of, refuse_own_code
from holotype.publishing.from_folder import copy_artifact, gather_folder
from holotype.publishing.pickles import convert_pickles
from holotype.records import ModelInfo
from holotype.references.folders import find_folder
from holotype.references.hashing import OnTotal
from holotype.references.manifest import Manifest
from holotype.references.paths import MANIFEST_FILE
from holotype.references.ref import ModelRef
from holotype.references.staging import clear, keep_only, refuse_occupied, stage_folder


def create_artifact(
    ref: ModelRef | ModelInfo | str | os.PathLike[str],
    target: Path,
    options: CreationOptions | None = None,
    *,
    on_total: OnTotal = lambda _: None,
) -> Manifest:
    """Create an artifact: a folder with everything needed to run a model, and its manifest.

    The folder appears in one step when it is complete and verified. After an interruption, nothing
    is at the target, and the next run continues with what was downloaded.

    Args:
        ref: the source of the model: a reference, a record of any catalogue, a name of holotype's
            own, or the path of a folder.
        target: the folder to create; an empty one may be there.
        options: what to include, and how.
        on_total: shows the progress.

    Returns:
        The manifest.

    Raises:
        ArtifactExistsError: the target is something else than an empty folder.
        InvalidReferenceError: a text is not a reference.
        ArtifactError: the source is missing or damaged.
        CheckpointError: the files are unavailable, damaged, or could run code.
        CatalogueMismatchError: the catalogue and the files disagree about how to run the model.
        MissingExtraError: the source is the Hub, and huggingface_hub is not installed.
    """
    ref = as_reference(ref)
    options = options or CreationOptions()
    refuse_occupied(target)
    with _explained(target), stage_folder(target) as staging:
        manifest = _fill(staging, ref, options, on_total)
        keep_only(staging, {file.path for file in manifest.files})
        (staging / MANIFEST_FILE).write_text(manifest.to_json(), encoding="utf-8")
    return manifest


def _fill(staging: Path, ref: ModelRef, options: CreationOptions, on_total: OnTotal) -> Manifest:
    if ref.scheme in ("hf", "catalogue"):
        if options.entry is not None:
            raise ValueError(f"{ref} has a record of its own; entry= is for folders")
        return _manifest(ref, _from_hub(ref, staging, options, on_total), staging, options)
    try:
        return _fill_from_folder(staging, ref, options, on_total)
    except BaseException:
        # Copies are quick to repeat; only downloads are worth keeping.
        clear(staging)
        raise


def _fill_from_folder(
    staging: Path, ref: ModelRef, options: CreationOptions, on_total: OnTotal
) -> Manifest:
    folder = find_folder(ref)
    if is_artifact(folder):
        if options.entry is not None:
            raise ValueError(f"{ref} is an artifact and has a record; entry= is for plain folders")
        return copy_artifact(folder, staging, options, on_total)
    gathered = gather_folder(folder, staging, options, on_total)
    checkpoint = Checkpoint(folder)
    record = find_original(checkpoint) if options.entry is None else _entry(options.entry)
    manifest = _manifest(ref, replace(gathered, record=record), staging, options)
    if record is None:
        _warn_of_lost_prompts(manifest.record, checkpoint)
    return manifest


def _entry(entry: ModelInfo | str) -> ModelInfo:
    return look_up(entry) if isinstance(entry, str) else entry


def _warn_of_lost_prompts(record: ModelInfo, checkpoint: Checkpoint) -> None:
    """Warn where a folder without prompts seems to hold a model that has some."""
    found = find_resemblance(make_plan(record, checkpoint))
    if found is not None:
        warnings.warn(
            f"{checkpoint.location} {found.loss}; to keep them in the artifact, name the entry: "
            f"CreationOptions(entry={found.record.id!r}), or --entry {found.record.id}",
            LostPromptWarning,
            # The caller of create_artifact().
            stacklevel=5,
        )


def _from_hub(
    ref: ModelRef, staging: Path, options: CreationOptions, on_total: OnTotal
) -> Gathered:
    if find_spec("huggingface_hub") is None:
        raise MissingExtraError("hub", "huggingface_hub", f"fetching {ref}")
    # By name, so type checkers do not read huggingface_hub and everything that it imports.
    from_hub = importlib.import_module("holotype.publishing.from_hub")
    gathered: Gathered = from_hub.gather_repository(ref, staging, options, on_total)
    return gathered


def _manifest(
    ref: ModelRef, gathered: Gathered, staging: Path, options: CreationOptions
) -> Manifest:
    """Return the manifest of the gathered files, checking that record and files agree."""
    try:
        return _checked(ref, gathered, staging, options)
    except LocatedError as error:
        # The copies are not for the user to look at.
        error.rename(str(staging), gathered.location)
        raise


def _checked(
    ref: ModelRef, gathered: Gathered, staging: Path, options: CreationOptions
) -> Manifest:
    files = convert_pickles(staging, gathered.files)
    checkpoint = Checkpoint(staging, location=gathered.location)
    record = gathered.record or describe(
        checkpoint,
        name=ref.location.rstrip("/").rpartition("/")[2] or "model",
        huggingface_id=ref.location if ref.scheme == "hf" else "",
        revision=gathered.commit,
    )
    policy = code_policy(record, trusted=options.trust_remote_code)
    checkpoint = checkpoint.with_policy(policy)
    refuse_own_code(checkpoint)
    plan = make_plan(record, checkpoint)
    check_complete(plan)
    check_weights(plan)
    digest = fingerprint(
        plan,
        dim=record.embedding_dim,
        with_code=policy == "run",
        digests={file.path: file.sha256 for file in files},
    )
    return Manifest(
        reference=ref,
        commit=gathered.commit,
        record=record,
        files=files,
        fingerprint=digest,
        labels=labels_of(record, checkpoint),
        created=datetime.now(UTC).replace(microsecond=0),
        tool=_tool(),
    )


def _tool() -> str:
    try:
        return f"holotype {version('holotype')}"
    except PackageNotFoundError:
        return "holotype"


@contextmanager
def _explained(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if isinstance(error, MissingExtraError):
            raise
        named = str(error.filename or target)
        where = target if f".{target.name}.partial" in Path(named).parts else named
        raise ArtifactError(str(where), f"cannot be read or written: {error.strerror}") from error
