"""The record that an artifact keeps: the catalogue's, or one derived from the files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.json_file import Setting
from holotype.encoders.checkpoints.remote_code import runs_own_code
from holotype.encoders.checkpoints.settings import CONFIG_FILE
from holotype.encoders.kinds.derived_record import derive_record, label_names
from holotype.records import ClassifierModel, ModelInfo

_CODE = {
    CONFIG_FILE: ("AutoConfig", "AutoModel"),
    "tokenizer_config.json": ("AutoTokenizer",),
}


def describe(
    checkpoint: Checkpoint, *, name: str, huggingface_id: str = "", revision: str | None = None
) -> ModelInfo:
    """Return the record of a checkpoint outside the catalogue.

    If huggingface_hub is installed, the record includes the facts that do not affect how the model
    runs: licence, languages, parameters, files.

    Raises:
        CheckpointError: a file is missing or damaged, or the kind is unclear.
        UnsupportedModelError: the checkpoint does not say how to run it.
    """
    record = derive_record(checkpoint, name=name, huggingface_id=huggingface_id, revision=revision)
    said = _statements(checkpoint, record)
    return replace(record, **{field: setting.value for field, setting in said.items()})


def describe_with_sources(
    checkpoint: Checkpoint, *, name: str, huggingface_id: str = "", revision: str | None = None
) -> ModelInfo:
    """Return the record of a checkpoint as `describe` does, with the file that states each value.

    An artifact does not keep these: its digest covers its record, and must be the same wherever
    and whenever it is made.

    Raises:
        CheckpointError: see `describe`.
        UnsupportedModelError: see `describe`.
    """
    record = derive_record(checkpoint, name=name, huggingface_id=huggingface_id, revision=revision)
    return with_statements(record, _statements(checkpoint, record))


def with_statements(record: ModelInfo, said: Mapping[str, Setting[Any]]) -> ModelInfo:
    """Return a record with what the files of its checkpoint say, and with these as the sources."""
    source = "hub" if record.huggingface_id else "folder"
    provenance = dict.fromkeys(("id", "name"), f"{source}: the name")
    provenance |= dict.fromkeys(("type", "description"), f"{source}: derived from the files")
    provenance |= {field: f"{source}: {setting.file}" for field, setting in said.items()}
    values = {field: setting.value for field, setting in said.items()}
    return replace(record, **values, provenance=tuple(provenance.items()))


def _statements(checkpoint: Checkpoint, record: ModelInfo) -> Mapping[str, Setting[Any]]:
    if find_spec("huggingface_hub") is None:
        return {}
    from holotype.hub.adding import statements
    from holotype.hub.checkpoint_files import open_folder

    said, _ = statements(open_folder(checkpoint.folder), record.huggingface_id, record.type)
    return said


def labels_of(record: ModelInfo, checkpoint: Checkpoint) -> tuple[str, ...]:
    """Return the labels of a classifier in the order of its outputs; empty for other kinds.

    Raises:
        CheckpointError: `config.json` is damaged.
    """
    if not isinstance(record, ClassifierModel):
        return ()
    return record.labels or label_names(checkpoint.json(CONFIG_FILE, optional=True))


def refuse_own_code(checkpoint: Checkpoint) -> None:
    """Check that a model runs without its own code, or that this code is trusted.

    Raises:
        UnsafeCheckpointError: it needs its own code, which is not trusted.
    """
    for name, kinds in _CODE.items():
        file = checkpoint.json(name, optional=True)
        for kind in kinds:
            runs_own_code(file, kind, checkpoint.policy)
