"""From a plan to networks whose last layer is a head: scores, classes and sparse vectors."""

from __future__ import annotations

from pathlib import Path

from holotype.encoders.arrays.layers import ArrayLayer, load_array_layers, load_array_linear
from holotype.encoders.arrays.tensors import Array, read_tensor_file
from holotype.encoders.arrays.words import (
    DROPPED_TOKENS,
    ArrayLanguageModelHead,
    ArrayTokenHead,
    load_token_layer,
    sparse_towers,
)
from holotype.encoders.checkpoints.heads import HeadSettings
from holotype.encoders.checkpoints.modules import PoolingSpec, stanford_linear
from holotype.encoders.checkpoints.settings import CONFIG_FILE, CheckpointSettings
from holotype.encoders.graphs.graph import (
    LAST_LAYER_INPUTS,
    LOGITS,
    TOKEN_VECTORS,
    Graph,
    require_output,
)
from holotype.encoders.graphs.network import (
    GraphBackbone,
    GraphNetwork,
    LayersGraphHead,
    WordsGraphHead,
)
from holotype.encoders.graphs.opening import GraphOpening, check_width
from holotype.encoders.inputs.tokenizer_json import read_tokenizer
from holotype.encoders.kinds.plan import ClassifierPlan, CrossEncoderPlan, SparsePlan
from holotype.encoders.running.network import Tower, Towers, one_tower
from holotype.errors import TensorError, UnsupportedModelError

LAST_LAYER_FILE = "last_layer.safetensors"
"""The tensors of a layer that follows a graph, beside it: ``linear.weight`` and its bias."""


def build_heads(
    plan: SparsePlan | CrossEncoderPlan | ClassifierPlan, opening: GraphOpening
) -> Towers:
    """Return the network of a model that gives scores, classes or sparse vectors.

    Raises:
        UnsupportedModelError: its pairs go through a chat template.
        CheckpointError: the files are missing, damaged, or of another kind of model.
    """
    if isinstance(plan, SparsePlan):
        return _sparse(plan, opening)
    if isinstance(plan, CrossEncoderPlan):
        return _cross_encoder(plan, opening)
    return _classifier(plan.settings, opening)


def _cross_encoder(plan: CrossEncoderPlan, opening: GraphOpening) -> Towers:
    """Return the network of a model that scores pairs.

    Raises:
        UnsupportedModelError: its pairs go through a chat template.
        CheckpointError: the files are missing, damaged, or of another kind of model.
    """
    settings, encoding = plan.settings, plan.encoding
    if settings.template is not None:
        raise UnsupportedModelError(
            plan.record.id,
            "its pairs go through a chat template, which transformers writes; leave backend= out",
        )
    if settings.task == "sequence-classification":
        return _classifier(settings, opening)
    checkpoint = settings.checkpoint
    backbone = opening.open(checkpoint, _token_vectors)
    hidden = checkpoint.hidden_dim
    check_width(backbone.graph, backbone.output, hidden.value if hidden else None)
    if settings.answer is None:
        layers = load_array_layers(encoding.layers)
    else:
        layers = _answer_layers(checkpoint, opening.graph.parent / LAST_LAYER_FILE)
    head = LayersGraphHead(layers, dim=encoding.n_labels, normalized=False)
    return one_tower(GraphNetwork(backbone, head), backbone.tokenizer, dtype=opening.dtype)


def _classifier(settings: HeadSettings, opening: GraphOpening) -> Towers:
    """Return the network of a model whose graph ends in one number for each label.

    Raises:
        CheckpointError: the files are missing, damaged, or of another kind of model.
    """
    checkpoint = settings.checkpoint
    pad_id = checkpoint.transformer.json(CONFIG_FILE).integer("pad_token_id")
    backbone = opening.open(
        checkpoint,
        _logits,
        # Heads of decoders look for the last token that is not this one.
        pad_id=pad_id.value if pad_id else None,
    )
    n_labels = settings.n_labels.value
    check_width(backbone.graph, backbone.output, n_labels)
    head = LayersGraphHead((), dim=n_labels, normalized=False)
    return one_tower(GraphNetwork(backbone, head), backbone.tokenizer, dtype=opening.dtype)


def _answer_layers(checkpoint: CheckpointSettings, path: Path) -> tuple[ArrayLayer, ...]:
    tensors = read_tensor_file(path)
    weight = tensors.get("linear.weight")
    if weight is None or weight.ndim != 2 or len(weight) != 1:
        raise TensorError(str(path), missing=["linear.weight [1, width]"])
    linear = stanford_linear(checkpoint.transformer, weight.shape, bias="linear.bias" in tensors)
    pooling = load_array_layers((PoolingSpec(modes=("last-token",)),))
    return (*pooling, load_array_linear(linear, tensors))


def _sparse(plan: SparsePlan, opening: GraphOpening) -> Towers:
    """Return the network of a sparse model.

    Raises:
        CheckpointError: the files are missing, damaged, or of another kind of model.
    """
    settings = plan.settings
    lexical = settings.form == "lexical"
    backbone = opening.open(settings.checkpoint, _token_vectors if lexical else _words)
    if lexical:
        network = _lexical_network(plan, backbone)
    else:
        last_layer = opening.graph.parent / LAST_LAYER_FILE
        network = _language_model_network(plan, backbone, last_layer)
    document = Tower(network, backbone.tokenizer)
    return sparse_towers(plan, document, read_tokenizer, dtype=opening.dtype)


def _language_model_network(
    plan: SparsePlan, backbone: GraphBackbone, last_layer: Path
) -> GraphNetwork:
    encoding = plan.encoding
    weight: Array | None = None
    bias: Array | None = None
    whole = backbone.output == LOGITS
    if whole:
        check_width(backbone.graph, LOGITS, encoding.dim)
    else:
        weight, bias = _last_layer(backbone, last_layer, encoding.dim)
    head = ArrayLanguageModelHead(
        dim=encoding.dim,
        weight=weight,
        bias=bias,
        doubled=encoding.activation == "log1p-log1p-relu",
        summed=encoding.pooling == "sum",
    )
    # The logits of a batch of thousands of tokens would take gigabytes.
    return GraphNetwork(backbone, WordsGraphHead(head), one_by_one=whole)


def _last_layer(backbone: GraphBackbone, path: Path, dim: int) -> tuple[Array, Array | None]:
    found = read_tensor_file(path)
    weight, bias = found.get("linear.weight"), found.get("linear.bias")
    if weight is None or weight.ndim != 2 or len(weight) != dim:
        raise TensorError(str(path), missing=[f"linear.weight [{dim}, width]"])
    if bias is not None and bias.shape != (dim,):
        shapes = f"linear.bias ({list(bias.shape)}, expected {[dim]})"
        raise TensorError(str(path), misshapen=[shapes])
    check_width(backbone.graph, backbone.output, weight.shape[1])
    return weight, bias


def _lexical_network(plan: SparsePlan, backbone: GraphBackbone) -> GraphNetwork:
    hidden = plan.settings.checkpoint.hidden_dim
    weight, bias = load_token_layer(plan.checkpoint, hidden.value if hidden else 0)
    check_width(backbone.graph, backbone.output, weight.shape[1])
    ids = [backbone.tokenizer.token_id(token) for token in DROPPED_TOKENS]
    dropped = tuple(id for id in ids if id is not None)
    head = ArrayTokenHead(weight=weight, bias=bias, dropped=dropped, dim=plan.encoding.dim)
    return GraphNetwork(backbone, WordsGraphHead(head))


def _logits(graph: Graph) -> str:
    return require_output(graph, LOGITS)


def _token_vectors(graph: Graph) -> str:
    return require_output(graph, TOKEN_VECTORS)


def _words(graph: Graph) -> str:
    return require_output(graph, LAST_LAYER_INPUTS, LOGITS)
