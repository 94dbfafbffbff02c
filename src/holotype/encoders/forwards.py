"""How the model of a checkpoint is run: the architectures that need no padding, by name.

What is not on the list runs padded, through the model as transformers has it. Nothing is tried and
nothing is guessed from the shape of a model: an architecture is on the list when a test compares it
with sentence-transformers.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers import PreTrainedModel

from holotype.encoders.attention import TokenBatch
from holotype.encoders.bert_forward import bert, distilbert, mpnet
from holotype.encoders.hosted_forward import HostedForward

# Classes of transformers, by the model type of their configuration. A checkpoint's own class of the
# same name is none of them.
REWRITTEN: Mapping[str, Callable[[Any], Forward]] = {
    "BertModel": bert,
    "CamembertModel": bert,
    "DistilBertModel": distilbert,
    "MPNetModel": mpnet,
    "RobertaModel": bert,
    "XLMRobertaModel": bert,
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
_DEVICES = ("cpu", "cuda")


class Forward(Protocol):
    """What turns a batch of tokens into the last hidden states, ``[n_tokens, hidden_dim]``."""

    def __call__(self, batch: TokenBatch) -> Tensor:
        """Run the model."""
        ...


class PaddedForward:
    """A forward pass through a model as it is, over batches of rows of one length."""

    def __init__(self, model: PreTrainedModel, *, takes_types: bool) -> None:
        """Take a model; `takes_types` says whether it is told the segments of tokens."""
        self._model = model
        self._takes_types = takes_types

    def __call__(self, batch: TokenBatch) -> Tensor:
        """Return the last hidden states: ``[n_tokens, hidden_dim]``."""
        (group,) = batch.groups
        shape = (group.n_rows, group.n_tokens)
        attended = torch.ones_like(batch.ids) if batch.attended is None else batch.attended.long()
        inputs: dict[str, Any] = {
            "input_ids": batch.ids.view(shape),
            "attention_mask": attended.view(shape),
        }
        if self._takes_types:
            inputs["token_type_ids"] = batch.type_ids.view(shape)
        states: Tensor = self._model(**inputs).last_hidden_state
        return states.flatten(0, 1)


def choose_forward(model: PreTrainedModel, *, has_types: bool) -> tuple[Forward, bool]:
    """Return how a model is run, and whether its batches have to be padded.

    Args:
        model: the model, on its device and in its type.
        has_types: whether the checkpoint's tokenizer tells segments apart.
    """
    takes_types = has_types and "token_type_ids" in inspect.signature(model.forward).parameters
    if not runs_without_padding(model):
        return PaddedForward(model, takes_types=takes_types), True
    rewrite = REWRITTEN.get(type(model).__name__)
    if rewrite is not None:
        return rewrite(model), False
    return HostedForward(model, takes_types=takes_types), False


def runs_without_padding(model: PreTrainedModel) -> bool:
    """Return whether a model is of a class on the list, set up as that class usually is."""
    kind = type(model)
    if not kind.__module__.startswith("transformers.models.") or model.device.type not in _DEVICES:
        return False
    if getattr(model.config, "is_decoder", False) or getattr(
        model.config, "add_cross_attention", False
    ):
        return False
    rope: Any = getattr(model.config, "rope_parameters", None)
    if _has_changing_frequencies(rope):
        return False
    return kind.__name__ in REWRITTEN or kind.__name__ in HOSTED


def _has_changing_frequencies(rope: Any) -> bool:
    """Return whether rotary frequencies depend on the longest position of a call."""
    if not isinstance(rope, Mapping):
        return False
    kinds = [rope, *(part for part in rope.values() if isinstance(part, Mapping))]
    return any(part.get("rope_type") in ("dynamic", "longrope") for part in kinds)
