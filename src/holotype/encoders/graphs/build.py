"""From a plan to networks on an exported graph."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holotype.encoders.arrays.layers import load_array_layers
from holotype.encoders.arrays.tensors import Array, read_arrays, read_tensor_file
from holotype.encoders.checkpoints.modules import (
    LayerNormSpec,
    LayerSpec,
    LinearSpec,
    NormalizeSpec,
    PoolingSpec,
)
from holotype.encoders.checkpoints.settings import CheckpointSettings
from holotype.encoders.graphs.graph import (
    Graph,
    choose_output,
)
from holotype.encoders.graphs.network import GraphNetwork, LayersGraphHead
from holotype.encoders.graphs.opening import GraphOpening, OpenGraph, check_width
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
from holotype.encoders.running.network import Towers, one_tower
from holotype.errors import UnsupportedCheckpointError, UnsupportedModelError

if TYPE_CHECKING:
    from holotype.encoders.config import ModelConfig
    from holotype.encoders.kinds.colbert import ColbertEncoding
    from holotype.encoders.running.captions import Writers


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
    # A kind is imported when a model of it is met, to start fast.
    if isinstance(plan, SparsePlan | CrossEncoderPlan | ClassifierPlan):
        from holotype.encoders.graphs.build_heads import build_heads

        return build_heads(plan, opening)
    if isinstance(plan, ColbertPlan):
        return _colbert(plan, opening)
    if isinstance(plan, ImageTextPlan):
        from holotype.encoders.graphs.build_pictures import build_image_text

        return build_image_text(plan, opening)
    if isinstance(plan, CaptionerPlan):
        from holotype.encoders.graphs.build_pictures import build_captioner

        return build_captioner(plan, opening)
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


def _colbert(plan: ColbertPlan, opening: GraphOpening) -> Towers:
    if plan.encoding.pictures is not None:
        from holotype.encoders.graphs.build_pictures import build_pages

        return build_pages(plan, plan.encoding.pictures, opening)
    tensors: dict[str, Array] | None = None
    if plan.encoding.own_file is not None:
        own = read_tensor_file(plan.checkpoint.folder / plan.encoding.own_file)
        tensors = {f"linear.{name}": array for name, array in own.items()}
    elif plan.settings.format == "stanford":
        tensors = read_arrays(plan.settings.transformer, prefix="linear.")
    dim = plan.encoding.network_dim(opening.dim)
    return _vectors(opening, plan.settings, plan.encoding, dim=dim, projection=tensors)


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
