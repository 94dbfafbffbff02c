"""A transformer that reads rows without padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import torch
from torch import Tensor

from holotype.encoders.inputs.rows import Row
from holotype.encoders.inputs.tokenizer import TextTokenizer
from holotype.encoders.kernels import kernels
from holotype.encoders.running.packing import PackedBatch, pack
from holotype.encoders.torch_backend.attention import TokenBatch
from holotype.encoders.torch_backend.row_counts import LARGEST, RowCounts

# Where attention was compared; elsewhere batches are padded.
PACKING_DEVICES = ("cpu", "cuda")
# Enough for multiplications to run at their full rate; more only takes memory.
_TOKENS_AT_ONCE = {"cpu": LARGEST, "cuda": 32_768}


class Forward(Protocol):
    """What turns a batch of tokens into the last hidden states, ``[n_tokens, hidden_dim]``."""

    def __call__(self, batch: TokenBatch) -> Tensor:
        """Run the model."""
        ...


class PackedBackbone:
    """A `Transformer` that needs no padding.

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
        counts: RowCounts | None,
        memory_bytes: int,
    ) -> None:
        """Take a forward pass, whose weights nobody else needs.

        Args:
            tokenizer: the checkpoint's tokenizer.
            forward: the forward pass.
            device: where the weights are.
            dtype: the type of the weights and of the arithmetic.
            counts: the numbers of rows that maps run with; None where any number will do.
            memory_bytes: how many bytes the weights take on the device.
        """
        self.tokenizer = tokenizer
        self.device = device
        self.dtype = dtype
        self.memory_bytes = memory_bytes
        self._forward = forward
        self._has_types = "token_type_ids" in tokenizer.input_names
        self._counts = counts
        self._kernels = kernels() if device.type == "cpu" else None

    def batches(self, rows: Sequence[Row], batch_size: int | None) -> Iterator[PackedBatch]:
        """Yield batches without padding; see `Transformer.batches`."""
        max_tokens = _TOKENS_AT_ONCE[self.device.type]
        pad_id = self.tokenizer.pad_id
        return pack(rows, max_rows=batch_size, max_tokens=max_tokens, pad_id=pad_id)

    @torch.inference_mode()
    def token_vectors(self, batch: PackedBatch) -> Tensor:
        """Return the last hidden states; see `Transformer.token_vectors`."""
        n_tokens = len(batch.ids)
        pieces = self._counts.pieces(n_tokens) if self._counts else (n_tokens,)
        tokens = TokenBatch.place(
            batch,
            self.device,
            with_types=self._has_types,
            pieces=pieces,
            kernels=self._kernels,
        )
        return self._forward(tokens)[:n_tokens]
