"""From a `ModelConfig` to an encoder on an exported graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias, cast

from holotype.encoders.checkpoints.json_file import Setting
from holotype.encoders.checkpoints.modules import (
    LayerSpec,
    LinearSpec,
    NormalizeSpec,
    PoolingSpec,
    stanford_linear,
)
from holotype.encoders.checkpoints.settings import CheckpointSettings, read_checkpoint
from holotype.encoders.colbert import ColbertEncoder
from holotype.encoders.config import ModelConfig
from holotype.encoders.dense import DenseEncoder
from holotype.encoders.encoder import Encoder
from holotype.encoders.encodings.colbert_encoding import ColbertEncoding, resolve_colbert
from holotype.encoders.encodings.dense_encoding import DenseEncoding, resolve_dense
from holotype.encoders.graph_backends.array_layers import load_array_layers
from holotype.encoders.graph_backends.array_tensors import WEIGHTS, Array, read_arrays
from holotype.encoders.graph_backends.files import GraphFiles, find_graph
from holotype.encoders.graph_backends.graph import Graph, choose_output
from holotype.encoders.graph_backends.head_loading import (
    load_graph_classifier,
    load_graph_cross_encoder,
)
from holotype.encoders.graph_backends.network import GraphNetwork
from holotype.encoders.graph_backends.opening import OpenGraph, check_width, open_graph_backbone
from holotype.encoders.graph_backends.sparse_loading import load_graph_sparse
from holotype.errors import TensorError, UnsupportedCheckpointError
from holotype.records import (
    AnyColbertModel,
    AnyDenseModel,
    ClassifierModel,
    ColbertModel,
    CrossEncoderModel,
    ModelInfo,
    SparseModel,
)

Encoding: TypeAlias = DenseEncoding | ColbertEncoding


def load_on_graph(config: ModelConfig[ModelInfo], open_graph: OpenGraph) -> Encoder[Any]:
    """Load a model whose transformer is a graph.

    Args:
        config: the record and how it is run.
        open_graph: the backend.

    Raises:
        UnsupportedModelError: the model is not run on graphs, or has none.
        CheckpointError: the files are missing, damaged, or of another kind of model.
        CatalogueMismatchError: the record and the checkpoint disagree.
    """
    record, files = config.record, find_graph(config)
    if isinstance(record, SparseModel):
        return load_graph_sparse(cast(ModelConfig[SparseModel], config), files, open_graph)
    if isinstance(record, CrossEncoderModel):
        told = cast(ModelConfig[CrossEncoderModel], config)
        return load_graph_cross_encoder(told, files, open_graph)
    if isinstance(record, ClassifierModel):
        return load_graph_classifier(cast(ModelConfig[ClassifierModel], config), files, open_graph)
    if isinstance(record, ColbertModel):
        return _load_colbert(cast(ModelConfig[AnyColbertModel], config), files, open_graph)
    return _load_dense(cast(ModelConfig[AnyDenseModel], config), files, open_graph)


def _load_dense(
    config: ModelConfig[AnyDenseModel], files: GraphFiles, open_graph: OpenGraph
) -> DenseEncoder:
    settings = read_checkpoint(files.folder)
    encoding = resolve_dense(config.record, settings)
    return DenseEncoder(config, encoding, _network(config, files, settings, encoding, open_graph))


def _load_colbert(
    config: ModelConfig[AnyColbertModel], files: GraphFiles, open_graph: OpenGraph
) -> ColbertEncoder:
    settings = read_checkpoint(files.folder)
    projection, tensors = None, None
    if settings.format == "stanford":
        projection, tensors = _stanford_projection(settings.transformer_folder)
    encoding = resolve_colbert(config.record, settings, projection)
    whole = replace(config, dim=encoding.network_dim(config.dim))
    network = _network(whole, files, settings, encoding, open_graph, projection=tensors)
    return ColbertEncoder(config, encoding, network)


def _network(
    config: ModelConfig[Any],
    files: GraphFiles,
    settings: CheckpointSettings,
    encoding: Encoding,
    open_graph: OpenGraph,
    *,
    projection: Mapping[str, Array] | None = None,
) -> GraphNetwork:
    backbone = open_graph_backbone(
        config, settings, files.graph, open_graph, lambda graph: choose_output(graph)[0]
    )
    _, level = choose_output(backbone.graph)
    layers = encoding.layers
    if level == "tokens":
        width = settings.hidden_dim.value if settings.hidden_dim else None
    else:
        width, layers = encoding.native_dim, _layers_after_pooling(backbone.graph, encoding)
    check_width(backbone.graph, backbone.output, width)
    return GraphNetwork(
        backbone,
        load_array_layers(layers, projection=projection),
        dim=config.dim or encoding.native_dim,
        normalized=encoding.normalized,
    )


def _layers_after_pooling(graph: Graph, encoding: Encoding) -> tuple[LayerSpec, ...]:
    """Return what may follow vectors of whole texts: nothing that could tell how they were made."""
    pooling = [layer for layer in encoding.layers if isinstance(layer, PoolingSpec)]
    with_prompt = all(layer.with_prompt for layer in pooling)
    if not pooling or not with_prompt or not encoding.normalized:
        raise UnsupportedCheckpointError(
            graph.location,
            "returns vectors of whole texts only, of which nothing says whether they are final; "
            "that is safe only for models whose vectors have length 1 and whose prompts count. "
            "Make an export of your own: holotype export",
        )
    # Vectors that have length 1 already stay as they are.
    return (NormalizeSpec(),)


def _stanford_projection(folder: Path) -> tuple[Setting[LinearSpec], dict[str, Array]]:
    tensors = read_arrays(folder, prefix="linear.")
    weight = tensors.get("linear.weight")
    if weight is None or weight.ndim != 2:
        raise TensorError(str(folder), missing=["linear.weight"])
    spec = stanford_linear(folder, weight.shape, bias="linear.bias" in tensors)
    return Setting(spec, WEIGHTS), tensors
