"""From the scores of labels to the labels that apply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from holotype.encoders.scores.activations import Scores

# The score from which on a label applies to a text that may have several.
USUAL_THRESHOLD = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelScore:
    """A label and its score.

    Attributes:
        label: the name of the label.
        score: its score, by the model's activation; more is surer.
    """

    label: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRule:
    """Which labels apply.

    Attributes:
        labels: their names, in the order of the scores.
        thresholds: the least score of each with which it applies; None where any will do.
        top_k: how many of them may apply, the best first; None where all may.
    """

    labels: tuple[str, ...]
    thresholds: tuple[float | None, ...]
    top_k: int | None

    def apply(self, scores: Scores) -> tuple[LabelScore, ...]:
        """Return the labels that apply, best first, of equal ones the first.

        Args:
            scores: ``[n_labels]``.
        """
        order = sorted(range(len(self.labels)), key=lambda at: -scores[at])
        applying = [at for at in order if self._applies(at, float(scores[at]))]
        return tuple(
            LabelScore(label=self.labels[at], score=float(scores[at]))
            for at in applying[: self.top_k]
        )

    def _applies(self, at: int, score: float) -> bool:
        threshold = self.thresholds[at]
        return threshold is None or score >= threshold


def all_labels(labels: Sequence[str]) -> LabelRule:
    """Return the rule by which every label applies, whatever its score."""
    return LabelRule(labels=tuple(labels), thresholds=(None,) * len(labels), top_k=None)


def label_rule(
    labels: Sequence[str],
    *,
    multi_label: bool,
    top_k: int | None,
    threshold: float | None,
    thresholds: Mapping[str, float] | None,
) -> LabelRule:
    """Settle which labels of a call apply.

    Where a text has one label, that is the best of those that reach their thresholds; where it may
    have several, each applies from `USUAL_THRESHOLD` on. Both hold unless the call says otherwise.

    Args:
        labels: the names of all labels.
        multi_label: whether a text may have several.
        top_k: how many may apply.
        threshold: the least score for all labels that `thresholds` does not name.
        thresholds: the least score by label.

    Raises:
        ValueError: a threshold is for a label that the model lacks, or `top_k` is negative.
    """
    own = thresholds or {}
    unknown = [label for label in own if label not in labels]
    if unknown:
        raise ValueError(
            f"thresholds names {', '.join(map(repr, unknown))}, but the labels are "
            f"{', '.join(map(repr, labels))}"
        )
    if top_k is not None and top_k < 0:
        raise ValueError(f"top_k is {top_k!r}; expected at least 0, or None")
    if top_k is None and multi_label and threshold is None:
        threshold = USUAL_THRESHOLD
    if top_k is None and not multi_label:
        top_k = 1
    return LabelRule(
        labels=tuple(labels),
        thresholds=tuple(own.get(label, threshold) for label in labels),
        top_k=top_k,
    )
