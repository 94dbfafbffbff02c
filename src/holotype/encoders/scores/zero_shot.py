"""Labels of one's own, by what a model of natural language inference says about them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from holotype.encoders.scores.activations import Scores, activate

PLACE = "{}"


def hypotheses(template: str, candidates: Sequence[str]) -> list[str]:
    """Return the sentence for each label.

    Raises:
        ValueError: there are no labels, one of them twice, or the template has no place for one.
    """
    if PLACE not in template:
        raise ValueError(f"the hypothesis {template!r} has no {PLACE!r} where a label would stand")
    if not candidates or len(set(candidates)) != len(candidates):
        raise ValueError(f"labels is {list(candidates)!r}; expected different labels, at least one")
    return [template.replace(PLACE, label) for label in candidates]


def inference_labels(labels: Sequence[str]) -> tuple[int, int]:
    """Return which of a model's labels says that a sentence follows, and which that it does not.

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


def candidate_scores(
    logits: Scores, follows: int, contradicts: int, *, multi_label: bool
) -> Scores:
    """Turn the logits of hypotheses into scores of labels.

    Args:
        logits: ``[n_texts, n_candidates, n_labels]``.
        follows: the label that says that a hypothesis follows.
        contradicts: the label that says that it does not.
        multi_label: whether the labels do not exclude each other; one label alone never does.

    Returns:
        float32 ``[n_texts, n_candidates]``, which sum to 1 for a text unless `multi_label`.
    """
    if multi_label or logits.shape[1] == 1:
        both = np.stack([logits[..., contradicts], logits[..., follows]], axis=-1)
        scores: Scores = activate(both, "softmax")[..., 1]
        return scores
    return activate(logits[..., follows], "softmax")
