"""The record of a checkpoint that no catalogue has: what its files say, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from holotype.encoders.checkpoints.json_file import JsonFile
from holotype.encoders.checkpoints.late_interaction import PYLATE_KEYS, STANFORD_FILE
from holotype.encoders.checkpoints.modules import MODULES_FILE
from holotype.encoders.checkpoints.safetensors import read_header, weight_files
from holotype.encoders.checkpoints.settings import (
    CONFIG_FILE,
    LIBRARY_FILE,
    STANFORD_ARCHITECTURE,
    read_checkpoint,
)
from holotype.encoders.checkpoints.sparse import SPLADE_MODULE, TABLE_MODULE
from holotype.encoders.kinds.merge import Merge
from holotype.encoders.kinds.plan import merged_encoding
from holotype.encoders.kinds.routed import read_documents
from holotype.encoders.kinds.static import STATIC_MODULE, is_static, module_kinds
from holotype.errors import UnsupportedCheckpointError
from holotype.naming import kebab_case
from holotype.records import ClassifierModel, ModelInfo
from holotype.references.entry import RECORDS

_LIBRARY_KINDS = {
    "SentenceTransformer": "dense",
    "MultiVectorEncoder": "colbert",
    "ColBERT": "colbert",
    "SparseEncoder": "sparse",
    "CrossEncoder": "cross-encoder",
}
_MODULE_KINDS = {
    "MultiVectorMask": "colbert",
    SPLADE_MODULE: "sparse",
    TABLE_MODULE: "sparse",
    "SparseAutoEncoder": "sparse",
    "LogitScore": "cross-encoder",
    "Pooling": "dense",
    STATIC_MODULE: "dense",
}


def recognise_kind(folder: Path) -> str:
    """Return the kind of a model.

    Raises:
        CheckpointError: a file is damaged.
        UnsupportedCheckpointError: the files do not tell.
    """
    library = JsonFile.read(folder, LIBRARY_FILE, optional=True)
    config = JsonFile.read(folder, CONFIG_FILE, optional=True)
    stated = library.text("model_type")
    if stated is not None and stated.value in _LIBRARY_KINDS:
        kind = _LIBRARY_KINDS[stated.value]
        # A cross-encoder with several scores is a classifier.
        return _of_head(config) or kind if kind == "cross-encoder" else kind
    if any(key in library.values for key in PYLATE_KEYS) or (folder / STANFORD_FILE).is_file():
        return "colbert"
    modules = module_kinds(folder)
    for module, kind in _MODULE_KINDS.items():
        if module in modules:
            return kind
    headed = _of_head(config)
    if headed is not None:
        return headed
    if is_static(folder) or config.values.get("model_type"):
        return "dense"
    raise UnsupportedCheckpointError(
        str(folder),
        f"neither {CONFIG_FILE} nor {MODULES_FILE} tells what kind of model this is; "
        "name it (with --type on the command line)",
    )


def label_names(config: JsonFile) -> tuple[str, ...]:
    """Return the labels of a classification head in the order of its outputs."""
    labels = config.part("id2label")
    if labels is None:
        return ()
    try:
        ordered = sorted(labels.values.items(), key=lambda item: int(item[0]))
    except ValueError:
        raise config.wrong("id2label", dict(labels.values), "labels by their number") from None
    return tuple(str(label) for _, label in ordered)


def _of_head(config: JsonFile) -> str | None:
    """Return the kind that the head of the network tells; None where it has none."""
    stated = config.texts("architectures")
    architectures = stated.value if stated else ()
    if STANFORD_ARCHITECTURE in architectures:
        return "colbert"
    if any(name.endswith("ForSequenceClassification") for name in architectures):
        count = config.integer("num_labels")
        n_labels = len(label_names(config)) or (count.value if count else 2)
        return "cross-encoder" if n_labels == 1 else "classifier"
    if any(name.endswith("ForMaskedLM") for name in architectures):
        return "sparse"
    return None


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
        id=kebab_case(name) or "model",
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
