"""Describes a reference without loading weights: kind, sizes, labels, licence, location."""

from __future__ import annotations

import importlib
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, TypeAlias

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.safetensors import (
    Header,
    count_parameters,
    read_header,
    stored_dtype,
)
from holotype.encoders.config import look_up_reference
from holotype.encoders.copies import find_original
from holotype.encoders.names import as_reference
from holotype.encoders.opening import open_reference
from holotype.errors import ArtifactError, MissingExtraError
from holotype.publishing.copying import list_files, real_files
from holotype.publishing.describing import describe_with_sources, labels_of
from holotype.publishing.selection import select_files
from holotype.records import ClassifierModel, Dtype, ModelInfo
from holotype.references.manifest import Manifest
from holotype.references.ref import ModelRef

Availability: TypeAlias = Literal["local", "cached", "remote", "unreachable"]

_FLOAT32_BYTES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferencedModel:
    """The model that a reference names; unknown values are None.

    Attributes:
        reference: the reference.
        availability: ``local``, in a folder on this machine; ``cached``, complete in the Hub's
            cache; ``remote``, on the Hub; ``unreachable``, if the Hub does not answer.
        problem: why the Hub does not answer.
        is_artifact: whether it is an artifact, with a manifest.
        record: the record of the model.
        commit: the commit.
        labels: the labels of a classifier, in the order of its outputs.
        parameters: the number of parameters.
        dtype: the type of most stored weights, such as ``float32``.
        size_bytes: the size of its files.
        memory_bytes: the memory for the weights in float32, the default of `load`; a batch needs
            memory on top.
        fingerprint: the fingerprint of the artifact.
    """

    reference: ModelRef
    availability: Availability
    problem: str | None = None
    is_artifact: bool = False
    record: ModelInfo
    commit: str | None = None
    labels: tuple[str, ...] = ()
    parameters: int | None = None
    dtype: Dtype | None = None
    size_bytes: int | None = None
    memory_bytes: int | None = None
    fingerprint: str | None = None


def get_model_info(ref: ModelRef | ModelInfo | str | os.PathLike[str]) -> ReferencedModel:
    """Describe a reference without loading or downloading weights.

    Raises:
        InvalidReferenceError: a text is not a reference.
        ModelNotFoundError: the catalogue has no such id.
        ArtifactError: the folder, or the artifact in it, is missing or damaged.
        CheckpointError: the kind of model is unclear, or the Hub does not answer.
        MissingExtraError: the source is the Hub, and huggingface_hub is not installed.
    """
    ref = as_reference(ref)
    if ref.scheme in ("hf", "catalogue"):
        return _on_hub(ref)
    opened = open_reference(ref, verify="sizes")
    checkpoint = opened.checkpoint or Checkpoint(Path())
    folder = checkpoint.folder
    if opened.manifest is not None:
        return artifact_info(ref, opened.manifest, folder)
    name = folder.resolve().name
    record = find_original(checkpoint) or describe_with_sources(checkpoint, name=name)
    return folder_info(ref, record, folder, availability="local")


def load_labels(ref: ModelRef | ModelInfo | str | os.PathLike[str]) -> tuple[str, ...]:
    """Return the labels of a classifier in the order of its outputs.

    Raises:
        ArtifactError: the model is not a classifier, or nothing names its labels.
        HolotypeError: see `get_model_info`.
    """
    ref = as_reference(ref)
    if ref.scheme == "catalogue":
        record = look_up_reference(ref)
        if isinstance(record, ClassifierModel) and record.labels:
            return record.labels
    info = get_model_info(ref)
    if not isinstance(info.record, ClassifierModel):
        raise ArtifactError(str(ref), f"is a {info.record.type} model, which has no labels")
    if not info.labels:
        problem = f": {info.problem}" if info.problem else ""
        raise ArtifactError(str(ref), f"nothing names the labels of this classifier{problem}")
    return info.labels


def artifact_info(ref: ModelRef, manifest: Manifest, folder: Path) -> ReferencedModel:
    """Describe an artifact."""
    names = Checkpoint(folder).all_weights
    parameters, dtype, memory = measure_headers(
        {name: read_header(folder / name) for name in names}
    )
    return ReferencedModel(
        reference=ref,
        availability="local",
        is_artifact=True,
        record=manifest.record,
        commit=manifest.commit,
        labels=manifest.labels,
        parameters=parameters or manifest.record.parameters,
        dtype=dtype,
        size_bytes=manifest.size,
        memory_bytes=memory,
        fingerprint=manifest.fingerprint,
    )


def folder_info(
    ref: ModelRef,
    record: ModelInfo,
    folder: Path,
    *,
    availability: Availability,
    commit: str | None = None,
) -> ReferencedModel:
    """Describe a plain checkpoint folder."""
    needed = needed_files(list_files(folder), folder)
    present = real_files(folder, needed)
    names = Checkpoint(folder).all_weights
    parameters, dtype, memory = measure_headers(
        {name: read_header(folder / name) for name in names}
    )
    return ReferencedModel(
        reference=ref,
        availability=availability,
        record=record,
        commit=commit,
        labels=labels_of(record, Checkpoint(folder)),
        parameters=parameters or record.parameters,
        dtype=dtype,
        size_bytes=sum(path.stat().st_size for path in present.values()),
        memory_bytes=memory,
    )


def needed_files(names: Collection[str], folder: Path) -> tuple[str, ...]:
    """Return the files that an artifact would include, whatever the format of the weights."""
    return select_files(names, folder, location=str(folder), with_pickles=True)


def measure_headers(headers: Mapping[str, Header]) -> tuple[int | None, Dtype | None, int | None]:
    """Return the number of parameters, the type of most of them, and their size in float32."""
    known = list(headers.values())
    if not any(known):
        return None, None, None
    parameters = count_parameters(known)
    memory = None if parameters is None else parameters * _FLOAT32_BYTES
    return parameters, stored_dtype(known), memory


def _on_hub(ref: ModelRef) -> ReferencedModel:
    if find_spec("huggingface_hub") is None:
        if ref.scheme == "catalogue":
            problem = "huggingface_hub is not installed"
            return without_files(ref, look_up_reference(ref), problem)
        raise MissingExtraError("hub", "huggingface_hub", f"describing {ref}")
    # By name, so type checkers do not read huggingface_hub and everything that it imports.
    hub_info = importlib.import_module("holotype.publishing.hub_info")
    info: ReferencedModel = hub_info.repository_info(ref)
    return info


def without_files(ref: ModelRef, record: ModelInfo, problem: str) -> ReferencedModel:
    """Return what the catalogue alone says of a model."""
    memory = None if record.parameters is None else record.parameters * _FLOAT32_BYTES
    return ReferencedModel(
        reference=ref,
        availability="unreachable",
        problem=problem,
        record=record,
        commit=record.revision,
        labels=record.labels if isinstance(record, ClassifierModel) else (),
        parameters=record.parameters,
        memory_bytes=memory,
    )
