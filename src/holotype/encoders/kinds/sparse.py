"""How a sparse model is run, once its record and its checkpoint agree."""

from __future__ import annotations

from dataclasses import dataclass

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.settings import CONFIG_FILE
from holotype.encoders.checkpoints.sparse import (
    LEXICAL,
    LEXICAL_STEM,
    SparseSettings,
    is_language_model,
    read_sparse_checkpoint,
)
from holotype.encoders.kinds.merge import Comparer, Merge
from holotype.encoders.kinds.plan import SparsePlan
from holotype.encoders.kinds.prompts import Prompt
from holotype.encoders.options import TextSide
from holotype.errors import CheckpointError, UnsupportedCheckpointError, UnsupportedModelError
from holotype.records import SparseModel

_ACTIVATIONS = {
    "language-model": ("log1p-relu", "log1p-log1p-relu"),
    "lexical": ("relu",),
}
_ABOUT_RELU = (
    ". In a record, relu stands for BGE-M3's layer that weighs tokens; what sentence-transformers "
    "calls relu after a masked language model is log1p-relu"
)
_POOLINGS = {"language-model": ("max", "sum"), "lexical": ("max",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class SparseEncoding:
    """How a sparse model is run.

    Attributes:
        dim: the size of the vocabulary, which is the width of the vectors.
        pooling: ``max`` or ``sum``: how the weights that several tokens give a word become one.
        activation: ``relu``, ``log1p-relu`` or ``log1p-log1p-relu``: what becomes of logits.
        similarity: ``dot`` or ``cosine``.
        query_prompt: the prompt of queries.
        document_prompt: the prompt of documents.
        default_prompt: the prompt of texts that are neither.
        text_side: how texts that are neither are read: as queries or as documents.
        looks_queries_up: whether the weights of queries come from a table of tokens, so that the
            transformer reads documents only.
        max_active_dims: how many weights of a vector are kept; None for all.
        max_length: the longest text in tokens that the transformer reads; None for no limit.
        query_length: the longest query in tokens that is looked up; None for no limit.
        own_file: the file beside the transformer's with the layer that weighs tokens; None where
            there is none.
    """

    dim: int
    pooling: str
    activation: str
    similarity: str
    query_prompt: Prompt
    document_prompt: Prompt
    default_prompt: str
    text_side: TextSide
    looks_queries_up: bool
    max_active_dims: int | None
    max_length: int | None
    query_length: int | None
    own_file: str | None = None


def plan_sparse(record: SparseModel, checkpoint: Checkpoint, comparer: Comparer) -> SparsePlan:
    """Return how a sparse model is run; see `make_draft` for errors."""
    lexical = record.activation == LEXICAL and not is_language_model(checkpoint)
    settings = read_sparse_checkpoint(checkpoint, lexical=lexical)
    return SparsePlan(
        record=record,
        checkpoint=checkpoint,
        encoding=_compare_sparse(record, settings, Merge(comparer, settings.checkpoint)),
        settings=settings,
    )


def _compare_sparse(record: SparseModel, settings: SparseSettings, merge: Merge) -> SparseEncoding:
    """Compare a record and a checkpoint, and keep the comparisons instead of raising them.

    Raises:
        CheckpointError: the checkpoint does not say how large its vocabulary is.
        UnsupportedModelError: neither says how logits become weights.
        UnsupportedCheckpointError: vectors are compared by another function than dot or cosine.
    """
    checkpoint = settings.checkpoint
    merge.sizes()
    if checkpoint.vocab_size is None:
        where = checkpoint.transformer.where(CONFIG_FILE)
        raise CheckpointError(where, "does not say how large the vocabulary is")
    merge.choose("embedding_dim", record.embedding_dim, checkpoint.vocab_size)
    similarity = merge.choose("similarity", record.similarity, checkpoint.similarity, "dot")
    if similarity not in ("dot", "cosine"):
        raise UnsupportedCheckpointError(
            checkpoint.whole.location, f"compares by {similarity!r}; supported are dot and cosine"
        )
    default = checkpoint.default_prompt
    return SparseEncoding(
        dim=checkpoint.vocab_size.value,
        pooling=_known(record, settings, "pooling", _pooling(record, settings, merge)),
        activation=_known(record, settings, "activation", _activation(record, settings, merge)),
        similarity=similarity,
        query_prompt=merge.prompt("query_prompt", record.query_prompt, checkpoint.query_prompt),
        document_prompt=merge.prompt(
            "document_prompt", record.document_prompt, checkpoint.document_prompt
        ),
        default_prompt=default.value if default else "",
        text_side=settings.text_side,
        looks_queries_up=settings.query_table is not None,
        max_active_dims=settings.max_active_dims,
        max_length=merge.length(declared=True),
        query_length=settings.query_length,
        own_file=f"{LEXICAL_STEM}.safetensors" if settings.form == "lexical" else None,
    )


def _pooling(record: SparseModel, settings: SparseSettings, merge: Merge) -> str | None:
    ours: str | None = record.pooling
    return merge.choose("pooling", ours, settings.pooling)


def _activation(record: SparseModel, settings: SparseSettings, merge: Merge) -> str | None:
    ours: str | None = record.activation
    return merge.choose("activation", ours, settings.activation)


def _known(record: SparseModel, settings: SparseSettings, field: str, value: str | None) -> str:
    allowed = (_POOLINGS if field == "pooling" else _ACTIVATIONS)[settings.form]
    if value is None:
        raise UnsupportedModelError(
            record.id,
            f"neither the catalogue nor the checkpoint says the {field}, and a guess would be "
            f"silently wrong; load a record with {field}, one of {', '.join(allowed)}",
        )
    if value not in allowed:
        raise UnsupportedModelError(
            record.id,
            f"its {field} {value!r} does not fit its checkpoint; expected one of "
            f"{', '.join(allowed)}{_ABOUT_RELU if value == LEXICAL else ''}",
        )
    return value
