"""Networks that weigh the words of a vocabulary, on torch."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
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
    """What turns the token vectors of one text into the weights of words."""

    @property
    def dim(self) -> int:
        """The size of the vocabulary."""
        ...

    def states(self, backbone: Backbone, batch: Batch) -> Tensor:
        """Return what the head takes: ``[n_rows, n_tokens, width]``."""
        ...

    def weigh(self, states: Tensor, ids: Tensor) -> Tensor:
        """Return the weights of one text from its ``[n_tokens, width]`` and its token ids."""
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

    def weigh(self, states: Tensor, ids: Tensor) -> Tensor:
        """Return the weights of one text; see `Head.weigh`."""
        pooled: Tensor | None = None
        for start in range(0, len(states), _TOKENS_AT_ONCE):
            part = states[start : start + _TOKENS_AT_ONCE]
            logits = functional.linear(part, self.weight, self.bias)
            # The activation keeps the order, so that the maximum needs it once for every word.
            found = self._activate(logits).sum(0) if self.summed else logits.amax(0)
            if pooled is not None:
                found = pooled + found if self.summed else torch.maximum(pooled, found)
            pooled = found
        if pooled is None:
            return torch.zeros(self.dim, device=states.device)
        return pooled if self.summed else self._activate(pooled)

    def memory_bytes(self) -> int:
        """Return how many bytes the weights take; see `Head.memory_bytes`."""
        bias = 0 if self.bias is None else self.bias.nbytes
        return bias + (0 if self.tied else self.weight.nbytes)

    def _activate(self, logits: Tensor) -> Tensor:
        weights = logits.float().relu().log1p()
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

    def weigh(self, states: Tensor, ids: Tensor) -> Tensor:
        """Return the weights of one text; see `Head.weigh`."""
        weights = functional.linear(states, self.weight, self.bias).float().relu().squeeze(-1)
        words = torch.zeros(self.dim, device=states.device).scatter_reduce(0, ids, weights, "amax")
        return words.index_fill(0, self.dropped, 0.0)

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
    backbone: Backbone, head: Head, batch: Batch, states: Tensor, part: Collection[int]
) -> NDArray[np.float32]:
    found = []
    for at in part:
        counted = batch.counted[at]
        ids = backbone.place(batch.ids[at][counted])
        found.append(head.weigh(states[at][backbone.place(counted)], ids))
    weights: NDArray[np.float32] = torch.stack(found).cpu().numpy()
    return weights
