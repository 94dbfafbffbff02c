"""One pass through a transformer, and the heads that read what comes out of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import torch
from torch import Tensor

from holotype.encoders.inputs.rows import Row
from holotype.encoders.inputs.tokenizer import TextTokenizer
from holotype.encoders.running.network import Output
from holotype.encoders.running.packing import PackedBatch
from holotype.encoders.torch_backend.transfers import Started


class Transformer(Protocol):
    """A checkpoint's tokenizer and transformer on a device: texts in, token vectors out.

    Several heads may read the vectors of one pass::

        for batch in transformer.batches(rows, batch_size):
            vectors = transformer.token_vectors(batch)
            outputs = [list(head.outputs(vectors, batch)) for head in heads]

    Attributes:
        tokenizer: the checkpoint's tokenizer.
        device: where the weights are.
        dtype: the type of the weights and of the arithmetic.
    """

    tokenizer: TextTokenizer
    device: torch.device
    dtype: torch.dtype

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights take on the device."""
        ...

    def batches(self, rows: Sequence[Row], batch_size: int | None) -> Iterator[PackedBatch]:
        """Yield all rows in batches, longest first, padded where the transformer needs that.

        Args:
            rows: what is run.
            batch_size: how many rows make a batch; None lets the transformer decide, by tokens.
        """
        ...

    def token_vectors(self, batch: PackedBatch) -> Tensor:
        """Return the vectors of all tokens of a batch, padding included: ``[n_tokens, width]``."""
        ...


class Head(Protocol):
    """What turns the token vectors of a batch into what a network returns."""

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights take on the device."""
        ...

    def outputs(self, vectors: Tensor, batch: PackedBatch) -> Iterator[Started]:
        """Yield what becomes of a batch, some rows at a time, as a device works on it.

        Args:
            vectors: the vectors of all tokens, ``[n_tokens, width]``; they are left as they are.
            batch: the tokens.
        """
        ...


class HeadedTransformer:
    """A transformer and one head."""

    def __init__(self, transformer: Transformer, head: Head) -> None:
        """Combine both, which are on one device."""
        self._transformer = transformer
        self._head = head

    @property
    def device(self) -> torch.device:
        """Where both are."""
        return self._transformer.device

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights take on the device."""
        return self._transformer.memory_bytes + self._head.memory_bytes

    def run(self, rows: Sequence[Row], batch_size: int | None) -> Iterator[Output]:
        """Yield batch by batch, longest rows first; see `Network.run`."""
        ahead: Iterable[Started] = ()
        for batch in self._transformer.batches(rows, batch_size):
            started: Iterable[Started]
            started = self._head.outputs(self._transformer.token_vectors(batch), batch)
            if self.device.type == "cuda":
                # The GPU works on this batch, while the program makes the next one of rows.
                started, ahead = ahead, list(started)
            for positions, found, counted in started:
                yield positions, found(), counted
        for positions, found, counted in ahead:
            yield positions, found(), counted
