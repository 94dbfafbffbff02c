"""Decide whether a snapshot in the Hub's cache is complete.

A snapshot may hold any part of a commit: another library fetched only some files, or a download was
interrupted. The files that are present do not show the gap: without its `modules.json`, a model
looks like one that ends with its transformer.
"""

from __future__ import annotations

from pathlib import Path

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.late_interaction import STANFORD_FILE
from holotype.encoders.checkpoints.modules import MODULES_FILE, module_entries
from holotype.encoders.checkpoints.settings import CONFIG_FILE
from holotype.errors import CheckpointError
from holotype.records import ClassifierModel, CrossEncoderModel, DenseModel, ModelInfo

_WITH_HEAD = "ForSequenceClassification"
# A module without settings and weights, so without a folder.
_WITHOUT_FILES = "Normalize"


def doubt(folder: Path, record: ModelInfo | None, *, lacks_modules: bool) -> str | None:
    """Return what may be missing from a snapshot without a known file list; None if nothing.

    Args:
        folder: the snapshot.
        record: the model's record, if there is one.
        lacks_modules: whether the commit is known to have no `modules.json`.
    """
    if (folder / MODULES_FILE).is_file():
        return _missing_module(folder)
    if lacks_modules or _is_run_without_modules(folder, record):
        return None
    named = ""
    if record is not None and record.has_projection:
        width = f" to {record.projection_dims} dimensions" if record.projection_dims else ""
        named = f"; the record says that a projection{width} follows the transformer"
    return (
        f"it has no {MODULES_FILE}, and no list of the commit's files says whether one belongs to "
        f"it, nor which layers and settings follow the transformer{named}"
    )


def _missing_module(folder: Path) -> str | None:
    try:
        entries = module_entries(Checkpoint(folder))
    except CheckpointError:
        # Loading reports what is wrong with the file.
        return None
    for _, kind, path in entries:
        if kind != _WITHOUT_FILES and not any((folder / path).glob("*")):
            return f"the folder {path!r} is missing, which {MODULES_FILE} names"
    return None


def _is_run_without_modules(folder: Path, record: ModelInfo | None) -> bool:
    """Whether `modules.json` would add nothing: its facts are known, or it would be ignored."""
    if isinstance(record, ClassifierModel) or (folder / STANFORD_FILE).is_file():
        return True
    if isinstance(record, CrossEncoderModel):
        config = Checkpoint(folder).json(CONFIG_FILE, optional=True)
        stated = config.values.get("architectures")
        return isinstance(stated, list) and any(str(name).endswith(_WITH_HEAD) for name in stated)
    if isinstance(record, DenseModel):
        facts = (record.pooling, record.normalize, record.query_prompt, record.document_prompt)
        is_complete = record.has_projection is False and None not in facts
        return is_complete or record.architecture_type == "static"
    return False
