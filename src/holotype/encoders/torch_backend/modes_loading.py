"""From the configs of several modes to one encoder on torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, cast

from torch import Tensor

from holotype.encoders.checkpoints.bge_m3 import read_colbert_checkpoint
from holotype.encoders.checkpoints.settings import CheckpointSettings, read_checkpoint
from holotype.encoders.checkpoints.source import find_checkpoint
from holotype.encoders.checkpoints.sparse import (
    LEXICAL,
    SparseSettings,
    read_sparse_checkpoint,
)
from holotype.encoders.colbert import ColbertEncoder
from holotype.encoders.config import ModelConfig
from holotype.encoders.dense import DenseEncoder
from holotype.encoders.kinds.colbert import ColbertEncoding, resolve_colbert
from holotype.encoders.kinds.dense import DenseEncoding, resolve_dense
from holotype.encoders.kinds.modes import require_one_reading
from holotype.encoders.kinds.sparse import SparseEncoding, resolve_sparse
from holotype.encoders.mode_vectors import Mode
from holotype.encoders.modes import ModesEncoder
from holotype.encoders.single_modes import SingleModes
from holotype.encoders.sparse import SparseEncoder
from holotype.encoders.torch_backend.layers import LayersHead
from holotype.encoders.torch_backend.loading import settled, take_projection
from holotype.encoders.torch_backend.network import TorchModesNetwork, TorchNetwork
from holotype.encoders.torch_backend.sparse_loading import load_token_head
from holotype.encoders.torch_backend.tensors import read_tensors
from holotype.encoders.torch_backend.transformer import Head, HeadedTransformer, Transformer
from holotype.encoders.torch_backend.transformer_opening import open_transformer
from holotype.encoders.torch_backend.word_heads import WordHead
from holotype.errors import UnsupportedModelError
from holotype.records import AnyColbertModel, AnyDenseModel, SparseModel

Configs: TypeAlias = Mapping[Mode, ModelConfig[Any]]
Tensors: TypeAlias = dict[str, Tensor]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Mode:
    """How a mode is run, and what its head is made of.

    Attributes:
        config: the record, and how it is run.
        encoding: what the record and the checkpoint agreed on.
        settings: what the checkpoint says of the transformer.
        lexical: what it says of the layer that weighs tokens, in the sparse mode.
        projection: the tensors of the layer of late interaction.
    """

    config: ModelConfig[Any]
    encoding: DenseEncoding | SparseEncoding | ColbertEncoding
    settings: CheckpointSettings
    lexical: SparseSettings | None = None
    projection: Tensors | None = None


def load_modes(configs: Configs) -> ModesEncoder[Any, Any, Any]:
    """Load several modes; see `holotype.encoders.load_modes`."""
    configs = {mode: settled(config) for mode, config in configs.items()}
    first = next(iter(configs.values()))
    trusted = first.trust_remote_code
    folder = find_checkpoint(first.record, first.checkpoint, with_code=trusted)
    tensors = read_tensors(read_checkpoint(folder).transformer_folder)
    modes: dict[Mode, _Mode] = {
        name: _resolve(config, folder, tensors) for name, config in configs.items()
    }
    encodings = [(mode.config.record, mode.encoding) for mode in modes.values()]
    readings = require_one_reading(encodings)
    transformer = open_transformer(first, next(iter(modes.values())).settings, tensors)
    heads: dict[Mode, Head] = {name: _head(mode, transformer) for name, mode in modes.items()}
    single: dict[str, Any] = dict.fromkeys(("dense", "sparse", "colbert"))
    single |= {name: _encoder(modes[name], transformer, head) for name, head in heads.items()}
    network = TorchModesNetwork(transformer, heads)
    return ModesEncoder(SingleModes(**single), network, readings, partial(_load_on, configs))


def _load_on(configs: Configs, device: str) -> ModesEncoder[Any, Any, Any]:
    return load_modes(
        {mode: dataclasses.replace(config, device=device) for mode, config in configs.items()}
    )


def _resolve(config: ModelConfig[Any], folder: Path, tensors: Tensors) -> _Mode:
    record = config.record
    if isinstance(record, SparseModel):
        if record.activation != LEXICAL:
            raise UnsupportedModelError(
                record.id,
                "it weighs words by the last layer of a language model, and not by a layer on the "
                "token vectors that the other modes read; load() it on its own",
            )
        lexical = read_sparse_checkpoint(folder, lexical=True)
        encoding = resolve_sparse(record, lexical)
        return _Mode(config=config, encoding=encoding, settings=lexical.checkpoint, lexical=lexical)
    if record.type == "dense":
        settings = read_checkpoint(folder)
        dense = resolve_dense(cast(AnyDenseModel, record), settings)
        return _Mode(config=config, encoding=dense, settings=settings)
    settings = read_colbert_checkpoint(folder)
    projection, own_tensors = take_projection(settings, tensors)
    colbert = resolve_colbert(cast(AnyColbertModel, record), settings, projection)
    return _Mode(config=config, encoding=colbert, settings=settings, projection=own_tensors)


def _head(mode: _Mode, transformer: Transformer) -> Head:
    encoding = mode.encoding
    if isinstance(encoding, SparseEncoding):
        lexical = cast(SparseSettings, mode.lexical)
        return WordHead(load_token_head(transformer, lexical, encoding.dim))
    return LayersHead(
        transformer,
        encoding.layers,
        dim=mode.config.dim or encoding.native_dim,
        normalized=encoding.normalized,
        projection=mode.projection,
    )


def _encoder(
    mode: _Mode, transformer: Transformer, head: Head
) -> DenseEncoder | SparseEncoder | ColbertEncoder:
    network = TorchNetwork(HeadedTransformer(transformer, head))
    encoding = mode.encoding
    if isinstance(encoding, DenseEncoding):
        return DenseEncoder(mode.config, encoding, network)
    if isinstance(encoding, SparseEncoding):
        return SparseEncoder(mode.config, encoding, network)
    return ColbertEncoder(mode.config, encoding, network)
