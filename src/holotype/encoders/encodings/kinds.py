"""What kind of model a checkpoint is, as its files tell."""

from __future__ import annotations

from pathlib import Path

from holotype.encoders.checkpoints.json_file import JsonFile
from holotype.encoders.checkpoints.late_interaction import PYLATE_KEYS, STANFORD_FILE
from holotype.encoders.checkpoints.modules import MODULES_FILE
from holotype.encoders.checkpoints.settings import CONFIG_FILE, LIBRARY_FILE, STANFORD_ARCHITECTURE
from holotype.encoders.checkpoints.sparse_settings import SPLADE_MODULE, TABLE_MODULE
from holotype.encoders.encodings.static_encoding import STATIC_MODULE, is_static, module_kinds
from holotype.errors import UnsupportedCheckpointError

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
