"""How a cross-encoder is run, once its record and its checkpoint agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.heads import HeadSettings, read_head_checkpoint
from holotype.encoders.checkpoints.modules import LayerSpec, PoolingSpec
from holotype.encoders.kinds.dense import compare_widths
from holotype.encoders.kinds.merge import Comparer, Merge
from holotype.encoders.kinds.plan import CrossEncoderPlan
from holotype.encoders.kinds.prompts import Prompt
from holotype.errors import UnsupportedCheckpointError
from holotype.records import CrossEncoderModel, ScoreActivation


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossEncoding:
    """How a cross-encoder is run.

    Attributes:
        layers: the steps after the transformer; empty where its own head gives the logits.
        n_labels: how many scores there are for a pair.
        labels: their names, where they have any.
        activation: what turns logits into scores, unless a call says otherwise.
        query_prompt: the prompt of queries.
        document_prompt: the prompt of documents.
        instruction: what the chat template is told about the task; None where pairs are put
            through none, or it is told nothing.
        templated: whether pairs are put through the chat template.
        max_length: the longest pair in tokens; None where nothing limits it.
    """

    layers: tuple[LayerSpec, ...]
    n_labels: int
    labels: tuple[str, ...]
    activation: ScoreActivation
    query_prompt: Prompt
    document_prompt: Prompt
    instruction: str | None
    templated: bool
    max_length: int | None


def plan_cross_encoder(
    record: CrossEncoderModel, checkpoint: Checkpoint, comparer: Comparer
) -> CrossEncoderPlan:
    """Return how a cross-encoder is run; see `make_draft` for errors."""
    settings = read_head_checkpoint(checkpoint)
    return CrossEncoderPlan(
        record=record,
        checkpoint=checkpoint,
        encoding=_compare_cross_encoder(record, settings, Merge(comparer, settings.checkpoint)),
        settings=settings,
    )


def _compare_cross_encoder(
    record: CrossEncoderModel, settings: HeadSettings, merge: Merge
) -> CrossEncoding:
    """Compare a record and a checkpoint, and keep the comparisons instead of raising them.

    Raises:
        UnsupportedCheckpointError: neither says how pairs are written.
    """
    if settings.undecided_template is not None:
        raise UnsupportedCheckpointError(
            settings.checkpoint.whole.where(settings.undecided_template),
            "has a chat template, but no file says whether pairs are put through it, and a guess "
            "would be silently wrong; use a revision that sentence-transformers 5.4 or later wrote",
        )
    merge.sizes()
    templated = settings.template is not None
    default = settings.checkpoint.default_prompt
    query_prompt = merge.prompt("query_prompt", record.query_prompt, None if templated else default)
    usual = "sigmoid" if settings.n_labels.value == 1 else "identity"
    return CrossEncoding(
        layers=_layers(settings, merge),
        n_labels=settings.n_labels.value,
        labels=settings.labels.value if settings.labels else (),
        activation=cast(
            ScoreActivation,
            merge.choose("activation", record.activation, settings.activation, usual),
        ),
        query_prompt=query_prompt,
        document_prompt=merge.prompt("document_prompt", record.document_prompt, None),
        instruction=default.value if templated and default else None,
        templated=templated,
        max_length=merge.length(declared=True),
    )


def _layers(settings: HeadSettings, merge: Merge) -> tuple[LayerSpec, ...]:
    modules = settings.checkpoint.modules
    if modules is None:
        return ()
    layers = tuple(cast(LayerSpec, step) for step in modules.steps)
    pooling = next((layer for layer in layers if isinstance(layer, PoolingSpec)), None)
    if pooling is None or not pooling.with_prompt:
        raise UnsupportedCheckpointError(
            settings.checkpoint.whole.location,
            "scores are made of pooled vectors, of all tokens; this order of modules has no "
            "equivalent here yet",
        )
    compare_widths(merge, layers)
    return layers
