"""A transformer that reads rows without padding, in place of its `Backbone`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from holotype.encoders.attention import TokenBatch
from holotype.encoders.backbone import Backbone
from holotype.encoders.forwards import Forward, packed_forward
from holotype.encoders.layers import Layer, Pool
from holotype.encoders.packing import Group, PackedBatch


class PackedBackbone:
    """What a `Backbone` is, for models that need no padding.

    Attributes:
        tokenizer: the checkpoint's tokenizer.
        device: where the weights are.
        memory_bytes: how many bytes the weights take on the device.
    """

    def __init__(self, backbone: Backbone, forward: Forward, memory_bytes: int) -> None:
        """Take over from a backbone, whose weights `forward` has; see `without_padding`."""
        self.tokenizer = backbone.tokenizer
        self.device = backbone.device
        self.memory_bytes = memory_bytes
        self._forward = forward
        self._has_types = "token_type_ids" in backbone.tokenizer.input_names

    def vectors(self, batch: PackedBatch, layers: Sequence[Layer]) -> Tensor:
        """Run the transformer and the layers after it.

        Returns:
            ``[n_rows, dim]`` where a layer pools, ``[n_tokens, dim]`` where none does.
        """
        placed = TokenBatch.place(batch, self.device, with_types=self._has_types)
        vectors = self._forward(placed)
        counted = torch.from_numpy(batch.counted).to(self.device)
        for layer in layers:
            # All layers but those that pool map vectors one by one.
            if isinstance(layer, Pool):
                vectors = _pool_rows(layer, vectors, counted, batch.groups)
            else:
                vectors = layer(vectors, counted)
        return vectors


def without_padding(backbone: Backbone) -> PackedBackbone | None:
    """Return what runs a backbone's model without padding, or None where it needs padding."""
    has_types = "token_type_ids" in backbone.tokenizer.input_names
    memory_bytes = backbone.memory_bytes
    with torch.inference_mode():
        forward = packed_forward(backbone.model, has_types=has_types)
    return None if forward is None else PackedBackbone(backbone, forward, memory_bytes)


def _pool_rows(pool: Pool, vectors: Tensor, counted: Tensor, groups: Sequence[Group]) -> Tensor:
    pooled = [
        pool(
            vectors[group.span].unflatten(0, group.shape),
            counted[group.span].unflatten(0, group.shape),
        )
        for group in groups
    ]
    return torch.cat(pooled)
