"""From a `ModelConfig` to a dense encoder on a table of token vectors, with NumPy alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.batching import Row
from holotype.encoders.config import ModelConfig
from holotype.encoders.dense import DenseEncoder
from holotype.encoders.encoding import DenseEncoding
from holotype.encoders.json_file import Setting
from holotype.encoders.merge import Comparer
from holotype.encoders.source import find_checkpoint
from holotype.encoders.static_checkpoint import StaticCheckpoint, compare_static, read_static
from holotype.encoders.static_table import WEIGHTS_FILE, StaticTable, read_table
from holotype.encoders.static_tokenizer import StaticTokenizer
from holotype.encoders.tokenizer_json import TOKENIZER_FILE, open_tokenizer
from holotype.errors import CheckpointError, UnsupportedModelError
from holotype.records import AnyDenseModel, ModelInfo

_DEVICES = (None, "cpu")
_OTHER_DTYPES = ("float16", "bfloat16")


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
        self._tokenizer = tokenizer
        self._table = table
        self._dim = dim
        self._normalized = normalized

    @property
    def tokenizer(self) -> StaticTokenizer:
        """The checkpoint's tokenizer."""
        return self._tokenizer

    @property
    def device(self) -> str:
        """Where it runs: on the CPU."""
        return "cpu"

    def run(
        self, rows: Sequence[Row], batch_size: int
    ) -> Iterator[tuple[list[int], NDArray[np.float32], NDArray[np.bool_]]]:
        """Yield batch by batch, in the order of the rows; see `Network.run`."""
        for start in range(0, len(rows), batch_size):
            part = rows[start : start + batch_size]
            means = np.stack([self._table.mean(np.array(row.ids, dtype=np.int64)) for row in part])
            positions = list(range(start, start + len(part)))
            yield positions, self._returned(means), np.ones((len(part), 1), dtype=np.bool_)

    def _returned(self, means: NDArray[np.float32]) -> NDArray[np.float32]:
        vectors = means[:, : self._dim]
        if not self._normalized:
            return vectors
        lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
        unit: NDArray[np.float32] = vectors / np.maximum(lengths, 1e-12)
        return unit


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
    table = read_table(static.table_folder)
    tokenizer, length = _open_tokenizer(static)
    if tokenizer.vocab_size > table.n_tokens:
        raise CheckpointError(
            str(static.table_folder),
            f"the tokenizer has token ids up to {tokenizer.vocab_size - 1}, but the table has only "
            f"{table.n_tokens} tokens; its files are not of one checkpoint",
        )
    encoding = _resolve(record, static, table, length)
    network = StaticNetwork(
        tokenizer,
        table,
        dim=config.dim or encoding.native_dim,
        normalized=encoding.normalized,
    )
    return DenseEncoder(config, encoding, network)


def _resolve(
    record: AnyDenseModel,
    static: StaticCheckpoint,
    table: StaticTable,
    length: Setting[int] | None,
) -> DenseEncoding:
    comparer = Comparer(record)
    shape = Setting((table.n_tokens, table.dim), WEIGHTS_FILE)
    encoding = compare_static(comparer, static, shape, length=length)
    comparer.finish(static.folder)
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
