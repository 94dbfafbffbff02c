"""How a classifier is run, once its record and its checkpoint agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.heads import HeadSettings, read_head_checkpoint
from holotype.encoders.checkpoints.json_file import Setting
from holotype.encoders.kinds.merge import Comparer, Merge
from holotype.encoders.kinds.plan import ClassifierPlan
from holotype.errors import CheckpointError, UnsupportedCheckpointError
from holotype.records import ClassifierModel, ScoreActivation

_MULTI_LABEL = {
    "multi_label_classification": True,
    "single_label_classification": False,
    "regression": None,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierEncoding:
    """How a classifier is run.

    Attributes:
        labels: the names of the scores, in the order of the model's outputs.
        multi_label: whether a text may have several labels at once, or none.
        activation: what turns logits into scores.
        max_length: the longest text in tokens; None where nothing limits it.
    """

    labels: tuple[str, ...]
    multi_label: bool
    activation: ScoreActivation
    max_length: int | None


def plan_classifier(
    record: ClassifierModel, checkpoint: Checkpoint, comparer: Comparer
) -> ClassifierPlan:
    """Return how a classifier is run; see `make_draft` for errors."""
    settings = read_head_checkpoint(checkpoint)
    return ClassifierPlan(
        record=record,
        checkpoint=checkpoint,
        encoding=_compare_classifier(record, settings, Merge(comparer, settings.checkpoint)),
        settings=settings,
    )


def _compare_classifier(
    record: ClassifierModel, settings: HeadSettings, merge: Merge
) -> ClassifierEncoding:
    """Compare a record and a checkpoint, and keep the comparisons instead of raising them.

    Raises:
        UnsupportedCheckpointError: the scores are not those of a head for classification.
    """
    if settings.task != "sequence-classification" or settings.template is not None:
        raise UnsupportedCheckpointError(
            settings.checkpoint.whole.location,
            f"{record.id!r} is a classifier, but these scores are made for pairs by "
            f"{settings.task!r}; use a record of the kind cross-encoder",
        )
    merge.sizes()
    multi_label = merge.choose("multi_label", record.multi_label, _multi_label(settings))
    usual, file = _activation(settings, multi_label)
    activation = cast(
        ScoreActivation,
        merge.choose(
            "activation", record.activation, None if file is None else Setting(usual, file), usual
        ),
    )
    if multi_label is None:
        multi_label = activation == "sigmoid" and settings.n_labels.value > 1
    return ClassifierEncoding(
        labels=_labels(record, settings, merge),
        multi_label=multi_label,
        activation=activation,
        max_length=merge.length(declared=True),
    )


def _labels(record: ClassifierModel, settings: HeadSettings, merge: Merge) -> tuple[str, ...]:
    n_labels, ours = settings.n_labels, record.labels or None
    usual = tuple(f"LABEL_{at}" for at in range(n_labels.value))
    theirs = settings.labels
    if theirs is None and ours is not None and len(ours) != n_labels.value:
        # Placeholders say nothing but how many labels there are.
        theirs = Setting(usual, n_labels.file)
    labels = merge.choose("labels", ours, theirs, usual)
    if len(set(labels)) != len(labels):
        raise CheckpointError(
            settings.checkpoint.whole.location, f"two of its labels have one name: {labels!r}"
        )
    return labels


def _multi_label(settings: HeadSettings) -> Setting[bool] | None:
    stated = settings.problem_type
    if stated is None:
        return None
    if stated.value not in _MULTI_LABEL:
        raise UnsupportedCheckpointError(
            settings.checkpoint.whole.where(stated.file),
            f"problem_type is {stated.value!r}; expected one of {', '.join(_MULTI_LABEL)}",
        )
    multi_label = _MULTI_LABEL[stated.value]
    return None if multi_label is None else Setting(multi_label, stated.file)


def _activation(settings: HeadSettings, multi_label: bool | None) -> tuple[str, str | None]:
    """Return what transformers applies, and the file that says so where one does."""
    stated = settings.problem_type
    file = stated.file if stated else None
    if stated is not None and stated.value == "regression":
        return "identity", file
    return "sigmoid" if multi_label or settings.n_labels.value == 1 else "softmax", file
