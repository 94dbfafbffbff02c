"""Heads that weigh the words of a vocabulary."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from holotype.encoders.arrays.words import token_windows
from holotype.encoders.running.packing import PackedBatch
from holotype.encoders.torch_backend.linear_map import LinearMap
from holotype.encoders.torch_backend.transfers import Fetched, Started, fetch, send
from holotype.encoders.torch_backend.transformer import Transformer

# So many weights of texts are held at once.
_WEIGHTS_AT_ONCE = 8_000_000
# The logits of so many tokens are held at once on a GPU: half a gigabyte for 30,522 words.
_TOKENS_ON_GPU = 8192


class Weigher(Protocol):
    """What turns the token vectors of texts into the weights of words."""

    @property
    def dim(self) -> int:
        """The size of the vocabulary."""
        ...

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights take on the device."""
        ...

    def states(self, vectors: Tensor) -> Tensor:
        """Turn token vectors, ``[n_tokens, width]``, into what `weigh` takes."""
        ...

    def weigh(self, states: Tensor, ids: Tensor, lengths: Sequence[int]) -> Tensor:
        """Return the weights of several texts: float32 ``[n_texts, dim]``.

        Args:
            states: what `states` returns for all tokens, end to end: ``[n_tokens, width]``.
            ids: the tokens: ``[n_tokens]``.
            lengths: how many tokens each text has.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageModel:
    """A masked language model, as it is read.

    Attributes:
        transformer: the transformer.
        transform: what comes between it and the last layer; None where the transformer runs it.
        transform_bytes: how many bytes the weights of that take.
        weight: that of the last layer, ``[n_words, width]``.
        bias: that of the last layer, ``[n_words]``; None where it has none.
        is_tied: whether the weight is the transformer's table of words.
    """

    transformer: Transformer
    transform: Callable[[Tensor], Tensor] | None
    transform_bytes: int
    weight: Tensor
    bias: Tensor | None
    is_tied: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageModelHead:
    """The head of a masked language model, an activation, and pooling over tokens.

    Attributes:
        transform: what comes before the last layer; None where the transformer runs it.
        decoder: the last layer.
        dim: the size of the vocabulary.
        doubled: whether the logarithm is taken twice.
        summed: whether weights are added up over tokens, instead of their maximum.
        memory_bytes: how many bytes the weights take on the device.
    """

    transform: Callable[[Tensor], Tensor] | None
    decoder: LinearMap
    dim: int
    doubled: bool
    summed: bool
    memory_bytes: int

    def states(self, vectors: Tensor) -> Tensor:
        """Return the inputs of the last layer; see `Weigher.states`."""
        return vectors if self.transform is None else self.transform(vectors)

    def weigh(self, states: Tensor, ids: Tensor, lengths: Sequence[int]) -> Tensor:
        """Return the weights of several texts; see `Weigher.weigh`."""
        if states.is_cuda:
            return self._weigh_at_once(states, lengths)
        weights = torch.zeros(len(lengths), self.dim, device=states.device)
        for window, texts in token_windows(lengths):
            logits = self.decoder(states[window])
            for at, part in texts:
                self._add(weights[at], logits[part].float())
        # The activation keeps the order, so that the maximum needs it once for every word.
        return weights if self.summed else self._activate(weights)

    def _weigh_at_once(self, states: Tensor, lengths: Sequence[int]) -> Tensor:
        """Return the weights of several texts by few calls, dearer than memory on a GPU."""
        found = []
        start = 0
        for several in _texts_of(lengths, _TOKENS_ON_GPU):
            logits = self.decoder(states[start : start + sum(several)])
            start += sum(several)
            sizes = send(np.array(several, dtype=np.int64), states.device)
            if self.summed:
                found.append(_reduce(self._activate(logits.float()), "sum", sizes))
            else:
                found.append(_reduce(logits, "max", sizes).float())
        whole = torch.cat(found)
        return whole if self.summed else self._activate(whole)

    def _add(self, weights: Tensor, logits: Tensor) -> None:
        if not len(logits):
            return
        if self.summed:
            weights += self._activate(logits).sum(0)
        else:
            torch.maximum(weights, logits.amax(0), out=weights)

    def _activate(self, logits: Tensor) -> Tensor:
        weights = logits.relu().log1p()
        return weights.log1p() if self.doubled else weights


def _reduce(logits: Tensor, reduce: Literal["sum", "max"], lengths: Tensor) -> Tensor:
    """Return the sum or the maximum over the tokens of each text, and over zero."""
    # That lengths fit is known; to look would wait for the GPU.
    run: Any = torch.segment_reduce
    found: Tensor = run(logits, reduce, lengths=lengths, axis=0, unsafe=True, initial=0)
    return found


def _texts_of(lengths: Sequence[int], n_tokens: int) -> Iterator[Sequence[int]]:
    """Yield the lengths of consecutive texts with so many tokens at most, or of one longer text."""
    first = room = 0
    for at, length in enumerate(lengths):
        if at > first and length > room:
            yield lengths[first:at]
            first, room = at, n_tokens
        elif at == first:
            room = n_tokens
        room -= length
    yield lengths[first:]


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

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights take; see `Weigher.memory_bytes`."""
        return self.weight.nbytes + self.bias.nbytes

    def states(self, vectors: Tensor) -> Tensor:
        """Return the vectors as they are; see `Weigher.states`."""
        return vectors

    def weigh(self, states: Tensor, ids: Tensor, lengths: Sequence[int]) -> Tensor:
        """Return the weights of several texts; see `Weigher.weigh`."""
        found = functional.linear(states, self.weight, self.bias).float().relu().squeeze(-1)
        texts = send(np.repeat(np.arange(len(lengths)), lengths), states.device)
        weights = torch.zeros(len(lengths) * self.dim, device=states.device)
        weights = weights.scatter_reduce(0, texts * self.dim + ids, found, "amax")
        return weights.view(len(lengths), self.dim).index_fill(1, self.dropped, 0.0)


class WordHead:
    """A `Head` that returns the weights of all words, ``[n_rows, dim]``, in place of vectors."""

    def __init__(self, weigher: Weigher) -> None:
        """Take what weighs words."""
        self._weigher = weigher

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights take on the device."""
        return self._weigher.memory_bytes

    def outputs(self, vectors: Tensor, batch: PackedBatch) -> Iterator[Started]:
        """Yield some rows at a time; see `Head.outputs`."""
        counted = batch.counted_by_row()
        states, ids = self._tokens(vectors, batch)
        step = max(1, _WEIGHTS_AT_ONCE // self._weigher.dim)
        stop = 0
        for first in range(0, len(counted), step):
            part = slice(first, first + step)
            lengths = counted[part].sum(axis=1).tolist()
            start, stop = stop, stop + sum(lengths)
            weights = self._weigh(states[start:stop], ids[start:stop], lengths)
            yield batch.indices[part], weights, counted[part]

    @torch.inference_mode()
    def _tokens(self, vectors: Tensor, batch: PackedBatch) -> tuple[Tensor, Tensor]:
        """Return the states and the ids of the tokens that count, end to end."""
        ids = send(batch.ids, vectors.device)
        if not batch.counted.all():
            counted = send(np.flatnonzero(batch.counted), vectors.device)
            vectors, ids = vectors[counted], ids[counted]
        return self._weigher.states(vectors), ids

    @torch.inference_mode()
    def _weigh(self, states: Tensor, ids: Tensor, lengths: list[int]) -> Fetched:
        return fetch(self._weigher.weigh(states, ids, lengths))
