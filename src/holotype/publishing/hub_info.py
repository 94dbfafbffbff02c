"""Describes a repository on the Hub or in the Hub's cache."""

from __future__ import annotations

from dataclasses import replace

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.repository import cached_repository
from holotype.encoders.config import look_up_reference
from holotype.encoders.kinds.derived_record import recognise_kind
from holotype.encoders.opening import known_record
from holotype.errors import HubUnreachableError
from holotype.hub.adding import statements
from holotype.hub.checkpoint_files import CheckpointFiles, open_repository
from holotype.hub.client import HubClient
from holotype.hub.fields import empty_record
from holotype.publishing.describing import describe_with_sources, labels_of, with_statements
from holotype.publishing.info import (
    ReferencedModel,
    folder_info,
    measure_headers,
    needed_files,
    without_files,
)
from holotype.records import ModelInfo
from holotype.references.ref import ModelRef


def repository_info(ref: ModelRef) -> ReferencedModel:
    """Return the model that a reference to the Hub or to the catalogue names.

    A commit in the cache needs no connection; a branch or a tag does.

    Raises:
        CheckpointError: the kind of model is unclear, or the Hub does not answer.
    """
    record = look_up_reference(ref) if ref.scheme == "catalogue" else None
    if record is not None and not record.is_on_hub:
        return without_files(ref, record, "the entry was made of a folder, and is not on the Hub")
    name = record.huggingface_id if record else ref.location
    revision = record.revision if record else ref.revision
    if record is not None or ref.is_commit:
        known = record or known_record(ref, revision)
        folder = cached_repository(name, revision, known) if revision else None
        if folder is not None:
            found = known or describe_with_sources(
                Checkpoint(folder),
                name=name.rpartition("/")[2],
                huggingface_id=name,
                revision=revision,
            )
            return folder_info(ref, found, folder, availability="cached", commit=revision)
    try:
        with open_repository(HubClient(), name, revision) as files:
            return _remote_info(ref, record, files)
    except HubUnreachableError as error:
        record = record or known_record(ref, revision)
        if record is None:
            raise
        return without_files(ref, record, error.problem)


def _remote_info(
    ref: ModelRef, record: ModelInfo | None, files: CheckpointFiles
) -> ReferencedModel:
    sizes = files.repository.sizes if files.repository else {}
    commit = files.repository.commit if files.repository else None
    record = record or known_record(ref, commit) or _described(ref, files, commit)
    parameters, dtype, memory = measure_headers(files.headers)
    return ReferencedModel(
        reference=ref,
        availability="remote",
        record=record,
        commit=commit,
        labels=labels_of(record, files.checkpoint),
        parameters=parameters or record.parameters,
        dtype=dtype,
        size_bytes=sum(sizes[name] or 0 for name in needed_files(files.names, files.folder)),
        memory_bytes=memory,
    )


def _described(ref: ModelRef, files: CheckpointFiles, commit: str | None) -> ModelInfo:
    kind = recognise_kind(files.checkpoint)
    said, _ = statements(files, ref.location, kind)
    return with_statements(replace(empty_record(ref.location, kind), revision=commit), said)
