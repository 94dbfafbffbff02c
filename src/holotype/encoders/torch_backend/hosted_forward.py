"""Models of transformers, run over batches without padding.

The model's own modules run, as over one long text, with positions that begin again at every row.
Only two things are put in their place: attention, through transformers' interface for that, so that
tokens see their own row alone, and the linear layers, by the same maps that are faster.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedModel

from holotype.encoders.torch_backend.attention import TokenBatch, attend
from holotype.encoders.torch_backend.linear_map import linear_map, one_dnn_multiplies

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
    """A linear layer by a faster map."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self._map = linear_map(layer.weight, layer.bias)

    def forward(self, vectors: Tensor) -> Tensor:
        return self._map(vectors)


def replace_linears(model: nn.Module) -> None:
    """Let the linear layers within a module run by the same maps that are faster."""
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if type(child) is nn.Linear and one_dnn_multiplies(
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
    **_options: Any,
) -> tuple[Tensor, None]:
    """Attend as `AttentionInterface` wants it: ``[1, n_heads, n_tokens, head_dim]`` each."""
    query, key, value = (one[0].transpose(0, 1) for one in (query, key, value))
    found = attend(
        query,
        key,
        value,
        rows,
        scale=scaling,
        causal=bool(getattr(module, "is_causal", False)),
        window=sliding_window,
    )
    return found.view(1, len(query), query.shape[1], -1), None


AttentionInterface.register(_NAME, _attend_in_rows)
