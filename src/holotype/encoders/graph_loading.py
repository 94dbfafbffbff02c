"""From a `ModelConfig` to an encoder on an exported graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TypeAlias, cast

from holotype.encoders.array_layers import load_array_layers
from holotype.encoders.array_tensors import WEIGHTS, Array, read_arrays
from holotype.encoders.checkpoint import CONFIG_FILE, CheckpointSettings, read_checkpoint
from holotype.encoders.colbert import ColbertEncoder
from holotype.encoders.colbert_encoding import ColbertEncoding, resolve_colbert
from holotype.encoders.config import ModelConfig
from holotype.encoders.dense import DenseEncoder
from holotype.encoders.encoder import Encoder
from holotype.encoders.encoding import DenseEncoding, resolve_dense
from holotype.encoders.graph import Graph, check_inputs, choose_output
from holotype.encoders.graph_files import GraphFiles, find_graph
from holotype.encoders.graph_network import GraphNetwork
from holotype.encoders.json_file import Setting
from holotype.encoders.modules import (
    LayerSpec,
    LinearSpec,
    NormalizeSpec,
    PoolingSpec,
    stanford_linear,
)
from holotype.encoders.remote_code import code_policy
from holotype.encoders.tokenization import TextTokenizer
from holotype.encoders.tokenizer_json import read_tokenizer
from holotype.errors import (
    CheckpointError,
    TensorError,
    UnsupportedCheckpointError,
    UnsupportedModelError,
)
from holotype.records import AnyColbertModel, AnyDenseModel, ColbertModel, DenseModel, ModelInfo

Encoding: TypeAlias = DenseEncoding | ColbertEncoding


class OpenGraph(Protocol):
    """Opens a file on a device, for arithmetic of a type."""

    def __call__(self, path: Path, *, device: str | None, dtype: str) -> Graph:
        """Return a graph that is ready to run."""
        ...


def load_on_graph(config: ModelConfig[ModelInfo], open_graph: OpenGraph) -> Encoder[Any]:
    """Load a model whose transformer is a graph.

    Args:
        config: the record and how it is run.
        open_graph: the backend.

    Raises:
        UnsupportedModelError: this kind of model is not run on graphs, or has none.
        CheckpointError: the files are missing, damaged, or of another kind of model.
        CatalogueMismatchError: the record and the checkpoint disagree.
    """
    record = config.record
    if isinstance(record, DenseModel):
        return _load_dense(cast(ModelConfig[AnyDenseModel], config), open_graph)
    if isinstance(record, ColbertModel):
        return _load_colbert(cast(ModelConfig[AnyColbertModel], config), open_graph)
    raise UnsupportedModelError(
        record.id,
        f"models of the kind {record.type!r} run on torch only so far, not on {config.backend}; "
        "leave backend= out",
    )


def _load_dense(config: ModelConfig[AnyDenseModel], open_graph: OpenGraph) -> DenseEncoder:
    files = find_graph(config)
    settings = read_checkpoint(files.folder)
    encoding = resolve_dense(config.record, settings)
    return DenseEncoder(config, encoding, _network(config, files, settings, encoding, open_graph))


def _load_colbert(config: ModelConfig[AnyColbertModel], open_graph: OpenGraph) -> ColbertEncoder:
    files = find_graph(config)
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
    policy = code_policy(config.record, trusted=False)
    folder = settings.transformer_folder
    tokenizer = read_tokenizer(folder, lower_case=settings.lower_case, policy=policy)
    _check_vocabulary(tokenizer, settings)
    graph = open_graph(files.graph, device=config.device, dtype=config.dtype)
    check_inputs(graph)
    output, level = choose_output(graph)
    layers = encoding.layers
    if level == "tokens":
        width = settings.hidden_dim.value if settings.hidden_dim else None
    else:
        width, layers = encoding.native_dim, _layers_after_pooling(graph, encoding)
    _check_width(graph, output, width)
    return GraphNetwork(
        graph,
        output,
        tokenizer,
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


def _check_vocabulary(tokenizer: TextTokenizer, settings: CheckpointSettings) -> None:
    n_rows = settings.vocab_size
    if n_rows is not None and tokenizer.vocab_size > n_rows.value:
        raise CheckpointError(
            str(settings.transformer_folder),
            f"the tokenizer has token ids up to {tokenizer.vocab_size - 1}, but {CONFIG_FILE} says "
            f"{n_rows.value} tokens; its files are not of one checkpoint",
        )


def _check_width(graph: Graph, output: str, expected: int | None) -> None:
    width = graph.outputs[output]
    if None not in (width, expected) and width != expected:
        raise CheckpointError(
            graph.location,
            f"returns {output} of {width} dimensions, but its folder describes a model of "
            f"{expected}; the files are not of one checkpoint",
        )


def _stanford_projection(folder: Path) -> tuple[Setting[LinearSpec], dict[str, Array]]:
    tensors = read_arrays(folder, prefix="linear.")
    weight = tensors.get("linear.weight")
    if weight is None or weight.ndim != 2:
        raise TensorError(str(folder), missing=["linear.weight"])
    spec = stanford_linear(folder, weight.shape, bias="linear.bias" in tensors)
    return Setting(spec, WEIGHTS), tensors
