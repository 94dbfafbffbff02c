"""A transformer that reads rows without padding, in place of its `Backbone`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from holotype.encoders.attention import TokenBatch, rows_of
from holotype.encoders.layers import Layer, Pool
from holotype.encoders.packing import Group, PackedBatch
from holotype.encoders.tokenization import TextTokenizer

# Where attention was compared; elsewhere batches are padded.
PACKING_DEVICES = ("cpu", "cuda")


class Forward(Protocol):
    """What turns a batch of tokens into the last hidden states, ``[n_tokens, hidden_dim]``."""

    def __call__(self, batch: TokenBatch) -> Tensor:
        """Run the model."""
        ...


class PackedBackbone:
    """What a `Backbone` is, for models that need no padding.

    Attributes:
        tokenizer: the checkpoint's tokenizer.
        device: where the weights are.
        dtype: the type of the weights and of the arithmetic.
        memory_bytes: how many bytes the weights take on the device.
    """

    def __init__(
        self,
        tokenizer: TextTokenizer,
        forward: Forward,
        *,
        device: torch.device,
        dtype: torch.dtype,
        memory_bytes: int,
    ) -> None:
        """Take a forward pass, whose weights nobody else needs."""
        self.tokenizer = tokenizer
        self.device = device
        self.dtype = dtype
        self.memory_bytes = memory_bytes
        self._forward = forward
        self._has_types = "token_type_ids" in tokenizer.input_names

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


def _pool_rows(pool: Pool, vectors: Tensor, counted: Tensor, groups: Sequence[Group]) -> Tensor:
    return torch.cat([pool(rows_of(vectors, group), rows_of(counted, group)) for group in groups])
