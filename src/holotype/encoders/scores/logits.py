"""Rows of whole inputs, and the logits that come back for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Sized

import numpy as np

from holotype.encoders.running.network import Output
from holotype.encoders.running.pipeline import Reading
from holotype.encoders.scores.activations import Scores
from holotype.encoders.tokens.batching import Row
from holotype.encoders.tokens.tokenization import TokenizedText


def count_inputs(inputs: object) -> int | None:
    """Return how many inputs there are; None for an iterator, which does not know."""
    return len(inputs) if isinstance(inputs, Sized) else None


def reading(inputs: Sequence[TokenizedText]) -> Reading:
    """Return inputs of which every token counts, as the model reads them."""
    rows = []
    for found in inputs:
        whole = [True] * len(found.ids)
        rows.append(Row(found.ids, found.type_ids, whole, whole))
    return Reading(rows, [found.n_cut for found in inputs])


def collect_logits(n_labels: int) -> Callable[[int, Iterator[Output]], Scores]:
    """Return what puts the logits of a window in order: ``[n_inputs, n_labels]``."""

    def collect(n_inputs: int, outputs: Iterator[Output]) -> Scores:
        logits = np.empty((n_inputs, n_labels), dtype=np.float32)
        for positions, found, _ in outputs:
            logits[positions] = found
        return logits

    return collect


def joined(windows: Iterable[Scores], n_labels: int) -> Scores:
    """Return the logits of all windows: ``[n_inputs, n_labels]``, also for none."""
    return np.concatenate([np.empty((0, n_labels), dtype=np.float32), *windows])
