"""From a `ModelConfig` to a sparse encoder on an exported graph."""

from __future__ import annotations

from holotype.encoders.checkpoints.remote_code import code_policy
from holotype.encoders.checkpoints.sparse_settings import (
    LEXICAL,
    SparseSettings,
    read_sparse_checkpoint,
)
from holotype.encoders.config import ModelConfig
from holotype.encoders.encodings.sparse_encoding import SparseEncoding, resolve_sparse
from holotype.encoders.graph_backends.array_tensors import Array, read_tensor_file
from holotype.encoders.graph_backends.array_words import ArrayLanguageModelHead, ArrayTokenHead
from holotype.encoders.graph_backends.backbone import GraphBackbone
from holotype.encoders.graph_backends.files import GraphFiles
from holotype.encoders.graph_backends.graph import (
    LAST_LAYER_INPUTS,
    LOGITS,
    TOKEN_VECTORS,
    Graph,
    require_output,
)
from holotype.encoders.graph_backends.opening import (
    LAST_LAYER_FILE,
    OpenGraph,
    check_width,
    open_graph_backbone,
)
from holotype.encoders.graph_backends.sparse_network import GraphSparseNetwork
from holotype.encoders.graph_backends.token_weights import (
    DROPPED_TOKENS,
    load_token_layer,
    load_token_weights,
)
from holotype.encoders.running.sparse_lookup import LookupNetwork
from holotype.encoders.sparse import SparseEncoder
from holotype.encoders.tokens.tokenizer_json import read_tokenizer
from holotype.errors import TensorError
from holotype.records import SparseModel


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
