"""From token vectors to the weights of words, without torch: what `sparse_head` does there."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.graph_backends.array_tensors import Array

# The logits of so many tokens are held at once.
_TOKENS_AT_ONCE = 256


class ArrayHead(Protocol):
    """What turns the token vectors of texts into the weights of words."""

    @property
    def dim(self) -> int:
        """The size of the vocabulary."""
        ...

    @property
    def memory_bytes(self) -> int:
        """How many bytes its weights take."""
        ...

    def weigh(self, states: Array, ids: NDArray[np.int64], lengths: Sequence[int]) -> Array:
        """Return the weights of several texts: float32 ``[n_texts, dim]``.

        Args:
            states: what the head takes, of all tokens end to end: ``[n_tokens, width]``.
            ids: the tokens: ``[n_tokens]``.
            lengths: how many tokens each text has.
        """
        ...


@dataclass(frozen=True, slots=True)
class ArrayLanguageModelHead:
    """The last layer of a masked language model, an activation, and pooling over tokens.

    Attributes:
        dim: the size of the vocabulary.
        weight: ``[dim, width]``; None where what comes in are logits already.
        bias: ``[dim]``, or None.
        doubled: whether the logarithm is taken twice.
        summed: whether weights are added up over tokens, instead of their maximum.
    """

    dim: int
    weight: Array | None
    bias: Array | None
    doubled: bool
    summed: bool

    @property
    def memory_bytes(self) -> int:
        """How many bytes its weights take."""
        return sum(array.nbytes for array in (self.weight, self.bias) if array is not None)

    def weigh(self, states: Array, ids: NDArray[np.int64], lengths: Sequence[int]) -> Array:
        """Return the weights of several texts; see `ArrayHead.weigh`."""
        weights: Array = np.zeros((len(lengths), self.dim), dtype=np.float32)
        ends = list(accumulate(lengths))
        for start in range(0, len(states), _TOKENS_AT_ONCE):
            stop = min(start + _TOKENS_AT_ONCE, len(states))
            logits = self._logits(states[start:stop])
            for at in range(bisect_right(ends, start), len(ends)):
                first = ends[at] - lengths[at]
                if first >= stop:
                    break
                self._add(weights[at], logits[max(first, start) - start : ends[at] - start])
        # The activation keeps the order, so that the maximum needs it once for every word.
        return weights if self.summed else self._activate(weights)

    def _logits(self, states: Array) -> Array:
        if self.weight is None:
            return states
        logits: Array = states @ self.weight.T
        if self.bias is not None:
            logits += self.bias
        return logits

    def _add(self, weights: Array, logits: Array) -> None:
        if not len(logits):
            return
        if self.summed:
            weights += self._activate(logits).sum(axis=0)
        else:
            np.maximum(weights, logits.max(axis=0), out=weights)

    def _activate(self, logits: Array) -> Array:
        weights: Array = np.log1p(np.maximum(logits, 0))
        return np.log1p(weights) if self.doubled else weights


@dataclass(frozen=True, slots=True)
class ArrayTokenHead:
    """A linear layer that weighs every token; a word weighs what its heaviest token does.

    Attributes:
        weight: ``[1, width]``.
        bias: ``[1]``.
        dropped: ids of tokens that have no weight, as special tokens.
        dim: the size of the vocabulary.
    """

    weight: Array
    bias: Array
    dropped: tuple[int, ...]
    dim: int

    @property
    def memory_bytes(self) -> int:
        """How many bytes its weights take."""
        return self.weight.nbytes + self.bias.nbytes

    def weigh(self, states: Array, ids: NDArray[np.int64], lengths: Sequence[int]) -> Array:
        """Return the weights of several texts; see `ArrayHead.weigh`."""
        found = np.maximum(states @ self.weight[0] + self.bias, 0)
        texts = np.arange(len(lengths)).repeat(lengths)
        weights: Array = np.zeros((len(lengths), self.dim), dtype=np.float32)
        np.maximum.at(weights, (texts, ids), found)
        weights[:, list(self.dropped)] = 0
        return weights
