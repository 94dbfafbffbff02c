"""From a `ModelConfig` to a cross-encoder or a classifier on torch."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from holotype.encoders.checkpoints.heads import HeadSettings, read_head_checkpoint
from holotype.encoders.checkpoints.modules import PoolingSpec
from holotype.encoders.checkpoints.remote_code import code_policy
from holotype.encoders.checkpoints.source import find_checkpoint
from holotype.encoders.classifier import Classifier
from holotype.encoders.config import ModelConfig
from holotype.encoders.cross_encoder import CrossEncoder
from holotype.encoders.kinds.classifier import resolve_classifier
from holotype.encoders.kinds.cross_encoder import CrossEncoding, resolve_cross_encoder
from holotype.encoders.running.network import Network
from holotype.encoders.torch_backend.backbone import Backbone, resolve_device, resolve_dtype
from holotype.encoders.torch_backend.forwards import without_padding
from holotype.encoders.torch_backend.heads import (
    ClassificationHead,
    PaddedClassifier,
    classification_modules,
)
from holotype.encoders.torch_backend.layers import LayersHead
from holotype.encoders.torch_backend.network import TorchNetwork
from holotype.encoders.torch_backend.tensors import read_tensors
from holotype.encoders.torch_backend.tokenizer import load_template, load_tokenizer
from holotype.encoders.torch_backend.transformer import HeadedTransformer
from holotype.encoders.torch_backend.transformer_opening import open_transformer
from holotype.encoders.torch_backend.weights import (
    answer_projection,
    load_classification_model,
)
from holotype.records import ClassifierModel, CrossEncoderModel


def load_cross_encoder(config: ModelConfig[CrossEncoderModel]) -> CrossEncoder:
    """Load a cross-encoder; see `holotype.encoders.load`."""
    record = config.record
    folder = find_checkpoint(record, config.checkpoint, with_code=config.trust_remote_code)
    settings = read_head_checkpoint(folder)
    encoding = resolve_cross_encoder(record, settings)
    template = None
    if settings.template is not None:
        policy = code_policy(record, trusted=config.trust_remote_code)
        inner = settings.checkpoint.transformer_folder
        template = load_template(inner, settings.template, policy=policy)
    tensors = read_tensors(settings.checkpoint.transformer_folder)
    if settings.task == "sequence-classification":
        network = _head_network(config, settings, tensors)
    else:
        network = _layer_network(config, settings, encoding, tensors)
    return CrossEncoder(config, encoding, network, template)


def load_classifier(config: ModelConfig[ClassifierModel]) -> Classifier:
    """Load a classifier; see `holotype.encoders.load`."""
    record = config.record
    folder = find_checkpoint(record, config.checkpoint, with_code=config.trust_remote_code)
    settings = read_head_checkpoint(folder)
    encoding = resolve_classifier(record, settings)
    tensors = read_tensors(settings.checkpoint.transformer_folder)
    return Classifier(config, encoding, _head_network(config, settings, tensors))


def _head_network(
    config: ModelConfig[CrossEncoderModel] | ModelConfig[ClassifierModel],
    settings: HeadSettings,
    tensors: Mapping[str, Tensor],
) -> Network:
    folder = settings.checkpoint.transformer_folder
    policy = code_policy(config.record, trusted=config.trust_remote_code)
    model = load_classification_model(folder, tensors, policy=policy)
    backbone = Backbone(
        folder,
        load_tokenizer(folder, lower_case=settings.checkpoint.lower_case, policy=policy),
        model,
        device=resolve_device(config.device),
        dtype=resolve_dtype(config.dtype),
    )
    pad_id = getattr(model.config, "pad_token_id", None)
    modules = classification_modules(model)
    if modules is not None:
        head = ClassificationHead(*modules, pad_id=pad_id)
        transformer = without_padding(backbone, head_bytes=head.memory_bytes)
        if transformer is not None:
            return TorchNetwork(HeadedTransformer(transformer, head))
    # A decoder beside the encoder is read at the last end of the text.
    end_id = model.config.eos_token_id if model.config.is_encoder_decoder else None
    return TorchNetwork(PaddedClassifier(backbone, pad_id=pad_id, end_id=end_id))


def _layer_network(
    config: ModelConfig[CrossEncoderModel],
    settings: HeadSettings,
    encoding: CrossEncoding,
    tensors: Mapping[str, Tensor],
) -> Network:
    layers, projection = encoding.layers, None
    if settings.answer is not None:
        policy = code_policy(config.record, trusted=config.trust_remote_code)
        answer, projection = answer_projection(
            settings.checkpoint.transformer_folder, tensors, settings.answer, policy=policy
        )
        layers = (PoolingSpec(modes=("last-token",)), answer)
    transformer = open_transformer(config, settings.checkpoint, tensors)
    head = LayersHead(
        transformer, layers, dim=encoding.n_labels, normalized=False, projection=projection
    )
    return TorchNetwork(HeadedTransformer(transformer, head))
