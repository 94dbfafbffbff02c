"""Weights of words in NumPy: from logits, from token vectors, and from a table."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.arrays.tensors import Array, read_arrays, read_tensor_file
from holotype.encoders.checkpoints.bge_m3 import find_layer
from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.sparse import IDF_FILE, LEXICAL_STEM
from holotype.encoders.inputs.rows import Row
from holotype.encoders.inputs.tokenizer import TextTokenizer
from holotype.encoders.kinds.plan import SparsePlan
from holotype.encoders.running.network import Output, Tower, Towers, one_tower
from holotype.errors import (
    CheckpointError,
    ClosedEncoderError,
    TensorError,
    UnsupportedCheckpointError,
)

# The logits of so many tokens are held at once.
_TOKENS_AT_ONCE = 256


def token_windows(lengths: Sequence[int]) -> Iterator[tuple[slice, list[tuple[int, slice]]]]:
    """Divide the tokens of texts that lie end to end into windows whose logits fit into memory.

    Args:
        lengths: how many tokens each text has.

    Yields:
        A window of tokens, and for each text in it its number and its tokens within the window.
    """
    ends = list(accumulate(lengths))
    n_tokens = ends[-1] if ends else 0
    for start in range(0, n_tokens, _TOKENS_AT_ONCE):
        stop = min(start + _TOKENS_AT_ONCE, n_tokens)
        first, last = bisect_right(ends, start), bisect_left(ends, stop)
        texts = [
            (at, slice(max(ends[at] - lengths[at], start) - start, min(ends[at], stop) - start))
            for at in range(first, last + 1)
        ]
        yield slice(start, stop), texts


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
        for window, texts in token_windows(lengths):
            logits = self._logits(states[window])
            for at, part in texts:
                self._add(weights[at], logits[part])
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


DROPPED_TOKENS = ("<s>", "</s>", "<pad>", "<unk>")
"""What BGE-M3's authors leave out of a text's words."""


def load_token_layer(checkpoint: Checkpoint, hidden_dim: int) -> tuple[Array, Array]:
    """Load the linear layer by which BGE-M3 weighs tokens.

    Returns:
        Its weight, ``[1, hidden_dim]``, and its bias, ``[1]``.

    Raises:
        CheckpointError: the file is missing or damaged.
        TensorError: a tensor is missing, unexpected, or of another shape.
        UnsafeCheckpointError: there is only a pickled file.
    """
    name = find_layer(checkpoint, LEXICAL_STEM)
    found = read_tensor_file(checkpoint.folder / name)
    shapes = {"weight": [1, hidden_dim], "bias": [1]}
    misshapen = [
        f"{name} ({list(found[name].shape)}, expected {shape})"
        for name, shape in shapes.items()
        if name in found and list(found[name].shape) != shape
    ]
    missing, unexpected = sorted(shapes.keys() - found), sorted(found.keys() - shapes)
    if missing or unexpected or misshapen:
        raise TensorError(checkpoint.where(name), missing, unexpected, misshapen)
    return found["weight"], found["bias"]


def load_token_weights(
    checkpoint: Checkpoint, table: str, tokenizer: TextTokenizer, dim: int
) -> Array:
    """Load the weights of queries' tokens: from a module's tensors, or from OpenSearch's file.

    Args:
        checkpoint: the files.
        table: the module's folder, or the JSON file with a weight for every token.
        tokenizer: knows the ids of tokens.
        dim: how many words the vectors weigh.

    Returns:
        float32 ``[dim]``.

    Raises:
        CheckpointError: the file is damaged, or names a token that is not of the vocabulary.
        TensorError: a tensor is missing, unexpected, or of another shape.
        UnsupportedCheckpointError: the module names a file of its own.
    """
    if table == IDF_FILE:
        return _from_json(checkpoint, tokenizer, dim)
    folder = checkpoint.part(table)
    settings = folder.json("config.json", optional=True)
    if settings.values.get("path") is not None:
        raise UnsupportedCheckpointError(
            settings.location, "takes the weights of tokens from a file of another repository"
        )
    tensors = read_arrays(folder)
    found = tensors.get("weight")
    unexpected = sorted(tensors.keys() - {"weight"})
    if found is None or unexpected:
        raise TensorError(folder.location, [] if found is not None else ["weight"], unexpected)
    if list(found.shape) != [dim]:
        shapes = f"weight ({list(found.shape)}, expected {[dim]})"
        raise TensorError(folder.location, misshapen=[shapes])
    return found


def _from_json(checkpoint: Checkpoint, tokenizer: TextTokenizer, dim: int) -> Array:
    file = checkpoint.json(IDF_FILE)
    weights = np.zeros(dim, dtype=np.float32)
    for token, weight in file.values.items():
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            raise file.wrong(token, weight, "a weight")
        id = tokenizer.token_id(token)
        if id is None or id >= dim:
            raise CheckpointError(
                file.location, f"weighs {token!r}, which is no token of the checkpoint's vocabulary"
            )
        weights[id] = weight
    return weights


_WEIGHTS_AT_ONCE = 8_000_000


class LookupNetwork:
    """A `Network` that weighs a word by a table if it occurs, however often: ``[n_rows, dim]``."""

    def __init__(self, weights: NDArray[np.float32]) -> None:
        """Take the weights of all tokens: float32 ``[dim]``."""
        self._weights: NDArray[np.float32] | None = weights

    @property
    def device(self) -> str:
        """Where it runs: on the CPU."""
        return "cpu"

    @property
    def memory_bytes(self) -> int:
        """How many bytes the table takes."""
        return self._open().nbytes

    def run(self, rows: Sequence[Row], batch_size: int | None) -> Iterator[Output]:
        """Yield some rows at a time, in their order; see `Network.run`."""
        weights = self._open()
        step = min(batch_size or len(rows), max(1, _WEIGHTS_AT_ONCE // len(weights)))
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            found = np.zeros((len(part), len(weights)), dtype=np.float32)
            for words, row in zip(found, part, strict=True):
                words[row.ids] = weights[row.ids]
            positions = list(range(start, start + len(part)))
            yield positions, found, np.ones((len(part), 1), dtype=np.bool_)

    def close(self) -> None:
        """Let go of the table; see `Network.close`."""
        self._weights = None

    def _open(self) -> NDArray[np.float32]:
        if self._weights is None:
            raise ClosedEncoderError
        return self._weights


class TokenizerReader(Protocol):
    """Reads the tokenizer of a folder, as a backend does."""

    def __call__(self, checkpoint: Checkpoint, /, *, lower_case: bool) -> TextTokenizer:
        """Return the tokenizer."""
        ...


def sparse_towers(
    plan: SparsePlan, document: Tower, read: TokenizerReader, *, dtype: str
) -> Towers:
    """Return the towers of a sparse model: one for both sides, or a table for queries.

    Args:
        plan: how the model is run.
        document: the network with its tokenizer.
        read: reads the tokenizer of queries, where they have one of their own.
        dtype: the type of the network's arithmetic.

    Raises:
        CheckpointError: the table or the tokenizer is missing or damaged.
    """
    table = plan.settings.query_table
    if table is None:
        return one_tower(document.network, document.tokenizer, dtype=dtype)
    tokenizer = document.tokenizer
    if plan.settings.has_query_module:
        tokenizer = read(plan.checkpoint.part(table), lower_case=False)
    weights = load_token_weights(plan.checkpoint, table, tokenizer, plan.encoding.dim)
    return Towers(document=document, query=Tower(LookupNetwork(weights), tokenizer), dtype=dtype)
