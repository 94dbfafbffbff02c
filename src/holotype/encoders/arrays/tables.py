"""Tables of token vectors: the file, the network, and the way from a config to an encoder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from holotype.encoders.checkpoints.json_file import Setting
from holotype.encoders.checkpoints.safetensors import reading_tensors
from holotype.encoders.checkpoints.source import find_checkpoint
from holotype.encoders.config import ModelConfig
from holotype.encoders.dense import DenseEncoder
from holotype.encoders.inputs.rows import Row
from holotype.encoders.inputs.static_tokenizer import StaticTokenizer
from holotype.encoders.inputs.tokenizer_json import TOKENIZER_FILE, open_tokenizer
from holotype.encoders.kinds.dense import DenseEncoding
from holotype.encoders.kinds.merge import Comparer
from holotype.encoders.kinds.static import (
    MAPPING_NAME,
    TABLE_NAMES,
    StaticCheckpoint,
    compare_static,
    read_static,
)
from holotype.encoders.running.network import Output
from holotype.errors import (
    CheckpointError,
    ClosedEncoderError,
    TensorError,
    UnsafeCheckpointError,
    UnsupportedModelError,
)
from holotype.records import AnyDenseModel, ModelInfo

WEIGHTS_FILE = "model.safetensors"
# So many rows fit into a processor's cache.
_TOKENS_AT_ONCE = 256
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl")
# What model2vec calls the weight of every token.
_WEIGHTS = "weights"


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticTable:
    """Vectors by token.

    Attributes:
        vectors: ``[n_rows, dim]``.
        mapping: the row of every token, ``[n_tokens]``; None where a token's id is its row.
        weights: float32, the weight of every token, ``[n_tokens]``; None where all weigh 1.
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
        """How many tokens have a vector."""
        return len(self.vectors if self.mapping is None else self.mapping)

    @property
    def memory_bytes(self) -> int:
        """How many bytes the arrays take."""
        arrays = (self.vectors, self.mapping, self.weights)
        return sum(array.nbytes for array in arrays if array is not None)

    def mean(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the mean of the weighted vectors of tokens, ``[dim]``; zeros for no tokens."""
        if len(ids) <= _TOKENS_AT_ONCE:
            return self._sum(ids) / np.float32(max(1, len(ids)))
        parts = [
            self._sum(ids[start : start + _TOKENS_AT_ONCE])
            for start in range(0, len(ids), _TOKENS_AT_ONCE)
        ]
        # The longer the sum, the more of it is lost in single precision.
        whole: Any = np.sum(parts, axis=0, dtype=np.float64) / len(ids)
        mean: NDArray[np.float32] = whole.astype(np.float32)
        return mean

    def _sum(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        rows = ids if self.mapping is None else self.mapping[ids]
        weights = np.ones(len(ids), np.float32) if self.weights is None else self.weights[ids]
        vectors = self.vectors.take(rows, axis=0).astype(np.float32, copy=False)
        # A product of a vector and a matrix adds rows up several times faster than numpy's sums.
        total: NDArray[np.float32] = weights @ vectors
        return total


def read_table(folder: Path) -> StaticTable:
    """Read the table of a checkpoint.

    Raises:
        CheckpointError: the file is missing or damaged, or holds no table.
        TensorError: a tensor is missing, unexpected or of another shape.
        UnsafeCheckpointError: there are only pickled weights.
    """
    path = folder / WEIGHTS_FILE
    if not path.is_file():
        _refuse(folder)
    try:
        with reading_tensors(path), safe_open(path, framework="numpy") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except TypeError as error:
        raise CheckpointError(
            str(path), f"holds numbers of a type that NumPy does not have: {error}"
        ) from error
    return _check(path, tensors)


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


def _refuse(folder: Path) -> None:
    pickles = sorted(path.name for pattern in _PICKLES for path in folder.glob(pattern))
    if pickles:
        raise UnsafeCheckpointError(
            str(folder),
            f"has only pickled weights ({', '.join(pickles)}); unpickling can run any code, so it "
            "is refused. Use a revision that has safetensors",
        )
    raise CheckpointError(str(folder), f"has no {WEIGHTS_FILE}; expected a table of token vectors")


_ROWS_AT_ONCE = 1024


class StaticNetwork:
    """A `Network` that looks tokens up in a table and takes the mean."""

    def __init__(
        self, tokenizer: StaticTokenizer, table: StaticTable, *, dim: int, normalized: bool
    ) -> None:
        """Take a table and its tokenizer.

        Args:
            tokenizer: makes the ids of the table.
            table: the vectors of tokens.
            dim: how many dimensions to return.
            normalized: whether vectors have length 1.
        """
        self._parts: tuple[StaticTokenizer, StaticTable] | None = (tokenizer, table)
        self._dim = dim
        self._normalized = normalized

    @property
    def tokenizer(self) -> StaticTokenizer:
        """The checkpoint's tokenizer."""
        return self._open()[0]

    @property
    def device(self) -> str:
        """Where it runs: on the CPU."""
        return "cpu"

    @property
    def memory_bytes(self) -> int:
        """How many bytes the table takes."""
        return self._open()[1].memory_bytes

    def run(self, rows: Sequence[Row], batch_size: int | None) -> Iterator[Output]:
        """Yield batch by batch, in the order of the rows; see `Network.run`."""
        table, step = self._open()[1], batch_size or _ROWS_AT_ONCE
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            means = np.stack([table.mean(np.array(row.ids, dtype=np.int64)) for row in part])
            positions = list(range(start, start + len(part)))
            yield positions, self._returned(means), np.ones((len(part), 1), dtype=np.bool_)

    def close(self) -> None:
        """Let go of the table; see `Network.close`."""
        self._parts = None

    def _open(self) -> tuple[StaticTokenizer, StaticTable]:
        if self._parts is None:
            raise ClosedEncoderError
        return self._parts

    def _returned(self, means: NDArray[np.float32]) -> NDArray[np.float32]:
        vectors = means[:, : self._dim]
        if not self._normalized:
            return vectors
        lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
        unit: NDArray[np.float32] = vectors / np.maximum(lengths, 1e-12)
        return unit


_DEVICES = (None, "cpu")
_OTHER_DTYPES = ("float16", "bfloat16")


def load_encoder(config: ModelConfig[ModelInfo]) -> DenseEncoder:
    """Load a dense model that is a table of token vectors; see `holotype.encoders.load`."""
    return load_static(cast(ModelConfig[AnyDenseModel], config))


def load_static(config: ModelConfig[AnyDenseModel]) -> DenseEncoder:
    """Load a table of token vectors; see `holotype.encoders.load`.

    Raises:
        UnsupportedModelError: another device than the CPU or a type that NumPy lacks is wanted.
        CheckpointError: the files are missing, damaged, unsafe, or of another kind of model.
        CatalogueMismatchError: the record and the checkpoint disagree.
    """
    record = config.record
    if config.device not in _DEVICES or config.dtype in _OTHER_DTYPES:
        raise UnsupportedModelError(
            record.id,
            f"tables of token vectors are run on the CPU in float32, not on "
            f"{config.device or 'the CPU'} in {config.dtype}; leave device= and dtype= out",
        )
    folder = find_checkpoint(record, config.checkpoint, with_code=False)
    static = read_static(folder)
    tokenizer, table, length = open_table(static)
    encoding = _resolve(record, static, table, length)
    network = StaticNetwork(
        tokenizer,
        table,
        dim=config.dim or encoding.native_dim,
        normalized=encoding.normalized,
    )
    return DenseEncoder(replace(config, dtype="float32"), encoding, network)


def open_table(
    static: StaticCheckpoint,
) -> tuple[StaticTokenizer, StaticTable, Setting[int] | None]:
    """Load a table and its tokenizer.

    Returns:
        Both, and the length in tokens at which the tokenizer's file cuts texts, if it does.

    Raises:
        CheckpointError: the files are missing, damaged, unsafe, or not of one checkpoint.
    """
    table = read_table(static.table_folder)
    tokenizer, length = _open_tokenizer(static)
    if tokenizer.vocab_size > table.n_tokens:
        raise CheckpointError(
            str(static.table_folder),
            f"the tokenizer has token ids up to {tokenizer.vocab_size - 1}, but the table has only "
            f"{table.n_tokens} tokens; its files are not of one checkpoint",
        )
    return tokenizer, table, length


def _resolve(
    record: AnyDenseModel,
    static: StaticCheckpoint,
    table: StaticTable,
    length: Setting[int] | None,
) -> DenseEncoding:
    comparer = Comparer(record)
    shape = Setting((table.n_tokens, table.dim), WEIGHTS_FILE)
    encoding = compare_static(comparer, static, shape, length=length)
    comparer.raise_differences(static.folder)
    return encoding


def _open_tokenizer(static: StaticCheckpoint) -> tuple[StaticTokenizer, Setting[int] | None]:
    """Return the tokenizer, and the length that its file sets where its library heeds that."""
    tokenizer = open_tokenizer(static.table_folder)
    truncation = None if static.is_model2vec else tokenizer.truncation
    opened = StaticTokenizer(
        tokenizer,
        cuts_left=truncation is not None and truncation["direction"] == "left",
        is_model2vec=static.is_model2vec,
    )
    if truncation is None:
        return opened, None
    return opened, Setting(int(truncation["max_length"]), TOKENIZER_FILE)
