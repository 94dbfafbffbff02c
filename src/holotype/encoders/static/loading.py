"""From a `ModelConfig` to a dense encoder on a table of token vectors, with NumPy alone."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from holotype.encoders.checkpoints.json_file import Setting
from holotype.encoders.checkpoints.source import find_checkpoint
from holotype.encoders.config import ModelConfig
from holotype.encoders.dense import DenseEncoder
from holotype.encoders.encodings.dense_encoding import DenseEncoding
from holotype.encoders.encodings.merge import Comparer
from holotype.encoders.encodings.static_encoding import (
    StaticCheckpoint,
    compare_static,
    read_static,
)
from holotype.encoders.static.network import StaticNetwork
from holotype.encoders.static.table import WEIGHTS_FILE, StaticTable, read_table
from holotype.encoders.tokens.static_tokenizer import StaticTokenizer
from holotype.encoders.tokens.tokenizer_json import TOKENIZER_FILE, open_tokenizer
from holotype.errors import CheckpointError, UnsupportedModelError
from holotype.records import AnyDenseModel, ModelInfo

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
