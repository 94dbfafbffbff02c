"""From a `ModelConfig` to an encoder on an exported graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TypeAlias, cast

from holotype.encoders.arrays.layers import (
    ArrayLayer,
    load_array_layers,
    load_array_linear,
)
from holotype.encoders.arrays.tensors import WEIGHTS, Array, read_arrays, read_tensor_file
from holotype.encoders.arrays.words import (
    DROPPED_TOKENS,
    ArrayLanguageModelHead,
    ArrayTokenHead,
    LookupNetwork,
    load_token_layer,
    load_token_weights,
)
from holotype.encoders.checkpoints.heads import HeadSettings, read_head_checkpoint
from holotype.encoders.checkpoints.json_file import JsonFile, Setting
from holotype.encoders.checkpoints.modules import (
    LayerSpec,
    LinearSpec,
    NormalizeSpec,
    PoolingSpec,
    stanford_linear,
)
from holotype.encoders.checkpoints.remote_code import code_policy
from holotype.encoders.checkpoints.settings import CONFIG_FILE, CheckpointSettings, read_checkpoint
from holotype.encoders.checkpoints.sparse import (
    LEXICAL,
    SparseSettings,
    read_sparse_checkpoint,
)
from holotype.encoders.classifier import Classifier
from holotype.encoders.colbert import ColbertEncoder
from holotype.encoders.config import ModelConfig
from holotype.encoders.cross_encoder import CrossEncoder
from holotype.encoders.dense import DenseEncoder
from holotype.encoders.encoder import Encoder
from holotype.encoders.graphs.files import GraphFiles, find_graph
from holotype.encoders.graphs.graph import (
    LAST_LAYER_INPUTS,
    LOGITS,
    TOKEN_VECTORS,
    Graph,
    check_inputs,
    choose_output,
    require_output,
)
from holotype.encoders.graphs.network import GraphBackbone, GraphNetwork, GraphSparseNetwork
from holotype.encoders.inputs.tokenizer import TextTokenizer
from holotype.encoders.inputs.tokenizer_json import read_tokenizer
from holotype.encoders.kinds.classifier import resolve_classifier
from holotype.encoders.kinds.colbert import ColbertEncoding, resolve_colbert
from holotype.encoders.kinds.cross_encoder import CrossEncoding, resolve_cross_encoder
from holotype.encoders.kinds.dense import DenseEncoding, resolve_dense
from holotype.encoders.kinds.sparse import SparseEncoding, resolve_sparse
from holotype.encoders.sparse import SparseEncoder
from holotype.errors import (
    CheckpointError,
    TensorError,
    UnsupportedCheckpointError,
    UnsupportedModelError,
)
from holotype.records import (
    AnyColbertModel,
    AnyDenseModel,
    ClassifierModel,
    ColbertModel,
    CrossEncoderModel,
    ModelInfo,
    SparseModel,
)

LAST_LAYER_FILE = "last_layer.safetensors"
"""The tensors of a layer that follows a graph, beside it: ``linear.weight`` and its bias."""


class OpenGraph(Protocol):
    """Opens a file on a device, for arithmetic of a type."""

    def __call__(self, path: Path, *, device: str | None, dtype: str) -> Graph:
        """Return a graph that is ready to run."""
        ...


def open_graph_backbone(
    config: ModelConfig[Any],
    settings: CheckpointSettings,
    graph_file: Path,
    open_graph: OpenGraph,
    choose_output: Callable[[Graph], str],
    *,
    pad_id: int | None = None,
) -> GraphBackbone:
    """Open a graph and the tokenizer of its model.

    Args:
        config: where and in which type it runs.
        settings: what the checkpoint says.
        graph_file: the graph.
        open_graph: the backend.
        choose_output: names the output that is taken.
        pad_id: the id of padding; None means the tokenizer's.

    Raises:
        CheckpointError: a file is damaged, or the files are not of one checkpoint.
        UnsupportedCheckpointError: the graph has other inputs or outputs, or only transformers can
            read the tokenizer.
    """
    policy = code_policy(config.record, trusted=False)
    folder = settings.transformer_folder
    tokenizer = read_tokenizer(folder, lower_case=settings.lower_case, policy=policy)
    _check_vocabulary(tokenizer, settings)
    graph = open_graph(graph_file, device=config.device, dtype=config.dtype)
    check_inputs(graph)
    return GraphBackbone(graph, choose_output(graph), tokenizer, pad_id=pad_id)


def check_width(graph: Graph, output: str, expected: int | None) -> None:
    """Compare the width of an output with what is expected; None where either is not known.

    Raises:
        CheckpointError: they differ.
    """
    width = graph.outputs[output]
    if None not in (width, expected) and width != expected:
        raise CheckpointError(
            graph.location,
            f"returns {output} of {width} dimensions, but its folder describes a model of "
            f"{expected}; the files are not of one checkpoint",
        )


def _check_vocabulary(tokenizer: TextTokenizer, settings: CheckpointSettings) -> None:
    n_rows = settings.vocab_size
    if n_rows is not None and tokenizer.vocab_size > n_rows.value:
        raise CheckpointError(
            str(settings.transformer_folder),
            f"the tokenizer has token ids up to {tokenizer.vocab_size - 1}, but {CONFIG_FILE} says "
            f"{n_rows.value} tokens; its files are not of one checkpoint",
        )


def load_graph_sparse(
    config: ModelConfig[SparseModel], files: GraphFiles, open_graph: OpenGraph
) -> SparseEncoder:
    """Load a sparse model; see `holotype.encoders.load`."""
    record = config.record
    settings = read_sparse_checkpoint(files.folder, lexical=record.activation == LEXICAL)
    encoding = resolve_sparse(record, settings)
    lexical = settings.form == "lexical"
    backbone = open_graph_backbone(
        config, settings.checkpoint, files.graph, open_graph, _lexical if lexical else _words
    )
    if lexical:
        network = _lexical_network(backbone, settings, encoding)
    else:
        network = _language_model_network(backbone, files, encoding)
    return SparseEncoder(config, encoding, network, _queries(config, settings, backbone, encoding))


def _lexical(graph: Graph) -> str:
    return require_output(graph, TOKEN_VECTORS)


def _words(graph: Graph) -> str:
    return require_output(graph, LAST_LAYER_INPUTS, LOGITS)


def _language_model_network(
    backbone: GraphBackbone, files: GraphFiles, encoding: SparseEncoding
) -> GraphSparseNetwork:
    weight: Array | None = None
    bias: Array | None = None
    whole = backbone.output == LOGITS
    if whole:
        check_width(backbone.graph, LOGITS, encoding.dim)
    else:
        weight, bias = _last_layer(backbone, files, encoding)
    head = ArrayLanguageModelHead(
        dim=encoding.dim,
        weight=weight,
        bias=bias,
        doubled=encoding.activation == "log1p-log1p-relu",
        summed=encoding.pooling == "sum",
    )
    # The logits of a batch of thousands of tokens would take gigabytes.
    return GraphSparseNetwork(backbone, head, one_by_one=whole)


def _last_layer(
    backbone: GraphBackbone, files: GraphFiles, encoding: SparseEncoding
) -> tuple[Array, Array | None]:
    path = files.graph.parent / LAST_LAYER_FILE
    found = read_tensor_file(path)
    weight, bias = found.get("linear.weight"), found.get("linear.bias")
    if weight is None or weight.ndim != 2 or len(weight) != encoding.dim:
        raise TensorError(str(path), missing=[f"linear.weight [{encoding.dim}, width]"])
    if bias is not None and bias.shape != (encoding.dim,):
        shapes = f"linear.bias ({list(bias.shape)}, expected {[encoding.dim]})"
        raise TensorError(str(path), misshapen=[shapes])
    check_width(backbone.graph, backbone.output, weight.shape[1])
    return weight, bias


def _lexical_network(
    backbone: GraphBackbone, settings: SparseSettings, encoding: SparseEncoding
) -> GraphSparseNetwork:
    hidden = settings.checkpoint.hidden_dim
    weight, bias = load_token_layer(settings.checkpoint.folder, hidden.value if hidden else 0)
    check_width(backbone.graph, backbone.output, weight.shape[1])
    ids = [backbone.tokenizer.token_id(token) for token in DROPPED_TOKENS]
    dropped = tuple(id for id in ids if id is not None)
    head = ArrayTokenHead(weight=weight, bias=bias, dropped=dropped, dim=encoding.dim)
    return GraphSparseNetwork(backbone, head, one_by_one=False)


def _queries(
    config: ModelConfig[SparseModel],
    settings: SparseSettings,
    backbone: GraphBackbone,
    encoding: SparseEncoding,
) -> LookupNetwork | None:
    table = settings.query_table
    if table is None:
        return None
    tokenizer = backbone.tokenizer
    if table.is_dir():
        policy = code_policy(config.record, trusted=False)
        tokenizer = read_tokenizer(table, lower_case=False, policy=policy)
    return LookupNetwork(tokenizer, load_token_weights(table, tokenizer, encoding.dim))


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
