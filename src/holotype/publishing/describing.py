"""The record that an artifact keeps: the catalogue's, or all that the files say of themselves."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

from holotype.encoders.checkpoints.checkpoint import Checkpoint
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
    """Return the record of a checkpoint that is in no catalogue.

    Where huggingface_hub is installed, it also has what does not decide how the model is run:
    licence, languages, parameters, files.

    Raises:
        CheckpointError: a file is missing or damaged, or the kind cannot be told.
        UnsupportedModelError: the checkpoint does not say how it is run.
    """
    record = derive_record(checkpoint, name=name, huggingface_id=huggingface_id, revision=revision)
    if find_spec("huggingface_hub") is None:
        return record
    from holotype.hub.adding import statements
    from holotype.hub.checkpoint_files import open_folder

    said, _ = statements(open_folder(checkpoint.folder), huggingface_id, record.type)
    return replace(record, **{field: setting.value for field, setting in said.items()})


def labels_of(record: ModelInfo, checkpoint: Checkpoint) -> tuple[str, ...]:
    """Return the labels of a classifier in the order of its outputs; none for other kinds.

    Raises:
        CheckpointError: `config.json` is damaged.
    """
    if not isinstance(record, ClassifierModel):
        return ()
    return record.labels or label_names(checkpoint.json(CONFIG_FILE, optional=True))


def refuse_own_code(checkpoint: Checkpoint) -> None:
    """Make sure that a model runs without code of its own, or that this is trusted.

    Raises:
        UnsafeCheckpointError: it needs such code, and that is not trusted.
    """
    for name, kinds in _CODE.items():
        file = checkpoint.json(name, optional=True)
        for kind in kinds:
            runs_own_code(file, kind, checkpoint.policy)
