"""Networks that weigh the words of a vocabulary, on torch."""

from __future__ import annotations

import gc
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from holotype.encoders.backbone import Backbone
from holotype.encoders.batching import Batch, Row, batches
from holotype.encoders.network import Output
from holotype.encoders.tokenization import TextTokenizer
from holotype.errors import ClosedEncoderError

# Bounds of what is held at once: the logits of so many tokens, and so many weights of texts.
_TOKENS_AT_ONCE = 256
_WEIGHTS_AT_ONCE = 8_000_000


class Head(Protocol):
    """What turns the token vectors of texts into the weights of words."""

    @property
    def dim(self) -> int:
        """The size of the vocabulary."""
        ...

    def states(self, backbone: Backbone, batch: Batch) -> Tensor:
        """Return what the head takes: ``[n_rows, n_tokens, width]``."""
        ...

    def weigh(self, states: Tensor, ids: Tensor, lengths: Sequence[int]) -> Tensor:
        """Return the weights of several texts: float32 ``[n_texts, dim]``.

        Args:
            states: what the head takes, of all tokens end to end: ``[n_tokens, width]``.
            ids: the tokens: ``[n_tokens]``.
            lengths: how many tokens each text has.
        """
        ...

    def memory_bytes(self) -> int:
        """Return how many bytes the weights take on the device."""
        ...


@dataclass(frozen=True, slots=True)
class LanguageModelHead:
    """The last layer of a masked language model, an activation, and pooling over tokens.

    Attributes:
        weight: ``[dim, width]``.
        bias: ``[dim]``, or None.
        doubled: whether the logarithm is taken twice.
        summed: whether weights are added up over tokens, instead of their maximum.
        tied: whether the weight is the transformer's table of tokens as well.
    """

    weight: Tensor
    bias: Tensor | None
    doubled: bool
    summed: bool
    tied: bool

    @property
    def dim(self) -> int:
        """The size of the vocabulary."""
        return len(self.weight)

    def states(self, backbone: Backbone, batch: Batch) -> Tensor:
        """Return the inputs of the last layer; see `Head.states`."""
        return backbone.logits(batch)

    def weigh(self, states: Tensor, ids: Tensor, lengths: Sequence[int]) -> Tensor:
        """Return the weights of several texts; see `Head.weigh`."""
        weights = torch.zeros(len(lengths), self.dim, device=states.device)
        ends = list(accumulate(lengths))
        for start in range(0, len(states), _TOKENS_AT_ONCE):
            stop = min(start + _TOKENS_AT_ONCE, len(states))
            logits = functional.linear(states[start:stop], self.weight, self.bias)
            for at in range(bisect_right(ends, start), len(ends)):
                first = ends[at] - lengths[at]
                if first >= stop:
                    break
                part = logits[max(first, start) - start : ends[at] - start].float()
                self._add(weights[at], part)
        # The activation keeps the order, so that the maximum needs it once for every word.
        return weights if self.summed else self._activate(weights)

    def _add(self, weights: Tensor, logits: Tensor) -> None:
        if not len(logits):
            return
        if self.summed:
            weights += self._activate(logits).sum(0)
        else:
            torch.maximum(weights, logits.amax(0), out=weights)

    def memory_bytes(self) -> int:
        """Return how many bytes the weights take; see `Head.memory_bytes`."""
        bias = 0 if self.bias is None else self.bias.nbytes
        return bias + (0 if self.tied else self.weight.nbytes)

    def _activate(self, logits: Tensor) -> Tensor:
        weights = logits.relu().log1p()
        return weights.log1p() if self.doubled else weights


@dataclass(frozen=True, slots=True)
class TokenHead:
    """A linear layer that weighs every token; a word weighs what its heaviest token does.

    Attributes:
        weight: ``[1, width]``.
        bias: ``[1]``.
        dropped: ids of tokens that have no weight, as special tokens.
        dim: the size of the vocabulary.
    """

    weight: Tensor
    bias: Tensor
    dropped: Tensor
    dim: int

    def states(self, backbone: Backbone, batch: Batch) -> Tensor:
        """Return the last hidden states; see `Head.states`."""
        return backbone.token_vectors(batch)

    def weigh(self, states: Tensor, ids: Tensor, lengths: Sequence[int]) -> Tensor:
        """Return the weights of several texts; see `Head.weigh`."""
        found = functional.linear(states, self.weight, self.bias).float().relu().squeeze(-1)
        n_tokens = torch.tensor(lengths, device=states.device)
        texts = torch.arange(len(lengths), device=states.device).repeat_interleave(n_tokens)
        weights = torch.zeros(len(lengths) * self.dim, device=states.device)
        weights = weights.scatter_reduce(0, texts * self.dim + ids, found, "amax")
        return weights.view(len(lengths), self.dim).index_fill(1, self.dropped, 0.0)

    def memory_bytes(self) -> int:
        """Return how many bytes the weights take; see `Head.memory_bytes`."""
        return self.weight.nbytes + self.bias.nbytes


class SparseNetwork:
    """A `Network` that returns the weights of all words, ``[n_rows, dim]``, in place of vectors."""

    def __init__(self, backbone: Backbone, head: Head) -> None:
        """Take a transformer and what comes after it, on one device."""
        self._parts: tuple[Backbone, Head] | None = (backbone, head)
        self._device = backbone.device

    @property
    def tokenizer(self) -> TextTokenizer:
        """The checkpoint's tokenizer."""
        return self._open()[0].tokenizer

    @property
    def device(self) -> str:
        """Where it runs, as torch names it."""
        return str(self._device)

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights take on the device."""
        backbone, head = self._open()
        return backbone.memory_bytes + head.memory_bytes()

    def run(self, rows: Sequence[Row], batch_size: int | None) -> Iterator[Output]:
        """Yield some texts at a time, longest first; see `Network.run`."""
        backbone, head = self._open()
        step = max(1, _WEIGHTS_AT_ONCE // head.dim)
        for positions, batch in batches(rows, batch_size, pad_id=backbone.tokenizer.pad_id):
            states = _states(backbone, head, batch)
            for first in range(0, len(positions), step):
                part = range(first, min(first + step, len(positions)))
                weights = _weights(backbone, head, batch, states, part)
                yield [positions[at] for at in part], weights, batch.counted[part.start : part.stop]

    def close(self) -> None:
        """Let go of the weights; see `Network.close`."""
        self._parts = None
        gc.collect()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        elif self._device.type == "mps":
            torch.mps.empty_cache()

    def _open(self) -> tuple[Backbone, Head]:
        if self._parts is None:
            raise ClosedEncoderError
        return self._parts


@torch.inference_mode()
def _states(backbone: Backbone, head: Head, batch: Batch) -> Tensor:
    return head.states(backbone, batch)


@torch.inference_mode()
def _weights(
    backbone: Backbone, head: Head, batch: Batch, states: Tensor, part: range
) -> NDArray[np.float32]:
    rows = slice(part.start, part.stop)
    counted = batch.counted[rows]
    ids = backbone.place(batch.ids[rows][counted])
    chosen = states[rows][backbone.place(counted)]
    found = head.weigh(chosen, ids, counted.sum(axis=1).tolist())
    weights: NDArray[np.float32] = found.cpu().numpy()
    return weights
