"""The record of a checkpoint that no catalogue has: what its files say, and nothing else."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from holotype.encoders.checkpoints.headers import read_header, weight_files
from holotype.encoders.checkpoints.json_file import JsonFile
from holotype.encoders.checkpoints.settings import CONFIG_FILE, read_checkpoint
from holotype.encoders.encodings.kinds import label_names, recognise_kind
from holotype.encoders.encodings.merge import Merge
from holotype.encoders.encodings.resolving import merged_encoding
from holotype.encoders.encodings.routed_encoding import read_documents
from holotype.encoders.encodings.static_encoding import is_static
from holotype.errors import UnsupportedCheckpointError
from holotype.records import ClassifierModel, ModelInfo
from holotype.references.entry import RECORDS

_TABLES = ("embeddings", "embedding.weight")


def derive_record(
    folder: Path, *, name: str, huggingface_id: str = "", revision: str | None = None
) -> ModelInfo:
    """Return a record that knows the kind and the size of a model; its checkpoint decides the rest.

    Args:
        folder: the checkpoint.
        name: the name of the model, of which the id is made.
        huggingface_id: its repository; empty for a folder.
        revision: the commit of the repository.

    Raises:
        CheckpointError: a file is missing or damaged, or the kind cannot be told.
        UnsupportedModelError: the checkpoint does not say how it is run.
    """
    kind = recognise_kind(folder)
    static = is_static(folder)
    record = RECORDS[kind](
        id=re.sub(r"[^a-z0-9.]+|\.(?=[^a-z0-9])", "-", name.lower()).strip("-.") or "model",
        type=kind,
        name=name,
        huggingface_id=huggingface_id,
        organization=huggingface_id.rpartition("/")[0],
        description=f"A model that is in no catalogue, of the kind {kind}.",
        embedding_dim=_table_width(folder) if static else None,
        revision=revision,
        multi_vector=kind == "colbert",
        architecture_type="static" if static else None,
    )
    if kind in ("dense", "colbert") and not static:
        return replace(record, embedding_dim=_width(record, folder))
    config = JsonFile.read(folder, CONFIG_FILE, optional=True)
    if kind == "sparse":
        size = config.integer("vocab_size")
        return replace(record, embedding_dim=size.value if size else None)
    if isinstance(record, ClassifierModel):
        return replace(record, labels=label_names(config))
    return record


def _width(record: ModelInfo, folder: Path) -> int:
    settings = read_documents(folder) if record.type == "dense" else read_checkpoint(folder)
    merge = Merge(record, settings)
    merged_encoding(record, settings, merge)
    widths = [
        found.theirs.value
        for found in merge.comparisons
        if found.field == "embedding_dim" and found.theirs is not None
    ]
    return int(widths[0])


def _table_width(folder: Path) -> int:
    """Return the width of the vectors of a static model, whose table is its only large tensor."""
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*.safetensors")]
    for name in weight_files(names):
        header = read_header(folder / name)
        for table in _TABLES:
            if table in header and len(header[table].shape) == 2:
                return header[table].shape[1]
    raise UnsupportedCheckpointError(
        str(folder), f"has no table of token vectors; expected one of {', '.join(_TABLES)}"
    )
