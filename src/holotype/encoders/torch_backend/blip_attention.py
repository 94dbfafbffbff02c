"""BLIP's attention to pictures, without a matrix of all pairs of patches in memory."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel
from transformers.models.blip.modeling_blip import BlipAttention


class _Attention(nn.Module):
    """The layer of transformers, by torch's own attention: the same vectors."""

    def __init__(self, own: Any) -> None:
        super().__init__()
        self.qkv = own.qkv
        self.projection = own.projection
        self._n_heads: int = own.num_heads

    def forward(self, hidden_states: Tensor, **_options: Any) -> tuple[Tensor, None]:
        n_rows, n_tokens, width = hidden_states.shape
        shape = (n_rows, n_tokens, 3, self._n_heads, width // self._n_heads)
        queries, keys, values = self.qkv(hidden_states).view(shape).permute(2, 0, 3, 1, 4)
        found = functional.scaled_dot_product_attention(queries, keys, values)
        return self.projection(found.transpose(1, 2).reshape(n_rows, n_tokens, width)), None


def replace_attention(model: PreTrainedModel) -> None:
    """Replace the layers of a model, which serves nothing but inference after that."""
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if type(child) is BlipAttention:
                setattr(module, name, _Attention(child))
