"""What turns logits into scores."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from holotype.records import ScoreActivation

Scores: TypeAlias = NDArray[np.float32]
Activation: TypeAlias = Literal["record", "logits", "identity", "sigmoid", "softmax"]


def chosen_activation(asked: Activation, usual: ScoreActivation, n_labels: int) -> ScoreActivation:
    """Return the activation that a call asks for.

    Args:
        asked: the caller's choice; ``"record"`` means the model's own, ``"logits"`` is another
            name of ``"identity"``.
        usual: the model's own.
        n_labels: how many scores there are for one input.

    Raises:
        ValueError: there is no such activation, or softmax is asked for a single score.
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

    Softmax is taken over the labels of one input.
    """
    if activation == "identity":
        return logits
    if activation == "sigmoid":
        # exp of what is never positive, so that nothing overflows.
        small = np.exp(-np.abs(logits))
        scores = np.where(logits >= 0, 1 / (1 + small), small / (1 + small))
    else:
        powers = np.exp(logits - logits.max(axis=-1, keepdims=True, initial=-np.inf))
        scores = powers / powers.sum(axis=-1, keepdims=True)
    activated: Scores = scores.astype(np.float32, copy=False)
    return activated
