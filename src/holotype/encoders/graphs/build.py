"""From a plan to networks on an exported graph."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holotype.encoders.arrays.layers import load_array_layers
from holotype.encoders.arrays.tensors import Array, read_arrays, read_tensor_file
from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.modules import (
    LayerNormSpec,
    LayerSpec,
    LinearSpec,
    NormalizeSpec,
    PoolingSpec,
)
from holotype.encoders.checkpoints.settings import CheckpointSettings
from holotype.encoders.graphs.build_heads import build_classifier, build_cross_encoder, build_sparse
from holotype.encoders.graphs.captions import GraphCaptions, beginning, read_facts, search_rules
from holotype.encoders.graphs.graph import (
    ATTENDED,
    GRID_PLACES,
    IDS,
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
    Graph,
    choose_output,
    require_inputs,
    require_output,
)
from holotype.encoders.graphs.network import GraphNetwork, GraphPictures, LayersGraphHead
from holotype.encoders.graphs.opening import GraphOpening, OpenGraph, check_vocabulary, check_width
from holotype.encoders.graphs.pages import GraphPages, PageBackbone
from holotype.encoders.inputs.page_prompts import make_page_prompt
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
from holotype.errors import UnsupportedCheckpointError, UnsupportedModelError

if TYPE_CHECKING:
    from holotype.encoders.config import ModelConfig


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
    opening = GraphOpening(config, graph, open_graph)
    if isinstance(plan, SparsePlan):
        return build_sparse(plan, opening)
    if isinstance(plan, CrossEncoderPlan):
        return build_cross_encoder(plan, opening)
    if isinstance(plan, ClassifierPlan):
        return build_classifier(plan.settings, opening)
    if isinstance(plan, ColbertPlan):
        return _colbert(plan, opening)
    if isinstance(plan, ImageTextPlan):
        return _image_text(plan, opening)
    if isinstance(plan, CaptionerPlan):
        return _captioner(plan, opening)
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
    return _vectors(opening, plan.settings, plan.encoding, dim=config.dim)


def _image_text(plan: ImageTextPlan, opening: GraphOpening) -> Towers:
    encoding = plan.encoding
    # Punctuation is taken out by Python's rules, before which the texts are in lower case already.
    lower_case = plan.settings.lower_case or encoding.lower_case
    backbone = opening.open(
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
    pictures = opening.open_pictures()
    check_width(backbone.graph, TEXT_FEATURES, encoding.native_dim)
    check_width(pictures, PICTURE_FEATURES, encoding.native_dim)
    dim = opening.dim or encoding.native_dim
    head = LayersGraphHead((), dim=dim, normalized=encoding.normalized)
    tower = Tower(GraphNetwork(backbone, head), backbone.tokenizer)
    return Towers(
        document=tower,
        query=tower,
        dtype=opening.dtype,
        pictures=GraphPictures(pictures, dim=dim, normalized=encoding.normalized),
    )


def _captioner(plan: CaptionerPlan, opening: GraphOpening) -> Writers:
    encoding, folder = plan.encoding, plan.settings.transformer
    tokenizer = read_tokenizer(folder, lower_case=plan.settings.lower_case)
    check_vocabulary(tokenizer, plan.settings)
    facts = read_facts(Checkpoint(opening.graph.parent), plan.limits)
    texts = opening.open_texts()
    require_inputs(texts, IDS, MEMORY, PAST)
    for output in (LOGITS, PRESENT):
        require_output(texts, output)
    begin = beginning(facts, encoding, tokenizer)
    reads = (PIXELS,) if begin.read is None else (PIXELS, IDS)
    rules = search_rules(facts, encoding, plan.limits, len(begin.shown), plan.record.id)
    pictures = opening.open_pictures(MEMORY, reads=reads)
    check_width(pictures, MEMORY, facts.layers[-1])
    return Writers(
        network=GraphCaptions(pictures, texts, facts, begin, rules),
        tokenizer=tokenizer,
        dtype=opening.dtype,
    )


def _text_features(graph: Graph) -> str:
    return require_output(graph, TEXT_FEATURES)


def _colbert(plan: ColbertPlan, opening: GraphOpening) -> Towers:
    if plan.encoding.pictures is not None:
        return _pages(plan, plan.encoding.pictures, opening)
    tensors: dict[str, Array] | None = None
    if plan.encoding.own_file is not None:
        own = read_tensor_file(plan.checkpoint.folder / plan.encoding.own_file)
        tensors = {f"linear.{name}": array for name, array in own.items()}
    elif plan.settings.format == "stanford":
        tensors = read_arrays(plan.settings.transformer, prefix="linear.")
    dim = plan.encoding.network_dim(opening.dim)
    return _vectors(opening, plan.settings, plan.encoding, dim=dim, projection=tensors)


def _pages(plan: ColbertPlan, pictures: PictureSide, opening: GraphOpening) -> Towers:
    settings, encoding = plan.settings, plan.encoding
    in_grid = pictures.model_type == "colqwen2"
    beside = (PARTS, PLACES, GRID_PLACES) if in_grid else (PARTS, PLACES)
    backbone = opening.open(settings, lambda graph: choose_output(graph)[0], beside=beside)
    tiles = opening.open_pictures(reads=(PIXELS, PATCH_PLACES) if in_grid else (PIXELS,))
    width = settings.hidden_dim.value if settings.hidden_dim else 0
    check_width(backbone.graph, backbone.output, encoding.native_dim)
    check_width(tiles, PICTURE_FEATURES, width)
    pages = PageBackbone(backbone, width)
    prompt = make_page_prompt(settings.transformer, pictures, backbone.tokenizer, n_parts=None)
    dim = opening.dim or encoding.native_dim
    tower = Tower(
        GraphNetwork(pages, LayersGraphHead((), dim=dim, normalized=True)), backbone.tokenizer
    )
    return Towers(
        document=tower,
        query=tower,
        dtype=opening.dtype,
        pictures=GraphPages(
            tiles, pages, prompt, dim=dim, n_merged=(pictures.pixels.merge_size or 1) ** 2
        ),
    )


def _vectors(
    opening: GraphOpening,
    settings: CheckpointSettings,
    encoding: DenseEncoding | ColbertEncoding,
    *,
    dim: int | None,
    projection: Mapping[str, Array] | None = None,
) -> Towers:
    backbone = opening.open(settings, lambda graph: choose_output(graph)[0])
    _, level = choose_output(backbone.graph)
    layers = encoding.layers
    if level == "tokens":
        width = settings.hidden_dim.value if settings.hidden_dim else None
    else:
        width, layers = encoding.native_dim, _layers_after_pooling(backbone.graph, encoding)
    check_width(backbone.graph, backbone.output, width)
    head = LayersGraphHead(
        load_array_layers(layers, projection=projection),
        dim=dim or encoding.native_dim,
        normalized=encoding.normalized,
    )
    return one_tower(GraphNetwork(backbone, head), backbone.tokenizer, dtype=opening.dtype)


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
