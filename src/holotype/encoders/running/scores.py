"""Turn logits into scores and labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.arguments import as_count, as_threshold
from holotype.encoders.inputs.items import check_string, require_several
from holotype.errors import InvalidArgumentError
from holotype.records import ScoreActivation

Scores: TypeAlias = NDArray[np.float32]
Activation: TypeAlias = Literal["record", "logits", "identity", "sigmoid", "softmax"]


def choose_activation(asked: Activation, usual: ScoreActivation, n_labels: int) -> ScoreActivation:
    """Resolve the activation that a call asks for.

    Args:
        asked: the caller's choice; ``"record"`` means the model's own, ``"logits"`` is another
            name for ``"identity"``.
        usual: the model's own activation.
        n_labels: the number of scores for one input.

    Raises:
        ValueError: the activation is unknown, or softmax over a single score.
    """
    if asked not in get_args(Activation):
        raise ValueError(
            f"activation is {asked!r}; expected one of {', '.join(get_args(Activation))}"
        )
    if asked == "record":
        return usual
    if asked == "softmax" and n_labels == 1:
        raise ValueError(
            "softmax turns a single score into 1, whatever it was; pass activation='sigmoid' or "
            "'logits'"
        )
    return "identity" if asked == "logits" else asked


def activate(logits: Scores, activation: ScoreActivation) -> Scores:
    """Turn logits ``[n, n_labels]`` into scores of the same shape, in float32.

    Softmax runs over the labels of each input.
    """
    if activation == "identity":
        return logits
    if activation == "sigmoid":
        # The argument of exp is never positive, so it cannot overflow.
        small = np.exp(-np.abs(logits))
        scores = np.where(logits >= 0, 1 / (1 + small), small / (1 + small))
    else:
        # A difference that float32 cannot hold is one of a score of 0.
        with np.errstate(over="ignore"):
            powers = np.exp(logits - logits.max(axis=-1, keepdims=True, initial=-np.inf))
        scores = powers / powers.sum(axis=-1, keepdims=True)
    activated: Scores = scores.astype(np.float32, copy=False)
    return activated


# The default threshold of multi-label models.
USUAL_THRESHOLD = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelScore:
    """A label and its score.

    Attributes:
        label: the name of the label.
        score: its score after the activation; higher is more certain.
    """

    label: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRule:
    """Decides which labels apply.

    Attributes:
        labels: their names, in the order of the scores.
        thresholds: the lowest score at which each label applies; None for no threshold.
        top_k: how many labels may apply, best first; None for all.
    """

    labels: tuple[str, ...]
    thresholds: tuple[float | None, ...]
    top_k: int | None

    def apply(self, scores: Scores, logits: Scores) -> tuple[LabelScore, ...]:
        """Return the labels that apply, best first; ties keep the model's order.

        Args:
            scores: ``[n_labels]``.
            logits: the logits behind the scores, ``[n_labels]``. They decide the order, because
                an activation can saturate and map different logits to one score.
        """
        order = sorted(range(len(self.labels)), key=lambda at: -logits[at])
        applying = [at for at in order if self._applies(at, float(scores[at]))]
        return tuple(
            LabelScore(label=self.labels[at], score=float(scores[at]))
            for at in applying[: self.top_k]
        )

    def _applies(self, at: int, score: float) -> bool:
        threshold = self.thresholds[at]
        return threshold is None or score >= threshold


def rule_for_all(labels: Sequence[str]) -> LabelRule:
    """Return a rule that lets every label apply, whatever its score."""
    return LabelRule(labels=tuple(labels), thresholds=(None,) * len(labels), top_k=None)


def label_rule(
    labels: Sequence[str],
    *,
    multi_label: bool,
    top_k: int | None,
    threshold: float | None,
    thresholds: Mapping[str, float] | None,
    bounded: bool = True,
) -> LabelRule:
    """Return the rule that decides which labels apply in a call.

    By default, the best label applies if a text has one label; if it may have several, every
    label with a score of at least `USUAL_THRESHOLD` does.

    Args:
        labels: the names of all labels.
        multi_label: whether a text may have several labels.
        top_k: how many labels may apply.
        threshold: the lowest score for labels that `thresholds` does not name.
        thresholds: the lowest score by label.
        bounded: whether scores are from 0 to 1, as they are after a sigmoid or a softmax.

    Raises:
        ValueError: `thresholds` names a label that the model lacks.
        InvalidArgumentError: `top_k` is not positive, or no score can reach a threshold.
    """
    top_k = as_count("top_k", top_k)
    threshold = as_threshold("threshold", threshold, bounded=bounded)
    own = _own_thresholds(thresholds, bounded=bounded)
    unknown = [label for label in own if label not in labels]
    if unknown:
        raise ValueError(
            f"thresholds names {', '.join(map(repr, unknown))}, but the labels are "
            f"{', '.join(map(repr, labels))}"
        )
    if top_k is None and multi_label and threshold is None:
        threshold = USUAL_THRESHOLD
    if top_k is None and not multi_label:
        top_k = 1
    return LabelRule(
        labels=tuple(labels),
        thresholds=tuple(own.get(label, threshold) for label in labels),
        top_k=top_k,
    )


def _own_thresholds(
    thresholds: Mapping[str, float] | None, *, bounded: bool
) -> dict[str, float | None]:
    if thresholds is None:
        return {}
    if not isinstance(thresholds, Mapping):
        raise InvalidArgumentError(
            f"thresholds is {thresholds!r}; expected numbers by label, as in "
            "{'toxic': 0.8}; a number for all is threshold="
        )
    return {
        label: as_threshold(f"thresholds[{label!r}]", least, bounded=bounded)
        for label, least in thresholds.items()
    }


PLACE = "{}"


def candidate_labels(labels: Iterable[str]) -> list[str]:
    """Return the labels that a caller has chosen, checked.

    Raises:
        InvalidArgumentError: it is one text, there are no labels, or a label occurs twice.
        TypeError: it has no order (a dict, a set, a table), or a label is not a string.
        ValueError: a label holds half of a surrogate pair, which no text has.
    """
    if isinstance(labels, str):
        raise InvalidArgumentError(f"labels is {labels!r}; expected a list of labels")
    found = [
        check_string(label, f"the label at index {index}")
        for index, label in enumerate(require_several(labels, "labels"))
    ]
    if not found or len(set(found)) != len(found):
        raise InvalidArgumentError(f"labels is {found!r}; expected different labels, at least one")
    return found


def hypotheses(template: str, candidates: Sequence[str]) -> list[str]:
    """Return the hypothesis for each label.

    Raises:
        InvalidArgumentError: the template lacks ``{}``.
        TypeError: the template is not a string.
    """
    if PLACE not in check_string(template, "the template"):
        raise InvalidArgumentError(
            f"the template {template!r} has no {PLACE!r} where a label would stand"
        )
    return [template.replace(PLACE, label) for label in candidates]


def inference_labels(labels: Sequence[str]) -> tuple[int, int]:
    """Return the positions of the labels for entailment and for contradiction.

    Raises:
        ValueError: the model has no such labels.
    """
    lowered = [label.lower() for label in labels]
    follows = [at for at, label in enumerate(lowered) if label.startswith("entail")]
    contradicts = [
        at
        for at, label in enumerate(lowered)
        if label.startswith(("contra", "not_entail", "not entail", "not-entail"))
    ]
    if len(follows) != 1 or len(contradicts) != 1:
        raise ValueError(
            f"the labels {', '.join(map(repr, labels))} do not say what entails and what "
            "contradicts; classify by labels of your own needs a model of natural language "
            "inference, whose labels are such as 'entailment' and 'contradiction'"
        )
    return follows[0], contradicts[0]


def candidate_logits(
    logits: Scores, follows: int, contradicts: int, *, multi_label: bool
) -> tuple[Scores, ScoreActivation]:
    """Turn the logits of hypotheses into logits of candidate labels.

    Args:
        logits: ``[n_texts, n_candidates, n_labels]``.
        follows: the position of the label for entailment.
        contradicts: the position of the label for contradiction.
        multi_label: whether several candidates may apply; a single candidate is treated so.

    Returns:
        float32 ``[n_texts, n_candidates]``, and the activation that turns them into scores. The
        scores of a text sum to 1 unless `multi_label`.
    """
    if multi_label or logits.shape[1] == 1:
        # Softmax over two logits is the sigmoid of their difference.
        return logits[..., follows] - logits[..., contradicts], "sigmoid"
    return logits[..., follows], "softmax"
