"""From a `ModelConfig` to a cross-encoder or a classifier on an exported graph."""

from __future__ import annotations

from typing import Any

from holotype.encoders.checkpoints.head_settings import HeadSettings, read_head_checkpoint
from holotype.encoders.checkpoints.json_file import JsonFile
from holotype.encoders.checkpoints.modules import PoolingSpec, stanford_linear
from holotype.encoders.checkpoints.settings import CONFIG_FILE
from holotype.encoders.classifier import Classifier
from holotype.encoders.config import ModelConfig
from holotype.encoders.cross_encoder import CrossEncoder
from holotype.encoders.encodings.classifier_encoding import resolve_classifier
from holotype.encoders.encodings.head_encoding import CrossEncoding, resolve_cross_encoder
from holotype.encoders.graph_backends.array_layers import (
    ArrayLayer,
    load_array_layers,
    load_array_linear,
)
from holotype.encoders.graph_backends.array_tensors import read_tensor_file
from holotype.encoders.graph_backends.files import GraphFiles
from holotype.encoders.graph_backends.graph import LOGITS, TOKEN_VECTORS, Graph, require_output
from holotype.encoders.graph_backends.network import GraphNetwork
from holotype.encoders.graph_backends.opening import (
    LAST_LAYER_FILE,
    OpenGraph,
    check_width,
    open_graph_backbone,
)
from holotype.errors import TensorError, UnsupportedModelError
from holotype.records import ClassifierModel, CrossEncoderModel


def load_graph_cross_encoder(
    config: ModelConfig[CrossEncoderModel], files: GraphFiles, open_graph: OpenGraph
) -> CrossEncoder:
    """Load a cross-encoder; see `holotype.encoders.load`."""
    record = config.record
    settings = read_head_checkpoint(files.folder)
    encoding = resolve_cross_encoder(record, settings)
    if settings.template is not None:
        raise UnsupportedModelError(
            record.id,
            "its pairs go through a chat template, which transformers writes; leave backend= out",
        )
    if settings.task == "sequence-classification":
        network = _head_network(config, settings, files, open_graph)
    else:
        network = _layer_network(config, settings, encoding, files, open_graph)
    return CrossEncoder(config, encoding, network, None)


def load_graph_classifier(
    config: ModelConfig[ClassifierModel], files: GraphFiles, open_graph: OpenGraph
) -> Classifier:
    """Load a classifier; see `holotype.encoders.load`."""
    settings = read_head_checkpoint(files.folder)
    encoding = resolve_classifier(config.record, settings)
    return Classifier(config, encoding, _head_network(config, settings, files, open_graph))


def _head_network(
    config: ModelConfig[Any], settings: HeadSettings, files: GraphFiles, open_graph: OpenGraph
) -> GraphNetwork:
    stated = JsonFile.read(settings.checkpoint.transformer_folder, CONFIG_FILE)
    pad_id = stated.integer("pad_token_id")
    backbone = open_graph_backbone(
        config,
        settings.checkpoint,
        files.graph,
        open_graph,
        _logits,
        # Heads of decoders look for the last token that is not this one.
        pad_id=pad_id.value if pad_id else None,
    )
    n_labels = settings.n_labels.value
    check_width(backbone.graph, backbone.output, n_labels)
    return GraphNetwork(backbone, (), dim=n_labels, normalized=False)


def _layer_network(
    config: ModelConfig[CrossEncoderModel],
    settings: HeadSettings,
    encoding: CrossEncoding,
    files: GraphFiles,
    open_graph: OpenGraph,
) -> GraphNetwork:
    backbone = open_graph_backbone(
        config, settings.checkpoint, files.graph, open_graph, _token_vectors
    )
    hidden = settings.checkpoint.hidden_dim
    check_width(backbone.graph, backbone.output, hidden.value if hidden else None)
    if settings.answer is None:
        layers = load_array_layers(encoding.layers)
    else:
        layers = _answer_layers(files)
    return GraphNetwork(backbone, layers, dim=encoding.n_labels, normalized=False)


def _answer_layers(files: GraphFiles) -> tuple[ArrayLayer, ...]:
    path = files.graph.parent / LAST_LAYER_FILE
    tensors = read_tensor_file(path)
    weight = tensors.get("linear.weight")
    if weight is None or weight.ndim != 2 or len(weight) != 1:
        raise TensorError(str(path), missing=["linear.weight [1, width]"])
    linear = stanford_linear(path, weight.shape, bias="linear.bias" in tensors)
    pooling = load_array_layers((PoolingSpec(modes=("last-token",)),))
    return (*pooling, load_array_linear(linear, tensors))


def _logits(graph: Graph) -> str:
    return require_output(graph, LOGITS)


def _token_vectors(graph: Graph) -> str:
    return require_output(graph, TOKEN_VECTORS)
