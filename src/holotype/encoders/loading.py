"""From a `ModelConfig` to an encoder on torch."""

from __future__ import annotations

from typing import Any, cast

from holotype.encoders.backbone import open_backbone
from holotype.encoders.checkpoint import STANFORD_ARCHITECTURE, read_checkpoint
from holotype.encoders.colbert import ColbertEncoder
from holotype.encoders.colbert_encoding import resolve_colbert
from holotype.encoders.config import ModelConfig
from holotype.encoders.dense import DenseEncoder
from holotype.encoders.encoder import Encoder
from holotype.encoders.encoding import resolve_dense
from holotype.encoders.head_loading import load_classifier, load_cross_encoder
from holotype.encoders.source import find_checkpoint
from holotype.encoders.static_checkpoint import is_static
from holotype.encoders.static_loading import load_static
from holotype.encoders.torch_network import TorchNetwork
from holotype.encoders.weights import read_tensors, split_projection
from holotype.errors import UnsupportedModelError
from holotype.records import (
    AnyColbertModel,
    AnyDenseModel,
    ClassifierModel,
    ColbertModel,
    CrossEncoderModel,
    DenseModel,
    ModelInfo,
)


def load_encoder(config: ModelConfig[ModelInfo]) -> Encoder[Any]:
    """Load a model of any kind; see `holotype.encoders.load`."""
    record = config.record
    if isinstance(record, DenseModel):
        return load_dense(cast(ModelConfig[AnyDenseModel], config))
    if isinstance(record, ColbertModel):
        return load_colbert(cast(ModelConfig[AnyColbertModel], config))
    if isinstance(record, CrossEncoderModel):
        return load_cross_encoder(cast(ModelConfig[CrossEncoderModel], config))
    if isinstance(record, ClassifierModel):
        return load_classifier(cast(ModelConfig[ClassifierModel], config))
    raise UnsupportedModelError(record.id, f"there is no encoder for the kind {record.type!r}")


def load_dense(config: ModelConfig[AnyDenseModel]) -> DenseEncoder:
    """Load a dense model; see `holotype.encoders.load`."""
    record = config.record
    folder = find_checkpoint(record, config.checkpoint, with_code=config.trust_remote_code)
    if is_static(folder):
        return load_static(config)
    settings = read_checkpoint(folder)
    encoding = resolve_dense(record, settings)
    backbone = open_backbone(config, settings, read_tensors(settings.transformer_folder))
    network = TorchNetwork(
        backbone,
        encoding.layers,
        dim=config.dim or encoding.native_dim,
        normalized=encoding.normalized,
    )
    return DenseEncoder(config, encoding, network)


def load_colbert(config: ModelConfig[AnyColbertModel]) -> ColbertEncoder:
    """Load a ColBERT model; see `holotype.encoders.load`."""
    record = config.record
    folder = find_checkpoint(record, config.checkpoint, with_code=config.trust_remote_code)
    settings = read_checkpoint(folder)
    tensors = read_tensors(settings.transformer_folder)
    projection, own_tensors = None, None
    if settings.format == "stanford":
        projection, own_tensors = split_projection(settings.transformer_folder, tensors)
    elif settings.architecture == STANFORD_ARCHITECTURE:
        # A later save in another format keeps the old projection beside the one of its module.
        tensors = {name: found for name, found in tensors.items() if name != "linear.weight"}
    encoding = resolve_colbert(record, settings, projection)
    backbone = open_backbone(config, settings, tensors)
    network = TorchNetwork(
        backbone,
        encoding.layers,
        dim=config.dim or encoding.native_dim,
        normalized=encoding.normalized,
        projection=own_tensors,
    )
    return ColbertEncoder(config, encoding, network)
