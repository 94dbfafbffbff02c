"""Gathering the files of a model from a repository on the Hub, or from the Hub's cache."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from holotype.artifacts.downloading import fetch_repository
from holotype.artifacts.from_folder import gather_folder
from holotype.artifacts.gathering import CreationOptions, Gathered, OnTotal
from holotype.encoders.checkpoints.repository import find_repository
from holotype.encoders.config import look_up
from holotype.encoders.opening import known_record
from holotype.errors import CheckpointError, HubUnreachableError
from holotype.hub.client import HubClient
from holotype.records import ModelInfo
from holotype.references.ref import ModelRef


def gather_repository(
    ref: ModelRef, staging: Path, options: CreationOptions, on_total: OnTotal
) -> Gathered:
    """Fetch the files that a model needs; what an earlier run fetched is not fetched again.

    Where the Hub does not answer, a commit that is whole in its cache is taken from there; what a
    branch or a tag stands for is not.

    Raises:
        ModelNotFoundError: the catalogue has no such id.
        ArtifactError: the catalogue runs the repository in several ways, or it is too large.
        CheckpointError: the files cannot be had, or have other bytes than the Hub says.
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
        gathered = Gathered(record=None, commit=commit, files=files)
    found = record or known_record(ref, commit)
    return replace(gathered, record=found, commit=commit)


def _named(ref: ModelRef) -> tuple[ModelInfo | None, str, str | None]:
    if ref.scheme == "hf":
        return None, ref.location, ref.revision
    record = look_up(ref.location)
    if record.revision is None:
        raise CheckpointError(
            str(ref),
            "its entry pins no revision, and a branch may change at any time; name one, as "
            f"hf:{record.huggingface_id}@COMMIT",
        )
    return record, record.huggingface_id, record.revision
