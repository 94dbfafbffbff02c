"""How the model of a checkpoint is run: the architectures that need no padding, by name.

What is not on the list runs padded, through the model as transformers has it. Nothing is tried and
nothing is guessed from the shape of a model: an architecture is on the list when a test compares it
with sentence-transformers.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Protocol

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


def packed_forward(model: PreTrainedModel, *, has_types: bool) -> Forward | None:
    """Return how a model runs over batches without padding; None where it needs padding.

    Args:
        model: the model, on its device and in its type. What is returned takes it over.
        has_types: whether the checkpoint's tokenizer tells segments apart.
    """
    if not runs_without_padding(model):
        return None
    rewrite = REWRITTEN.get(type(model).__name__)
    if rewrite is not None:
        return rewrite(model)
    parameters = inspect.signature(model.forward).parameters
    return HostedForward(model, takes_types=has_types and "token_type_ids" in parameters)


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
