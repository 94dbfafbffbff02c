"""What the checkpoint of a sparse model says about how it is run.

Four forms are read: a masked language model with the pooling of sentence-transformers after it; a
router of that library, whose queries are looked up in a table; a bare masked language model, with
or without OpenSearch's `idf.json`; and BGE-M3's linear layer beside a dense model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.json_file import JsonFile, Setting
from holotype.encoders.checkpoints.modules import MODULES_FILE, module_entries
from holotype.encoders.checkpoints.routes import ROUTER_FILE, Module, Routes, read_router
from holotype.encoders.checkpoints.settings import (
    CONFIG_FILE,
    LIBRARY_FILE,
    CheckpointSettings,
    describe_checkpoint,
    find_transformer_file,
    refuse_arguments,
    refuse_lengths_of_sides,
    tokenizer_length,
)
from holotype.encoders.options import TextSide
from holotype.errors import UnsupportedCheckpointError, WrongKindError

SPLADE_MODULE = "SpladePooling"
TABLE_MODULE = "SparseStaticEmbedding"
LEXICAL = "relu"
"""The activation of models that weigh tokens by a linear layer."""
LEXICAL_STEM = "sparse_linear"
IDF_FILE = "idf.json"
Form: TypeAlias = Literal["language-model", "lexical"]

_TRANSFORMERS = ("Transformer", "MLMTransformer")
_ACTIVATIONS = {"relu": "log1p-relu", "log1p_relu": "log1p-log1p-relu"}
_LANGUAGE_MODEL = "ForMaskedLM"
_TASK = "fill-mask"


@dataclass(frozen=True, slots=True, kw_only=True)
class SparseSettings:
    """What the files say; None where no file says it.

    Attributes:
        checkpoint: what checkpoints of every kind say.
        form: whether a masked language model weighs words, or a linear layer on token vectors.
        pooling: ``max`` or ``sum``.
        activation: what becomes of the logits.
        query_table: the folder or the file, by its path, with the weights of queries' tokens, where
            queries are looked up instead of being read by the transformer.
        query_length: the longest query in tokens where a table is; None where nothing limits it.
        text_side: how texts that are neither queries nor documents are read.
        max_active_dims: how many weights of a vector are kept.
    """

    checkpoint: CheckpointSettings
    form: Form
    pooling: Setting[str] | None
    activation: Setting[str] | None
    query_table: str | None
    query_length: int | None
    text_side: TextSide
    max_active_dims: int | None

    @property
    def has_query_module(self) -> bool:
        """Whether the table of queries is a module, with a tokenizer of its own."""
        return self.query_table is not None and self.query_table != IDF_FILE


def read_sparse_checkpoint(checkpoint: Checkpoint, *, lexical: bool) -> SparseSettings:
    """Read every file of a sparse checkpoint that says how it is run; no weights are touched.

    Args:
        checkpoint: the checkpoint.
        lexical: whether the record says that a linear layer weighs the tokens; such a checkpoint
            holds a dense model as well, and its files speak of that one.

    Raises:
        CheckpointError: a file is missing or damaged.
        WrongKindError: it is a model of another kind.
        UnsafeCheckpointError: a module is code of its own.
        UnsupportedCheckpointError: something has no equivalent here.
    """
    library = checkpoint.json(LIBRARY_FILE, optional=True)
    if lexical:
        return _lexical(checkpoint, library)
    _refuse_other_kinds(checkpoint, library)
    if not checkpoint.has(MODULES_FILE):
        return _bare(checkpoint, library)
    entries = module_entries(checkpoint)
    kinds = [kind for _, kind, _ in entries]
    if kinds == ["Router"]:
        routes = read_router(checkpoint, entries[0][2])
    else:
        modules = tuple(Module(*entry) for entry in entries)
        routes = Routes(query=modules, document=modules, text_side="document", file=MODULES_FILE)
    return _routed(checkpoint, library, routes)


def is_language_model(checkpoint: Checkpoint) -> bool:
    """Whether files say that a masked language model weighs the words, and not BGE-M3's layer."""
    if any(name.partition(".")[0] == LEXICAL_STEM for name in checkpoint.names):
        return False
    if checkpoint.has(MODULES_FILE):
        kinds = {kind for _, kind, _ in module_entries(checkpoint)}
        return not kinds.isdisjoint((SPLADE_MODULE, "Router"))
    names = checkpoint.json(CONFIG_FILE, optional=True).texts("architectures")
    return names is not None and any(name.endswith(_LANGUAGE_MODEL) for name in names.value)


def _refuse_other_kinds(checkpoint: Checkpoint, library: JsonFile) -> None:
    kind = library.text("model_type")
    if kind is not None and kind.value != "SparseEncoder":
        raise WrongKindError(
            checkpoint.location,
            f"{LIBRARY_FILE} says that it is a {kind.value}; expected a SparseEncoder",
        )


def _bare(checkpoint: Checkpoint, library: JsonFile) -> SparseSettings:
    architectures = checkpoint.json(CONFIG_FILE).texts("architectures")
    names = architectures.value if architectures else ()
    if names and not any(name.endswith(_LANGUAGE_MODEL) for name in names):
        raise WrongKindError(
            checkpoint.where(CONFIG_FILE),
            f"says that it is a {names[0]}; expected a masked language model (...{_LANGUAGE_MODEL})",
        )
    return SparseSettings(
        checkpoint=_checkpoint(checkpoint, "", library),
        form="language-model",
        pooling=None,
        activation=None,
        query_table=IDF_FILE if checkpoint.has(IDF_FILE) else None,
        query_length=_length(checkpoint),
        text_side="document",
        max_active_dims=None,
    )


def _routed(checkpoint: Checkpoint, library: JsonFile, routes: Routes) -> SparseSettings:
    kinds = [module.kind for module in routes.document]
    if len(kinds) != 2 or kinds[0] not in _TRANSFORMERS or kinds[1] != SPLADE_MODULE:
        dense = "Pooling" in kinds
        error = WrongKindError if dense else UnsupportedCheckpointError
        raise error(
            checkpoint.where(routes.file),
            f"reads documents with {', '.join(kinds)}; expected a masked language model and "
            f"{SPLADE_MODULE}",
        )
    query_table = None
    if routes.query != routes.document:
        if [module.kind for module in routes.query] != [TABLE_MODULE]:
            raise UnsupportedCheckpointError(
                checkpoint.where(routes.file),
                f"reads queries with {', '.join(module.kind for module in routes.query)}; "
                f"supported are the modules of documents, or {TABLE_MODULE} alone",
            )
        query_table = routes.query[0].path
    splade = checkpoint.part(routes.document[1].path).json("config.json")
    pooling, activation = splade.text("pooling_strategy"), splade.text("activation_function")
    name = activation.value if activation else "relu"
    if name not in _ACTIVATIONS:
        raise splade.wrong("activation_function", name, f"one of {', '.join(_ACTIVATIONS)}")
    kept = library.integer("max_active_dims")
    return SparseSettings(
        checkpoint=_checkpoint(checkpoint, routes.document[0].path, library),
        form="language-model",
        pooling=pooling or Setting("max", splade.name),
        activation=Setting(_ACTIVATIONS[name], splade.name),
        query_table=query_table,
        query_length=_length(checkpoint.part(routes.query[0].path)),
        text_side=routes.text_side,
        max_active_dims=kept.value if kept else None,
    )


def _lexical(checkpoint: Checkpoint, library: JsonFile) -> SparseSettings:
    return SparseSettings(
        checkpoint=_checkpoint(checkpoint, "", JsonFile(library.name, {}, library.location)),
        form="lexical",
        pooling=Setting("max", LEXICAL_STEM),
        activation=Setting(LEXICAL, LEXICAL_STEM),
        query_table=None,
        query_length=None,
        text_side="document",
        max_active_dims=None,
    )


def _length(folder: Checkpoint) -> int | None:
    found = tokenizer_length(folder)
    return found.value if found else None


def _checkpoint(checkpoint: Checkpoint, within: str, library: JsonFile) -> CheckpointSettings:
    transformer = find_transformer_file(checkpoint.part(within))
    task = transformer.text("transformer_task")
    if library.values and task is not None and task.value != _TASK:
        raise WrongKindError(transformer.location, f"is run for {task.value!r}; expected {_TASK!r}")
    refuse_arguments(transformer)
    refuse_lengths_of_sides(transformer)
    if transformer.values.get("processing_kwargs"):
        raise UnsupportedCheckpointError(
            transformer.location,
            "processing_kwargs changes how texts are read, which has no equivalent here yet",
        )
    listed = checkpoint.has(MODULES_FILE) or checkpoint.has(ROUTER_FILE)
    return describe_checkpoint(
        checkpoint,
        within,
        format="sparse" if listed else "transformers",
        library=library,
        modules=None,
        transformer=transformer,
    )
