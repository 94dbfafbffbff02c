"""A layer that normalises before attention and before its two maps: for pictures and for T5."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from holotype.encoders.torch_backend.linear_map import LinearMap


@dataclass(frozen=True, slots=True)
class PreNormLayer:
    """The maps and norms of a layer over ``[n_tokens, hidden_dim]``; who runs it attends.

    Attributes:
        attention_norm: what comes before attention.
        query_key_value: the map to queries, keys and values, side by side.
        attended: the map of what attention returns.
        output_norm: what comes before the two maps.
        widen: the first of them, with its activation.
        down: the second.
    """

    attention_norm: Callable[[Tensor], Tensor]
    query_key_value: LinearMap
    attended: LinearMap
    output_norm: Callable[[Tensor], Tensor]
    widen: Callable[[Tensor], Tensor]
    down: LinearMap

    def after_attention(self, vectors: Tensor, attended: Tensor) -> Tensor:
        """Return what the layer returns.

        Args:
            vectors: what it takes.
            attended: what attention returns.
        """
        vectors = self.attended.add_to(vectors, attended)
        return self.down.add_to(vectors, self.widen(self.output_norm(vectors)))
