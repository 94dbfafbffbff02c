"""From a plan to networks on an exported graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from holotype.encoders.arrays.layers import ArrayLayer, load_array_layers, load_array_linear
from holotype.encoders.arrays.tensors import Array, read_arrays, read_tensor_file
from holotype.encoders.arrays.words import (
    DROPPED_TOKENS,
    ArrayLanguageModelHead,
    ArrayTokenHead,
    load_token_layer,
    sparse_towers,
)
from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.heads import HeadSettings
from holotype.encoders.checkpoints.modules import (
    LayerNormSpec,
    LayerSpec,
    LinearSpec,
    NormalizeSpec,
    PoolingSpec,
    stanford_linear,
)
from holotype.encoders.checkpoints.settings import CONFIG_FILE, CheckpointSettings
from holotype.encoders.graphs.captions import (
    GraphCaptions,
    beginning,
    read_facts,
    search_rules,
)
from holotype.encoders.graphs.graph import (
    ATTENDED,
    GRID_PLACES,
    IDS,
    LAST_LAYER_INPUTS,
    LOGITS,
    MEMORY,
    PARTS,
    PAST,
    PATCH_PLACES,
    PICTURE_FEATURES,
    PIXELS,
    PLACES,
    PRESENT,
    TEXT_FEATURES,
    TOKEN_VECTORS,
    Graph,
    check_inputs,
    choose_output,
    require_inputs,
    require_output,
)
from holotype.encoders.graphs.network import (
    GraphBackbone,
    GraphNetwork,
    GraphPictures,
    LayersGraphHead,
    WordsGraphHead,
)
from holotype.encoders.graphs.pages import GraphPages, PageBackbone
from holotype.encoders.inputs.page_prompts import make_page_prompt
from holotype.encoders.inputs.tokenizer import TextTokenizer
from holotype.encoders.inputs.tokenizer_json import read_tokenizer
from holotype.encoders.kinds.colbert import ColbertEncoding, PictureSide
from holotype.encoders.kinds.dense import DenseEncoding
from holotype.encoders.kinds.plan import (
    AnyPlan,
    CaptionerPlan,
    ClassifierPlan,
    ColbertPlan,
    CrossEncoderPlan,
    DensePlan,
    ImageTextPlan,
    SparsePlan,
)
from holotype.encoders.running.captions import Writers
from holotype.encoders.running.network import Tower, Towers, one_tower
from holotype.errors import (
    CheckpointError,
    TensorError,
    UnsupportedCheckpointError,
    UnsupportedModelError,
)

if TYPE_CHECKING:
    from holotype.encoders.config import ModelConfig

PICTURE_GRAPHS = {
    "model.onnx": "vision_model.onnx",
    "openvino_model.xml": "openvino_vision_model.xml",
}
"""The name of the graph for pictures, which lies beside that for texts."""
LAST_LAYER_FILE = "last_layer.safetensors"
"""The tensors of a layer that follows a graph, beside it: ``linear.weight`` and its bias."""


class OpenGraph(Protocol):
    """Opens a file on a device, for arithmetic of a type."""

    def __call__(self, path: Path, *, device: str | None, dtype: str) -> Graph:
        """Return a graph that is ready to run."""
        ...


def build_on_graph(
    plan: AnyPlan, config: ModelConfig[Any], graph: Path, open_graph: OpenGraph
) -> Towers | Writers:
    """Open the graph of a model, and return what runs it.

    Args:
        plan: how the model is run.
        config: where and in which type it is run, and how many dimensions it returns.
        graph: the graph's file.
        open_graph: the backend.

    Raises:
        UnsupportedModelError: the model is not run on graphs.
        CheckpointError: the files are missing, damaged, or of another kind of model.
    """
    building = _Building(config, graph, open_graph)
    if isinstance(plan, SparsePlan):
        return _sparse(plan, building)
    if isinstance(plan, CrossEncoderPlan):
        return _cross_encoder(plan, building)
    if isinstance(plan, ClassifierPlan):
        return _classifier(plan.settings, building)
    if isinstance(plan, ColbertPlan):
        return _colbert(plan, building)
    if isinstance(plan, ImageTextPlan):
        return _image_text(plan, building)
    if isinstance(plan, CaptionerPlan):
        return _captioner(plan, building)
    if not isinstance(plan, DensePlan):
        raise UnsupportedModelError(
            plan.record.id,
            "it is a table of token vectors, run by NumPy alone; leave backend= out",
        )
    if plan.queries is not None:
        raise UnsupportedCheckpointError(
            plan.checkpoint.where("modules.json"),
            "has modules of their own for queries and for documents, which only dense and sparse "
            "models on torch may have so far",
        )
    return _vectors(building, plan.settings, plan.encoding, dim=config.dim)


class _Building:
    """A graph that is opened while the tokenizer of its model is read."""

    def __init__(self, config: ModelConfig[Any], graph: Path, open_graph: OpenGraph) -> None:
        self.graph = graph
        self.dtype = config.dtype
        self.dim = config.dim
        self._device = config.device
        self._open_graph = open_graph

    def open(
        self,
        settings: CheckpointSettings,
        choose: Callable[[Graph], str],
        *,
        pad_id: int | None = None,
        lower_case: bool | None = None,
        masked: bool = True,
        beside: tuple[str, ...] = (),
    ) -> GraphBackbone:
        """Open the graph and the tokenizer of its model.

        Args:
            settings: what the checkpoint says.
            choose: names the output that is taken.
            pad_id: the id of padding; None means the tokenizer's.
            lower_case: whether texts are put in lower case; None means what the checkpoint says.
            masked: whether the graph must be told what is padding.
            beside: what it must read beside a text.

        Raises:
            CheckpointError: a file is damaged, or the files are not of one checkpoint.
            UnsupportedCheckpointError: the graph has other inputs or outputs, or only transformers
                can read the tokenizer.
        """
        lowers = settings.lower_case if lower_case is None else lower_case
        with ThreadPoolExecutor(max_workers=1) as pool:
            opening = pool.submit(self.open_texts)
            tokenizer = read_tokenizer(settings.transformer, lower_case=lowers)
            _check_vocabulary(tokenizer, settings)
            graph = opening.result()
        check_inputs(graph, masked=masked, beside=beside)
        return GraphBackbone(graph, choose(graph), tokenizer, pad_id=pad_id)

    def open_texts(self) -> Graph:
        """Open the graph alone, as `open` does with the tokenizer of its model."""
        return self._open_graph(self.graph, device=self._device, dtype=self.dtype)

    def open_pictures(
        self, output: str = PICTURE_FEATURES, *, reads: tuple[str, ...] = (PIXELS,)
    ) -> Graph:
        """Open the graph for pictures beside that for texts.

        Args:
            output: what it must return.
            reads: its inputs.

        Raises:
            CheckpointError: it is not there, or damaged.
            UnsupportedCheckpointError: it has other inputs or outputs.
        """
        name = PICTURE_GRAPHS.get(self.graph.name)
        path = self.graph.parent / (name or "")
        if name is None or not path.is_file():
            raise CheckpointError(
                str(self.graph.parent),
                f"has no {' or '.join(PICTURE_GRAPHS.values())}, the graph for pictures; make an "
                "export of your own: holotype export",
            )
        graph = self._open_graph(path, device=self._device, dtype=self.dtype)
        require_output(graph, output)
        require_inputs(graph, *reads)
        if "float" not in graph.inputs[PIXELS]:
            raise UnsupportedCheckpointError(
                graph.location,
                f"takes {PIXELS} as {graph.inputs[PIXELS]}; expected floats. Make an export of your "
                "own: holotype export",
            )
        return graph


def _image_text(plan: ImageTextPlan, building: _Building) -> Towers:
    encoding = plan.encoding
    # Punctuation is taken out by Python's rules, before which the texts are in lower case already.
    lower_case = plan.settings.lower_case or encoding.lower_case
    backbone = building.open(
        plan.settings,
        _text_features,
        lower_case=lower_case and not encoding.remove_punctuation,
        masked=False,
    )
    if ATTENDED in backbone.tokenizer.input_names and ATTENDED not in backbone.graph.inputs:
        raise UnsupportedCheckpointError(
            backbone.graph.location,
            f"has no input {ATTENDED}, which the tokenizer of its folder gives; the files are not of "
            "one checkpoint",
        )
    pictures = building.open_pictures()
    _check_width(backbone.graph, TEXT_FEATURES, encoding.native_dim)
    _check_width(pictures, PICTURE_FEATURES, encoding.native_dim)
    dim = building.dim or encoding.native_dim
    head = LayersGraphHead((), dim=dim, normalized=encoding.normalized)
    tower = Tower(GraphNetwork(backbone, head), backbone.tokenizer)
    return Towers(
        document=tower,
        query=tower,
        dtype=building.dtype,
        pictures=GraphPictures(pictures, dim=dim, normalized=encoding.normalized),
    )


def _captioner(plan: CaptionerPlan, building: _Building) -> Writers:
    encoding, folder = plan.encoding, plan.settings.transformer
    tokenizer = read_tokenizer(folder, lower_case=plan.settings.lower_case)
    _check_vocabulary(tokenizer, plan.settings)
    facts = read_facts(Checkpoint(building.graph.parent), plan.limits)
    texts = building.open_texts()
    require_inputs(texts, IDS, MEMORY, PAST)
    for output in (LOGITS, PRESENT):
        require_output(texts, output)
    begin = beginning(facts, encoding, tokenizer)
    reads = (PIXELS,) if begin.read is None else (PIXELS, IDS)
    rules = search_rules(facts, encoding, plan.limits, len(begin.shown), plan.record.id)
    pictures = building.open_pictures(MEMORY, reads=reads)
    _check_width(pictures, MEMORY, facts.layers[-1])
    return Writers(
        network=GraphCaptions(pictures, texts, facts, begin, rules),
        tokenizer=tokenizer,
        dtype=building.dtype,
    )


def _text_features(graph: Graph) -> str:
    return require_output(graph, TEXT_FEATURES)


def _colbert(plan: ColbertPlan, building: _Building) -> Towers:
    if plan.encoding.pictures is not None:
        return _pages(plan, plan.encoding.pictures, building)
    tensors: dict[str, Array] | None = None
    if plan.encoding.own_file is not None:
        own = read_tensor_file(plan.checkpoint.folder / plan.encoding.own_file)
        tensors = {f"linear.{name}": array for name, array in own.items()}
    elif plan.settings.format == "stanford":
        tensors = read_arrays(plan.settings.transformer, prefix="linear.")
    dim = plan.encoding.network_dim(building.dim)
    return _vectors(building, plan.settings, plan.encoding, dim=dim, projection=tensors)


def _pages(plan: ColbertPlan, pictures: PictureSide, building: _Building) -> Towers:
    settings, encoding = plan.settings, plan.encoding
    in_grid = pictures.model_type == "colqwen2"
    beside = (PARTS, PLACES, GRID_PLACES) if in_grid else (PARTS, PLACES)
    backbone = building.open(settings, lambda graph: choose_output(graph)[0], beside=beside)
    tiles = building.open_pictures(reads=(PIXELS, PATCH_PLACES) if in_grid else (PIXELS,))
    width = settings.hidden_dim.value if settings.hidden_dim else 0
    _check_width(backbone.graph, backbone.output, encoding.native_dim)
    _check_width(tiles, PICTURE_FEATURES, width)
    pages = PageBackbone(backbone, width)
    prompt = make_page_prompt(settings.transformer, pictures, backbone.tokenizer, n_parts=None)
    dim = building.dim or encoding.native_dim
    tower = Tower(
        GraphNetwork(pages, LayersGraphHead((), dim=dim, normalized=True)), backbone.tokenizer
    )
    return Towers(
        document=tower,
        query=tower,
        dtype=building.dtype,
        pictures=GraphPages(
            tiles, pages, prompt, dim=dim, n_merged=(pictures.pixels.merge_size or 1) ** 2
        ),
    )


def _vectors(
    building: _Building,
    settings: CheckpointSettings,
    encoding: DenseEncoding | ColbertEncoding,
    *,
    dim: int | None,
    projection: Mapping[str, Array] | None = None,
) -> Towers:
    backbone = building.open(settings, lambda graph: choose_output(graph)[0])
    _, level = choose_output(backbone.graph)
    layers = encoding.layers
    if level == "tokens":
        width = settings.hidden_dim.value if settings.hidden_dim else None
    else:
        width, layers = encoding.native_dim, _layers_after_pooling(backbone.graph, encoding)
    _check_width(backbone.graph, backbone.output, width)
    head = LayersGraphHead(
        load_array_layers(layers, projection=projection),
        dim=dim or encoding.native_dim,
        normalized=encoding.normalized,
    )
    return one_tower(GraphNetwork(backbone, head), backbone.tokenizer, dtype=building.dtype)


def _layers_after_pooling(
    graph: Graph, encoding: DenseEncoding | ColbertEncoding
) -> tuple[LayerSpec, ...]:
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
    further = [layer for layer in encoding.layers if isinstance(layer, LinearSpec | LayerNormSpec)]
    if further:
        raise UnsupportedCheckpointError(
            graph.location,
            "returns vectors of whole texts only, of which nothing says whether they have gone "
            f"through {further[0].folder.inside or 'the layer after pooling'}, which the checkpoint "
            "has after pooling. Make an export of your own: holotype export",
        )
    # Vectors that have length 1 already stay as they are.
    return (NormalizeSpec(),)


def _cross_encoder(plan: CrossEncoderPlan, building: _Building) -> Towers:
    settings, encoding = plan.settings, plan.encoding
    if settings.template is not None:
        raise UnsupportedModelError(
            plan.record.id,
            "its pairs go through a chat template, which transformers writes; leave backend= out",
        )
    if settings.task == "sequence-classification":
        return _classifier(settings, building)
    checkpoint = settings.checkpoint
    backbone = building.open(checkpoint, _token_vectors)
    hidden = checkpoint.hidden_dim
    _check_width(backbone.graph, backbone.output, hidden.value if hidden else None)
    if settings.answer is None:
        layers = load_array_layers(encoding.layers)
    else:
        layers = _answer_layers(checkpoint, building.graph.parent / LAST_LAYER_FILE)
    head = LayersGraphHead(layers, dim=encoding.n_labels, normalized=False)
    return one_tower(GraphNetwork(backbone, head), backbone.tokenizer, dtype=building.dtype)


def _classifier(settings: HeadSettings, building: _Building) -> Towers:
    checkpoint = settings.checkpoint
    pad_id = checkpoint.transformer.json(CONFIG_FILE).integer("pad_token_id")
    backbone = building.open(
        checkpoint,
        _logits,
        # Heads of decoders look for the last token that is not this one.
        pad_id=pad_id.value if pad_id else None,
    )
    n_labels = settings.n_labels.value
    _check_width(backbone.graph, backbone.output, n_labels)
    head = LayersGraphHead((), dim=n_labels, normalized=False)
    return one_tower(GraphNetwork(backbone, head), backbone.tokenizer, dtype=building.dtype)


def _answer_layers(checkpoint: CheckpointSettings, path: Path) -> tuple[ArrayLayer, ...]:
    tensors = read_tensor_file(path)
    weight = tensors.get("linear.weight")
    if weight is None or weight.ndim != 2 or len(weight) != 1:
        raise TensorError(str(path), missing=["linear.weight [1, width]"])
    linear = stanford_linear(checkpoint.transformer, weight.shape, bias="linear.bias" in tensors)
    pooling = load_array_layers((PoolingSpec(modes=("last-token",)),))
    return (*pooling, load_array_linear(linear, tensors))


def _sparse(plan: SparsePlan, building: _Building) -> Towers:
    settings = plan.settings
    lexical = settings.form == "lexical"
    backbone = building.open(settings.checkpoint, _token_vectors if lexical else _words)
    if lexical:
        network = _lexical_network(plan, backbone)
    else:
        last_layer = building.graph.parent / LAST_LAYER_FILE
        network = _language_model_network(plan, backbone, last_layer)
    document = Tower(network, backbone.tokenizer)
    return sparse_towers(plan, document, read_tokenizer, dtype=building.dtype)


def _language_model_network(
    plan: SparsePlan, backbone: GraphBackbone, last_layer: Path
) -> GraphNetwork:
    encoding = plan.encoding
    weight: Array | None = None
    bias: Array | None = None
    whole = backbone.output == LOGITS
    if whole:
        _check_width(backbone.graph, LOGITS, encoding.dim)
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
    _check_width(backbone.graph, backbone.output, weight.shape[1])
    return weight, bias


def _lexical_network(plan: SparsePlan, backbone: GraphBackbone) -> GraphNetwork:
    hidden = plan.settings.checkpoint.hidden_dim
    weight, bias = load_token_layer(plan.checkpoint, hidden.value if hidden else 0)
    _check_width(backbone.graph, backbone.output, weight.shape[1])
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


def _check_width(graph: Graph, output: str, expected: int | None) -> None:
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
            settings.transformer.location,
            f"the tokenizer has token ids up to {tokenizer.vocab_size - 1}, but {CONFIG_FILE} says "
            f"{n_rows.value} tokens; its files are not of one checkpoint",
        )
