"""Gathers the files of a model from a repository on the Hub, or from the Hub's cache."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from holotype.encoders.checkpoints.repository import find_repository
from holotype.encoders.checkpoints.source import how_to_make_artifact
from holotype.encoders.config import look_up_reference
from holotype.encoders.opening import known_record
from holotype.errors import CheckpointError, HubUnreachableError
from holotype.hub.client import HubClient
from holotype.publishing.contents import CreationOptions, Gathered
from holotype.publishing.downloading import fetch_repository
from holotype.publishing.from_folder import gather_folder
from holotype.records import ModelInfo
from holotype.references.hashing import OnTotal
from holotype.references.ref import ModelRef


def gather_repository(
    ref: ModelRef, staging: Path, options: CreationOptions, on_total: OnTotal
) -> Gathered:
    """Download the files that a model needs, except those that an earlier run downloaded.

    If the Hub is unreachable, a commit that is complete in its cache is taken from there, but never
    a branch or a tag.

    Raises:
        ModelNotFoundError: the catalogue has no such id.
        ArtifactError: the repository has several catalogue entries, or is too large.
        CheckpointError: the files are unavailable, or their bytes differ from the Hub's digests.
    """
    record, name, revision = _named(ref)
    client = HubClient()
    try:
        repository = client.repository(name, revision)
    except HubUnreachableError:
        if record is None and not ref.is_commit:
            raise
        known = record or known_record(ref, revision)
        folder = find_repository(name, revision, with_code=options.trust_remote_code, record=known)
        commit, gathered = folder.name, gather_folder(folder, staging, options, on_total)
    else:
        commit = repository.commit
        files = fetch_repository(
            client,
            repository,
            staging,
            with_pickles=options.convert_pickles,
            with_code=options.trust_remote_code,
            largest_bytes=options.max_bytes,
            on_total=on_total,
        )
        location = f"{repository.id}@{commit}"
        gathered = Gathered(location=location, record=None, commit=commit, files=files)
    found = record or known_record(ref, commit)
    return replace(gathered, record=found, commit=commit)


def _named(ref: ModelRef) -> tuple[ModelInfo | None, str, str | None]:
    if ref.scheme == "hf":
        return None, ref.location, ref.revision
    record = look_up_reference(ref)
    if not record.is_on_hub:
        raise CheckpointError(
            str(ref),
            "was made of a folder, and is not on the Hub; make an artifact of the folder and name "
            f"that: {how_to_make_artifact(record)}",
        )
    if record.revision is None:
        raise CheckpointError(
            str(ref),
            "its entry pins no revision, and a branch may change at any time; name one, as "
            f"hf:{record.huggingface_id}@COMMIT",
        )
    return record, record.huggingface_id, record.revision
