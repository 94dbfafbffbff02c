"""The record of a checkpoint that no catalogue has: what its files say, and nothing else."""

from __future__ import annotations

from dataclasses import replace

from holotype.encoders.checkpoints.captioner import is_captioner
from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.image_text import (
    CLIP_MODULE,
    IMAGE_TEXT,
    NOT_RUN,
    reads_pictures_alone,
)
from holotype.encoders.checkpoints.json_file import JsonFile
from holotype.encoders.checkpoints.late_interaction import PYLATE_KEYS, STANFORD_FILE
from holotype.encoders.checkpoints.modules import MODULES_FILE
from holotype.encoders.checkpoints.open_clip import OPEN_CLIP_FILE
from holotype.encoders.checkpoints.settings import CONFIG_FILE, LIBRARY_FILE, STANFORD_ARCHITECTURE
from holotype.encoders.checkpoints.sparse import SPLADE_MODULE, TABLE_MODULE
from holotype.encoders.checkpoints.visual import is_visual, refuse_unprojected
from holotype.encoders.kinds.planning import make_draft
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


_OTHER_HEADS = {
    "ForTokenClassification": "labels each token",
    "ForQuestionAnswering": "finds the span of an answer",
    "ForMultipleChoice": "chooses between answers",
    "ForNextSentencePrediction": "tells whether a sentence follows another",
}
"""The ends of classes of transformers whose heads no kind of model has, and what they do."""


class KindNotToldError(UnsupportedCheckpointError):
    """The files are those of a model, and nothing in them tells its kind: only a record can."""


def recognise_kind(checkpoint: Checkpoint) -> str:
    """Return the kind of a model.

    Raises:
        CheckpointError: a file is damaged.
        UnsupportedCheckpointError: the files do not tell.
    """
    library = checkpoint.json(LIBRARY_FILE, optional=True)
    config = checkpoint.json(CONFIG_FILE, optional=not checkpoint.is_open_clip)
    network = config.text("model_type")
    if network is not None and network.value in IMAGE_TEXT:
        return "image-text"
    if is_captioner(config):
        return "captioner"
    refuse_unprojected(checkpoint)
    if is_visual(checkpoint):
        return "colbert"
    if network is not None and network.value in NOT_RUN:
        return "image-text"
    if reads_pictures_alone(checkpoint):
        return "image-text"
    modules = module_kinds(checkpoint)
    if CLIP_MODULE in modules:
        return "image-text"
    stated = library.text("model_type")
    if stated is not None and stated.value in _LIBRARY_KINDS:
        kind = _LIBRARY_KINDS[stated.value]
        # A cross-encoder with several scores is a classifier.
        return _of_head(config) or kind if kind == "cross-encoder" else kind
    if any(key in library.values for key in PYLATE_KEYS) or checkpoint.has(STANFORD_FILE):
        return "colbert"
    for module, kind in _MODULE_KINDS.items():
        if module in modules:
            return kind
    headed = _of_head(config)
    if headed is not None:
        return headed
    _refuse_heads_without_kind(config)
    if is_static(checkpoint) or config.values.get("model_type"):
        return "dense"
    if not checkpoint.has(CONFIG_FILE) and not checkpoint.has(MODULES_FILE):
        raise UnsupportedCheckpointError(
            checkpoint.location,
            f"holds no model: it has neither {CONFIG_FILE} nor {MODULES_FILE} nor {OPEN_CLIP_FILE}; "
            "name the folder that has one of them",
        )
    raise KindNotToldError(
        checkpoint.location,
        f"neither {CONFIG_FILE} nor {MODULES_FILE} tells what kind of model this is; load a record "
        f"that does, such as load(DenseModel(...), checkpoint={checkpoint.location!r})",
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


def _refuse_heads_without_kind(config: JsonFile) -> None:
    """Refuse a network that was trained for what no kind of model here does.

    Its body alone would run as a dense model, whose vectors nobody has trained.
    """
    stated = config.texts("architectures")
    for name in stated.value if stated else ():
        does = next((does for head, does in _OTHER_HEADS.items() if name.endswith(head)), None)
        if does is not None:
            raise UnsupportedCheckpointError(
                config.location,
                f"says that it is a {name}, which {does}; no kind of model here does, and its vectors "
                "were never trained as embeddings. Use transformers for it; a catalogue can name it "
                "by an entry of a kind of its own, written by hand",
            )


def derive_record(
    checkpoint: Checkpoint, *, name: str, huggingface_id: str = "", revision: str | None = None
) -> ModelInfo:
    """Return a record that knows the kind and the size of a model; its checkpoint decides the rest.

    Args:
        checkpoint: the files.
        name: the name of the model, of which the id is made.
        huggingface_id: its repository; empty for a folder.
        revision: the commit of the repository.

    Raises:
        CheckpointError: a file is missing or damaged, or the kind cannot be told.
        UnsupportedModelError: the checkpoint does not say how it is run.
    """
    kind = recognise_kind(checkpoint)
    static = is_static(checkpoint)
    record = RECORDS[kind](
        id=kebab_case(name) or "model",
        type=kind,
        name=name,
        huggingface_id=huggingface_id,
        organization=huggingface_id.rpartition("/")[0],
        description=f"A model that is in no catalogue, of the kind {kind}.",
        embedding_dim=None,
        revision=revision,
        multi_vector=kind == "colbert",
        architecture_type="static" if static else None,
    )
    if isinstance(record, ClassifierModel):
        config = checkpoint.json(CONFIG_FILE, optional=True)
        network = config.text("model_type")
        # A deployment may state both, and is compared.
        return replace(
            record,
            labels=label_names(config),
            architecture_type=None if network is None else network.value,
        )
    if kind in ("cross-encoder", "captioner"):
        return record
    return replace(record, embedding_dim=_width(record, checkpoint))


def _width(record: ModelInfo, checkpoint: Checkpoint) -> int:
    draft = make_draft(record, checkpoint)
    if draft.refusal is not None:
        raise draft.refusal
    stated = [found.theirs for found in draft.comparisons if found.field == "embedding_dim"]
    if not stated or stated[0] is None:
        raise UnsupportedCheckpointError(
            checkpoint.location, "does not say how wide the vectors are that it makes"
        )
    return int(stated[0].value)
