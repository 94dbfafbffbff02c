"""How the model of a checkpoint is run: the architectures that need no padding, by name.

What is not on the list runs padded, through the model as transformers has it. Nothing is tried and
nothing is guessed from the shape of a model: an architecture is on the list when a test compares it
with sentence-transformers.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AttentionInterface, PreTrainedModel
from transformers.pytorch_utils import Conv1D

from holotype.encoders.checkpoints.settings import DECODERS
from holotype.encoders.torch_backend.attention import TokenBatch, attend, attention_type
from holotype.encoders.torch_backend.backbone import Backbone, refuse_bytes
from holotype.encoders.torch_backend.bert_forward import (
    BERT,
    DISTILBERT,
    MPNET,
    BertForward,
    Names,
    Settings,
    build_forward,
)
from holotype.encoders.torch_backend.byte_map import WatchedMap
from holotype.encoders.torch_backend.bytes_forward import pack_bert
from holotype.encoders.torch_backend.deberta_forward import DebertaForward, build_deberta
from holotype.encoders.torch_backend.few_tokens import with_kernel
from holotype.encoders.torch_backend.linear_map import MakeMap, linear_map, one_dnn_multiplies
from holotype.encoders.torch_backend.packed_backbone import PACKING_DEVICES, Forward, PackedBackbone
from holotype.encoders.torch_backend.t5_forward import build_t5

_NAME = "holotype_rows"


class HostedForward:
    """A forward pass through the modules of a model."""

    def __init__(self, model: PreTrainedModel, *, takes_types: bool) -> None:
        """Change a model's attention and its linear layers; it serves nothing else after that.

        Args:
            model: the model, on its device and in its type.
            takes_types: whether it is told the segments of tokens.
        """
        model.set_attn_implementation(_NAME)
        replace_linears(model)
        self._model = model
        self._takes_types = takes_types

    def __call__(self, batch: TokenBatch) -> Tensor:
        """Return the last hidden states: ``[n_tokens, hidden_dim]``."""
        inputs: dict[str, Any] = {
            "input_ids": batch.ids[None],
            "position_ids": batch.positions[None],
            "rows": batch,
        }
        if self._takes_types:
            inputs["token_type_ids"] = batch.type_ids[None]
        states: Tensor = self._model(**inputs).last_hidden_state
        return states[0]


class _Mapped(nn.Module):
    """A linear layer by a faster map, or one of OpenAI's, whose weights are transposed."""

    def __init__(self, layer: nn.Linear | Conv1D) -> None:
        super().__init__()
        weight = layer.weight.T if isinstance(layer, Conv1D) else layer.weight
        self._map = linear_map(weight, layer.bias)
        # transformers asks for its type.
        self.weight = layer.weight.new_empty(0)

    def forward(self, vectors: Tensor) -> Tensor:
        return self._map(vectors)


def replace_linears(model: nn.Module) -> None:
    """Let the linear layers within a module run by the same maps that are faster."""
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            # Not those of their subclasses, which may compute something else.
            if (type(child) is nn.Linear or type(child) is Conv1D) and one_dnn_multiplies(
                child.weight.device, child.weight.dtype
            ):
                setattr(module, name, _Mapped(child))


def _attend_in_rows(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    _mask: Tensor | None,
    *,
    rows: TokenBatch,
    scaling: float | None = None,
    sliding_window: int | None = None,
    is_causal: bool | None = None,
    **_options: Any,
) -> tuple[Tensor, None]:
    """Attend as `AttentionInterface` wants it: ``[1, n_heads, n_tokens, head_dim]`` each."""
    dtype = query.dtype
    query, key, value = (one[0].transpose(0, 1) for one in (query, key, value))
    attends_in = attention_type(query, dtype, rows.compiled)
    query, key, value = (one.to(attends_in) for one in (query, key, value))
    found = attend(
        query,
        key,
        value,
        rows,
        scale=scaling,
        # A configuration may say that a decoder sees what follows; transformers passes it on.
        causal=bool(getattr(module, "is_causal", False) if is_causal is None else is_causal),
        window=sliding_window,
    )
    return found.to(dtype).view(1, len(query), query.shape[1], -1), None


AttentionInterface.register(_NAME, _attend_in_rows)


# Classes of transformers, by the model type of their configuration. A checkpoint's own class of the
# same name is none of them.
REWRITTEN: Mapping[str, Names] = {
    "BertModel": BERT,
    "CamembertModel": BERT,
    "DistilBertModel": DISTILBERT,
    "MPNetModel": MPNET,
    "RobertaModel": BERT,
    "XLMRobertaModel": BERT,
}
# Those that run without padding on a CPU alone, by what builds the pass.
ON_CPU: Mapping[str, Callable[[Any], Forward]] = {
    "DebertaV2Model": build_deberta,
    "T5EncoderModel": build_t5,
}
HOSTED = frozenset(
    {
        "Gemma3TextModel",
        "LlamaModel",
        "MistralModel",
        "ModernBertModel",
        "NomicBertModel",
        "Qwen2Model",
        "Qwen3Model",
    }
)


def packed_forward(model: PreTrainedModel, *, has_types: bool) -> Forward | None:
    """Return how a model runs over batches without padding; None where it needs padding.

    Args:
        model: the model, on its device and in its type. What is returned takes it over.
        has_types: whether the checkpoint's tokenizer tells segments apart.
    """
    if not runs_without_padding(model):
        return None
    name = type(model).__name__
    if name in REWRITTEN:
        return _rewritten(model, REWRITTEN[name], model.dtype, linear_map)
    if name in ON_CPU:
        return ON_CPU[name](model)
    parameters = inspect.signature(model.forward).parameters
    return HostedForward(model, takes_types=has_types and "token_type_ids" in parameters)


def without_padding(backbone: Backbone, *, head_bytes: int = 0) -> PackedBackbone | None:
    """Return what runs a backbone's transformer without padding, or None where it needs padding.

    What is returned takes the transformer over. The head of the model, where it has one, is no
    part of that.

    Args:
        backbone: the model with its tokenizer.
        head_bytes: how many bytes of the model are those of its head.

    Raises:
        UnsupportedCheckpointError: it is to multiply bytes, and is not of an architecture that
            does.
    """
    memory_bytes = backbone.memory_bytes - head_bytes
    has_types = "token_type_ids" in backbone.tokenizer.input_names
    # A model without a head is its own base.
    base: Any = backbone.model.base_model
    placement = backbone.placement
    if placement.in_bytes:
        names = REWRITTEN.get(type(base).__name__)
        if names is None or not runs_without_padding(base):
            refuse_bytes(backbone.location, type(base).__name__)
        watched = _rewritten(base, names, placement.attends_in, WatchedMap)
        return pack_bert(
            backbone.tokenizer, watched, placement=placement, memory_bytes=memory_bytes
        )
    with torch.inference_mode():
        forward = packed_forward(base, has_types=has_types)
    if forward is None:
        return None
    if isinstance(forward, DebertaForward):
        memory_bytes += forward.memory_bytes_of_tables
    return PackedBackbone(
        backbone.tokenizer,
        with_kernel(forward),
        device=backbone.device,
        dtype=backbone.dtype,
        counts=placement.counts,
        memory_bytes=memory_bytes,
    )


def runs_without_padding(model: PreTrainedModel) -> bool:
    """Return whether a model is of a class on the list, set up as that class usually is."""
    if not is_of_transformers(model) or model.device.type not in PACKING_DEVICES:
        return False
    name = type(model).__name__
    if getattr(model.config, "is_decoder", False) or getattr(
        model.config, "add_cross_attention", False
    ):
        return False
    rope: Any = getattr(model.config, "rope_parameters", None)
    if _has_changing_frequencies(rope):
        return False
    # Windows of a decoder that sees what follows are one token wider, except for Gemma's.
    has_window = getattr(model.config, "sliding_window", None) is not None
    is_causal = getattr(model.config, "is_causal", None)
    if is_causal is not None and (
        model.config.model_type not in DECODERS if is_causal else has_window
    ):
        return False
    # transformers has 32 buckets, whatever the table.
    if getattr(model.config, "relative_attention_num_buckets", 32) != 32 and name == "MPNetModel":
        return False
    if name in ON_CPU:
        return model.device.type == "cpu"
    return name in REWRITTEN or name in HOSTED


def is_of_transformers(model: PreTrainedModel) -> bool:
    """Return whether the class of a model is transformers' own, and not code of a checkpoint."""
    return type(model).__module__.startswith("transformers.models.")


def _has_changing_frequencies(rope: Any) -> bool:
    """Return whether rotary frequencies depend on the longest position of a call."""
    if not isinstance(rope, Mapping):
        return False
    kinds = [rope, *(part for part in rope.values() if isinstance(part, Mapping))]
    return any(part.get("rope_type") in ("dynamic", "longrope") for part in kinds)


def _rewritten(model: Any, names: Names, attends_in: torch.dtype, make_map: MakeMap) -> BertForward:
    layers = model.get_submodule(names.layer)
    inner = layers[0].ffn if names is DISTILBERT else layers[0].intermediate
    activation: Any = inner.activation if names is DISTILBERT else inner.intermediate_act_fn
    settings = Settings(
        n_layers=len(layers),
        n_heads=model.config.num_attention_heads,
        norm_eps=model.get_submodule(names.norm).eps,
        padding_id=getattr(model.embeddings, "padding_idx", None),
        # The exact GELU is part of the map before it.
        activation=None if getattr(activation, "act", None) is functional.gelu else activation,
        attends_in=attends_in,
    )
    return build_forward(names, model.state_dict(), settings, make_map)
