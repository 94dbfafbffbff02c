"""From a plan to networks on torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from holotype.encoders.checkpoints.settings import STANFORD_ARCHITECTURE, CheckpointSettings
from holotype.encoders.kinds.dense import DenseEncoding, side_of
from holotype.encoders.kinds.plan import (
    AnyPlan,
    CaptionerPlan,
    ColbertPlan,
    DensePlan,
    ImageTextPlan,
    SparsePlan,
    StaticPlan,
)
from holotype.encoders.running.forks import first_process, refuse_fork
from holotype.encoders.running.network import Tower, Towers, one_tower
from holotype.encoders.torch_backend.backbone import Placement, place, refuse_bytes
from holotype.encoders.torch_backend.devices import memory_errors
from holotype.encoders.torch_backend.layers import LayersHead
from holotype.encoders.torch_backend.network import TorchNetwork
from holotype.encoders.torch_backend.tensors import (
    read_tensor_file,
    read_tensors,
    split_projection,
)
from holotype.encoders.torch_backend.transformer import Head, HeadedTransformer, Transformer
from holotype.encoders.torch_backend.transformer_opening import open_transformer
from holotype.errors import UnsupportedModelError

if TYPE_CHECKING:
    from holotype.encoders.config import ModelConfig
    from holotype.encoders.kinds.static import StaticCheckpoint
    from holotype.encoders.running.captions import Writers
    from holotype.encoders.running.modes import Mode, ModeTowers

Tensors = dict[str, Tensor]


def build(plan: AnyPlan, config: ModelConfig[Any]) -> Towers | Writers:
    """Load the weights of a model, and return what runs it.

    Args:
        plan: how it is run.
        config: where and in which type it is run, and how many dimensions it returns.

    Raises:
        CheckpointError: the weights are missing, damaged, unsafe, or of another model.
        DeviceMemoryError: the device has too little memory.
        ForkedEncoderError: the process was forked after it had loaded another model.
        InvalidArgumentError: there is no such device, or it does not multiply bytes.
        UnsupportedCheckpointError: the model is not of an architecture that runs in int8.
    """
    if isinstance(plan, StaticPlan):
        from holotype.encoders.arrays.tables import build_table

        return build_table(plan, config)
    _refuse_fork(config.record.id)
    placement = place(config.device, config.dtype)
    reads_pictures = isinstance(plan, ImageTextPlan | CaptionerPlan) or (
        isinstance(plan, ColbertPlan) and plan.encoding.pictures is not None
    )
    if placement.in_bytes and reads_pictures:
        refuse_bytes(plan.checkpoint.location, "model that reads pictures")
    with memory_errors(placement.device):
        return _build(plan, config, placement)


def _build(plan: AnyPlan, config: ModelConfig[Any], placement: Placement) -> Towers | Writers:
    # A kind is imported when a model of it is met, to start fast.
    if isinstance(plan, DensePlan):
        return _dense(plan, config.dim, placement)
    if isinstance(plan, ColbertPlan):
        return _colbert(plan, config.dim, placement)
    if isinstance(plan, ImageTextPlan):
        from holotype.encoders.torch_backend.image_text import build_image_text

        return build_image_text(plan, config.dim, placement)
    if isinstance(plan, CaptionerPlan):
        from holotype.encoders.torch_backend.captioner import build_captioner

        return build_captioner(plan, placement)
    from holotype.encoders.torch_backend.build_heads import build_heads

    return build_heads(plan, placement)


def build_modes(
    plans: Mapping[Mode, AnyPlan], config: ModelConfig[Any], dims: Mapping[Mode, int | None]
) -> ModeTowers:
    """Load the weights of one checkpoint for several modes.

    Args:
        plans: how each mode is run.
        config: where and in which type all of them are run.
        dims: how many dimensions each mode returns; None for all of them.

    Raises:
        ForkedEncoderError: the process was forked after it had loaded another model.
    """
    _refuse_fork(config.record.id)
    placement = place(config.device, config.dtype)
    with memory_errors(placement.device):
        return _build_modes(plans, dims, placement)


def _build_modes(
    plans: Mapping[Mode, AnyPlan], dims: Mapping[Mode, int | None], placement: Placement
) -> ModeTowers:
    from holotype.encoders.running.modes import ModeTowers
    from holotype.encoders.torch_backend.modes_network import TorchModesNetwork

    settings = _settings_of(next(iter(plans.values())))
    tensors = read_tensors(settings.transformer)
    projections = {
        mode: _take_projection(plan, tensors)
        for mode, plan in plans.items()
        if isinstance(plan, ColbertPlan)
    }
    transformer = open_transformer(settings, tensors, placement)
    heads: dict[Mode, Head] = {
        mode: _mode_head(plan, transformer, dims[mode], projections.get(mode))
        for mode, plan in plans.items()
    }
    single: dict[Mode, Towers] = {
        mode: one_tower(
            TorchNetwork(HeadedTransformer(transformer, head)),
            transformer.tokenizer,
            dtype=placement.name,
        )
        for mode, head in heads.items()
    }
    return ModeTowers(
        network=TorchModesNetwork(transformer, heads),
        tokenizer=transformer.tokenizer,
        single=single,
    )


def _refuse_fork(name: str) -> None:
    """Refuse to load where the first computation would wait for threads that a fork left behind."""
    process_id = first_process()
    if torch.get_num_threads() > 1:
        refuse_fork(name, process_id)


def _settings_of(plan: AnyPlan) -> CheckpointSettings:
    if isinstance(plan, DensePlan | ColbertPlan):
        return plan.settings
    if isinstance(plan, SparsePlan):
        return plan.settings.checkpoint
    raise UnsupportedModelError(plan.record.id, "it has no mode that shares a transformer")


def _mode_head(
    plan: AnyPlan, transformer: Transformer, dim: int | None, projection: Tensors | None
) -> Head:
    if isinstance(plan, SparsePlan):
        from holotype.encoders.torch_backend.build_heads import lexical_head

        return lexical_head(plan, transformer)
    if not isinstance(plan, DensePlan | ColbertPlan):
        raise UnsupportedModelError(plan.record.id, "it has no mode that shares a transformer")
    return LayersHead(
        transformer,
        plan.encoding.layers,
        dim=dim or plan.encoding.native_dim,
        normalized=plan.encoding.normalized,
        projection=projection,
    )


def _dense(plan: DensePlan, dim: int | None, placement: Placement) -> Towers:
    encoding, settings = plan.encoding, plan.settings
    width = dim or encoding.native_dim
    transformer = open_transformer(settings, read_tensors(settings.transformer), placement)
    documents = _dense_tower(transformer, encoding, width)
    if plan.queries is None:
        return Towers(document=documents, query=documents, dtype=placement.name)
    queries = _queries(plan, plan.queries, transformer, width, placement)
    return Towers(document=documents, query=queries, dtype=placement.name)


def _queries(
    plan: DensePlan,
    queries: CheckpointSettings | StaticCheckpoint,
    documents: Transformer,
    width: int,
    placement: Placement,
) -> Tower:
    encoding = side_of(plan.encoding, "query")
    if not isinstance(queries, CheckpointSettings):
        from holotype.encoders.arrays.tables import build_table_tower

        return build_table_tower(queries, dim=width, normalized=encoding.normalized)
    if queries.transformer.inside == plan.settings.transformer.inside:
        head = _layers(documents, encoding, width)
        network = TorchNetwork(_SharedTransformer(documents, head))
        return Tower(network, documents.tokenizer)
    own = open_transformer(queries, read_tensors(queries.transformer), placement)
    return _dense_tower(own, encoding, width)


class _SharedTransformer(HeadedTransformer):
    """A transformer that belongs to another network as well, which counts its memory."""

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights of the head take."""
        return self._head.memory_bytes


def _dense_tower(transformer: Transformer, encoding: DenseEncoding, width: int) -> Tower:
    head = _layers(transformer, encoding, width)
    return Tower(TorchNetwork(HeadedTransformer(transformer, head)), transformer.tokenizer)


def _layers(transformer: Transformer, encoding: DenseEncoding, width: int) -> LayersHead:
    return LayersHead(transformer, encoding.layers, dim=width, normalized=encoding.normalized)


def _colbert(plan: ColbertPlan, dim: int | None, placement: Placement) -> Towers:
    if plan.encoding.pictures is not None:
        from holotype.encoders.torch_backend.visual import build_visual

        return build_visual(plan, plan.encoding.pictures, dim, placement)
    encoding, settings = plan.encoding, plan.settings
    tensors = read_tensors(settings.transformer)
    projection = _take_projection(plan, tensors)
    transformer = open_transformer(settings, tensors, placement)
    head = LayersHead(
        transformer,
        encoding.layers,
        dim=encoding.network_dim(dim),
        normalized=encoding.normalized,
        projection=projection,
    )
    network = TorchNetwork(HeadedTransformer(transformer, head))
    return one_tower(network, transformer.tokenizer, dtype=placement.name)


def _take_projection(plan: ColbertPlan, tensors: Tensors) -> Tensors | None:
    """Return the tensors of a projection that no module holds, and take them out of the others."""
    settings = plan.settings
    if settings.format == "stanford":
        return split_projection(settings.transformer, tensors)
    if plan.encoding.own_file is not None:
        own = read_tensor_file(plan.checkpoint.folder / plan.encoding.own_file)
        return {f"linear.{name}": tensor for name, tensor in own.items()}
    if settings.architecture == STANFORD_ARCHITECTURE:
        # A later save in another format keeps the old projection beside the one of its module.
        tensors.pop("linear.weight", None)
    return None
