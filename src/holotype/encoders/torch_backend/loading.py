"""From a `ModelConfig` to an encoder on torch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar, cast

from torch import Tensor

from holotype.encoders.arrays.tables import load_static
from holotype.encoders.checkpoints.bge_m3 import read_colbert_checkpoint, read_projection
from holotype.encoders.checkpoints.json_file import Setting
from holotype.encoders.checkpoints.modules import LinearSpec
from holotype.encoders.checkpoints.settings import (
    STANFORD_ARCHITECTURE,
    CheckpointSettings,
    read_checkpoint,
)
from holotype.encoders.checkpoints.source import find_checkpoint
from holotype.encoders.colbert import ColbertEncoder
from holotype.encoders.config import ModelConfig
from holotype.encoders.dense import DenseEncoder
from holotype.encoders.encoder import Encoder
from holotype.encoders.kinds.colbert import resolve_colbert
from holotype.encoders.kinds.dense import resolve_dense
from holotype.encoders.kinds.routed import read_routed
from holotype.encoders.kinds.static import is_static
from holotype.encoders.torch_backend.backbone import resolve_device, settle_dtype
from holotype.encoders.torch_backend.layers import LayersHead
from holotype.encoders.torch_backend.network import TorchNetwork
from holotype.encoders.torch_backend.routed_loading import load_routed
from holotype.encoders.torch_backend.tensors import (
    read_tensor_file,
    read_tensors,
    split_projection,
)
from holotype.encoders.torch_backend.transformer import HeadedTransformer
from holotype.encoders.torch_backend.transformer_opening import open_transformer
from holotype.errors import UnsupportedModelError
from holotype.records import (
    AnyColbertModel,
    AnyDenseModel,
    ClassifierModel,
    ColbertModel,
    CrossEncoderModel,
    DenseModel,
    ModelInfo,
    SparseModel,
)

ModelT = TypeVar("ModelT", bound=ModelInfo)


def load_encoder(config: ModelConfig[ModelInfo]) -> Encoder[Any]:
    """Load a model of any kind; see `holotype.encoders.load`."""
    record = config.record
    # Further kinds are imported where they are needed: they bring transformers, whose import is a
    # good part of a cold start.
    if isinstance(record, DenseModel):
        return load_dense(cast(ModelConfig[AnyDenseModel], config))
    if isinstance(record, ColbertModel):
        return load_colbert(cast(ModelConfig[AnyColbertModel], config))
    if isinstance(record, SparseModel):
        from holotype.encoders.torch_backend.sparse_loading import load_sparse

        return load_sparse(settled(cast(ModelConfig[SparseModel], config)))
    if isinstance(record, CrossEncoderModel):
        from holotype.encoders.torch_backend.head_loading import load_cross_encoder

        return load_cross_encoder(settled(cast(ModelConfig[CrossEncoderModel], config)))
    if isinstance(record, ClassifierModel):
        from holotype.encoders.torch_backend.head_loading import load_classifier

        return load_classifier(settled(cast(ModelConfig[ClassifierModel], config)))
    raise UnsupportedModelError(record.id, f"there is no encoder for the kind {record.type!r}")


def load_dense(config: ModelConfig[AnyDenseModel]) -> DenseEncoder:
    """Load a dense model; see `holotype.encoders.load`."""
    record = config.record
    folder = find_checkpoint(record, config.checkpoint, with_code=config.trust_remote_code)
    if is_static(folder):
        return load_static(config)
    config = settled(config)
    routed = read_routed(folder)
    if routed is not None:
        return load_routed(config, routed)
    settings = read_checkpoint(folder)
    encoding = resolve_dense(record, settings)
    transformer = open_transformer(config, settings, read_tensors(settings.transformer_folder))
    head = LayersHead(
        transformer,
        encoding.layers,
        dim=config.dim or encoding.native_dim,
        normalized=encoding.normalized,
    )
    return DenseEncoder(config, encoding, TorchNetwork(HeadedTransformer(transformer, head)))


def load_colbert(config: ModelConfig[AnyColbertModel]) -> ColbertEncoder:
    """Load a ColBERT model; see `holotype.encoders.load`."""
    config = settled(config)
    record = config.record
    folder = find_checkpoint(record, config.checkpoint, with_code=config.trust_remote_code)
    settings = read_colbert_checkpoint(folder)
    tensors = read_tensors(settings.transformer_folder)
    projection, own_tensors = take_projection(settings, tensors)
    encoding = resolve_colbert(record, settings, projection)
    transformer = open_transformer(config, settings, tensors)
    head = LayersHead(
        transformer,
        encoding.layers,
        dim=encoding.network_dim(config.dim),
        normalized=encoding.normalized,
        projection=own_tensors,
    )
    return ColbertEncoder(config, encoding, TorchNetwork(HeadedTransformer(transformer, head)))


def take_projection(
    settings: CheckpointSettings, tensors: dict[str, Tensor]
) -> tuple[Setting[LinearSpec] | None, dict[str, Tensor] | None]:
    """Return the projection of a ColBERT checkpoint where no module of it holds one.

    Args:
        settings: what the checkpoint says.
        tensors: those of the transformer's files, which then has none of a projection any more.

    Returns:
        What the projection is and the file that holds it, and its tensors.

    Raises:
        CheckpointError: the projection is missing, damaged, or a pickle.
    """
    if settings.format == "stanford":
        return split_projection(settings.transformer_folder, tensors)
    if settings.format == "bge-m3":
        projection = read_projection(settings.folder)
        own = read_tensor_file(settings.folder / projection.file)
        return projection, {f"linear.{name}": tensor for name, tensor in own.items()}
    if settings.architecture == STANFORD_ARCHITECTURE:
        # A later save in another format keeps the old projection beside the one of its module.
        tensors.pop("linear.weight", None)
    return None, None


def settled(config: ModelConfig[ModelT]) -> ModelConfig[ModelT]:
    """Return a config whose type is no longer "auto"."""
    return replace(config, dtype=settle_dtype(config.dtype, resolve_device(config.device)))
