"""Static models: read the table of token vectors, and look tokens up in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.arrays.tensors import read_table_file
from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.inputs.rows import Row
from holotype.encoders.inputs.static_tokenizer import StaticTokenizer
from holotype.encoders.inputs.tokenizer_json import open_tokenizer
from holotype.encoders.kinds.plan import StaticPlan
from holotype.encoders.kinds.static import (
    MAPPING_NAME,
    TABLE_NAMES,
    StaticCheckpoint,
)
from holotype.encoders.running.network import Output, Tower, Towers
from holotype.errors import (
    CheckpointError,
    ClosedEncoderError,
    TensorError,
    UnsupportedCheckpointError,
    UnsupportedModelError,
)

if TYPE_CHECKING:
    from holotype.encoders.config import ModelConfig

# Sums of more vectors are added up in double precision.
_TOKENS_AT_ONCE = 256
_ONES = np.ones(_TOKENS_AT_ONCE, np.float32)
# What a core's own cache holds, beside other things.
_BYTES_AT_ONCE = 256 << 10
_MOST_WIDENED_BYTES = 16 << 20
# The name that model2vec gives the token weights.
_WEIGHTS = "weights"


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticTable:
    """The vector of every token.

    Attributes:
        vectors: ``[n_rows, dim]``.
        mapping: the row of every token, ``[n_tokens]``; None if a token's id is its row.
        weights: float32, the weight of every token, ``[n_tokens]``; None if all are 1.
    """

    vectors: NDArray[Any]
    mapping: NDArray[np.int64] | None
    weights: NDArray[np.float32] | None

    @property
    def dim(self) -> int:
        """The width of a vector."""
        return int(self.vectors.shape[1])

    @property
    def n_tokens(self) -> int:
        """The number of tokens with a vector."""
        return len(self.vectors if self.mapping is None else self.mapping)

    @property
    def memory_bytes(self) -> int:
        """The size of the arrays in bytes."""
        arrays = (self.vectors, self.mapping, self.weights)
        return sum(array.nbytes for array in arrays if array is not None)

    def means(self, rows: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Return the mean of the tokens' weighted vectors for every row: ``[n_rows, dim]``.

        Args:
            rows: the ids of the tokens of each; a row without tokens gives zeros.
        """
        found = np.zeros((len(rows), self.dim), dtype=np.float32)
        at_once = max(_BYTES_AT_ONCE // (4 * self.dim), _TOKENS_AT_ONCE)
        first = n_tokens = 0
        for at, row in enumerate(rows):
            if n_tokens + len(row) > at_once:
                self._add_means(rows[first:at], found[first:at])
                first, n_tokens = at, 0
            n_tokens += len(row)
        self._add_means(rows[first:], found[first:])
        return found

    def _add_means(self, rows: Sequence[Sequence[int]], means: NDArray[np.float32]) -> None:
        ids = np.array([id for row in rows for id in row], np.int64)
        vectors = self.vectors.take(ids if self.mapping is None else self.mapping[ids], axis=0)
        vectors = vectors.astype(np.float32, copy=False)
        weights = None if self.weights is None else self.weights[ids]
        start = 0
        for row, mean in zip(rows, means, strict=True):
            n_tokens = len(row)
            stop = start + n_tokens
            own = _ONES[:n_tokens] if weights is None else weights[start:stop]
            if n_tokens <= _TOKENS_AT_ONCE:
                # A vector-matrix product sums rows several times faster than np.sum.
                np.dot(own, vectors[start:stop], out=mean)
            else:
                mean[:] = _long_sum(vectors[start:stop], None if weights is None else own)
            start = stop
        means /= np.array([max(1, len(row)) for row in rows], np.float32)[:, None]

    def widened(self) -> StaticTable:
        """Return a table in float32, if that is small; numbers of other types cost time in sums."""
        if self.vectors.dtype == np.float32 or self.vectors.size * 4 > _MOST_WIDENED_BYTES:
            return self
        return dataclasses.replace(self, vectors=self.vectors.astype(np.float32))


def _long_sum(
    vectors: NDArray[np.float32], weights: NDArray[np.float32] | None
) -> NDArray[np.float64]:
    """Return the weighted sum of many vectors; long sums lose accuracy in single precision."""
    total = np.zeros(vectors.shape[1])
    for start in range(0, len(vectors), _TOKENS_AT_ONCE):
        part = vectors[start : start + _TOKENS_AT_ONCE]
        own = _ONES[: len(part)] if weights is None else weights[start : start + len(part)]
        total += own @ part
    return total


def read_table(checkpoint: Checkpoint) -> StaticTable:
    """Read the table of a checkpoint.

    Raises:
        CheckpointError: the file is missing or damaged, or is not a table.
        TensorError: a tensor is missing, unexpected or of another shape.
        UnsafeCheckpointError: there are only pickled weights.
    """
    (name, *more) = checkpoint.weights()
    if more:
        raise UnsupportedCheckpointError(
            checkpoint.location, "stores its table in several files; expected one"
        )
    path = checkpoint.folder / name
    return _check(path, read_table_file(path))


def _check(path: Path, tensors: dict[str, NDArray[Any]]) -> StaticTable:
    names = [name for name in TABLE_NAMES if name in tensors]
    unexpected = sorted(tensors.keys() - {*names[:1], _WEIGHTS, MAPPING_NAME})
    if not names or unexpected:
        raise TensorError(str(path), [] if names else [" or ".join(TABLE_NAMES)], unexpected)
    vectors, mapping, weights = (tensors.get(name) for name in (names[0], MAPPING_NAME, _WEIGHTS))
    assert vectors is not None
    if vectors.ndim != 2 or vectors.dtype.kind not in "fi":
        raise TensorError(
            str(path), misshapen=[f"{names[0]} ({list(vectors.shape)}, expected [tokens, dim])"]
        )
    if mapping is not None and not np.issubdtype(mapping.dtype, np.integer):
        raise CheckpointError(str(path), f"holds mapping as {mapping.dtype}; expected integers")
    n_tokens = len(vectors if mapping is None else mapping)
    for name, found in ((MAPPING_NAME, mapping), (_WEIGHTS, weights)):
        if found is not None and found.shape != (n_tokens,):
            raise TensorError(
                str(path), misshapen=[f"{name} ({list(found.shape)}, expected [{n_tokens}])"]
            )
    if (
        mapping is not None
        and mapping.size
        and not 0 <= mapping.min() <= mapping.max() < len(vectors)
    ):
        raise CheckpointError(str(path), f"mapping points outside of the {len(vectors)} vectors")
    return StaticTable(
        vectors=vectors,
        mapping=None if mapping is None else mapping.astype(np.int64),
        weights=None if weights is None else weights.astype(np.float32),
    )


_ROWS_AT_ONCE = 1024


class StaticNetwork:
    """A `Network` that looks tokens up in a table and returns their mean."""

    def __init__(self, table: StaticTable, *, dim: int, normalized: bool) -> None:
        """Wrap a table.

        Args:
            table: the vectors of tokens.
            dim: how many dimensions to return.
            normalized: whether vectors have length 1.
        """
        self._table: StaticTable | None = table
        self._dim = dim
        self._normalized = normalized

    @property
    def device(self) -> str:
        """Always the CPU."""
        return "cpu"

    @property
    def memory_bytes(self) -> int:
        """The size of the table in bytes."""
        return self._open().memory_bytes

    def run(self, rows: Sequence[Row], batch_size: int | None) -> Iterator[Output]:
        """Yield the output of each batch, in the order of the rows; see `Network.run`."""
        table, step = self._open(), batch_size or _ROWS_AT_ONCE
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            means = table.means([row.ids for row in part])
            positions = list(range(start, start + len(part)))
            yield positions, self._returned(means), np.ones((len(part), 1), dtype=np.bool_)

    def close(self) -> None:
        """Release the table; see `Network.close`."""
        self._table = None

    def _open(self) -> StaticTable:
        if self._table is None:
            raise ClosedEncoderError
        return self._table

    def _returned(self, means: NDArray[np.float32]) -> NDArray[np.float32]:
        vectors = means[:, : self._dim]
        if not self._normalized:
            return vectors
        lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None]
        unit: NDArray[np.float32] = vectors / np.maximum(lengths, 1e-12)
        return unit


_DEVICES = (None, "cpu")
_OTHER_DTYPES = ("float16", "bfloat16", "int8")


def build_table(plan: StaticPlan, config: ModelConfig[Any]) -> Towers:
    """Load a table of token vectors, and return the towers that run it.

    Raises:
        UnsupportedModelError: the device is not the CPU, or the data type is not float32.
        CheckpointError: the files are missing, damaged, unsafe, or from different checkpoints.
    """
    if config.device not in _DEVICES or config.dtype in _OTHER_DTYPES:
        raise UnsupportedModelError(
            plan.record.id,
            f"tables of token vectors are run on the CPU in float32, not on "
            f"{config.device or 'the CPU'} in {config.dtype}; leave device= and dtype= out",
        )
    encoding = plan.encoding
    dim = config.dim or encoding.native_dim
    tower = build_table_tower(plan.static, dim=dim, normalized=encoding.normalized)
    return Towers(document=tower, query=tower, dtype="float32")


def build_table_tower(static: StaticCheckpoint, *, dim: int, normalized: bool) -> Tower:
    """Load a table and its tokenizer.

    Args:
        static: the checkpoint of the table.
        dim: how many dimensions to return.
        normalized: whether vectors have length 1.

    Raises:
        CheckpointError: the files are missing, damaged, unsafe, or from different checkpoints.
    """
    table, tokenizer = read_table(static.table).widened(), open_tokenizer(static.table)
    truncation = None if static.is_model2vec else tokenizer.truncation
    opened = StaticTokenizer(
        tokenizer,
        cuts_left=truncation is not None and truncation["direction"] == "left",
        is_model2vec=static.is_model2vec,
    )
    if opened.vocab_size > table.n_tokens:
        raise CheckpointError(
            static.table.location,
            f"the tokenizer has token ids up to {opened.vocab_size - 1}, but the table has only "
            f"{table.n_tokens} tokens; its files are not of one checkpoint",
        )
    return Tower(StaticNetwork(table, dim=dim, normalized=normalized), opened)
