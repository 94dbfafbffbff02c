"""Transformers with a head of their own that is run as transformers has it, over padded rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from holotype.encoders.running.network import Output
from holotype.encoders.running.packing import PackedBatch, padded
from holotype.encoders.tokens.batching import Row
from holotype.encoders.tokens.tokenization import TextTokenizer
from holotype.encoders.torch_backend.backbone import Backbone


class PaddedClassifier:
    """What returns logits, ``[n_rows, n_labels]``, in place of vectors."""

    def __init__(self, backbone: Backbone, *, pad_id: int | None, end_id: int | None) -> None:
        """Take a transformer with its head.

        Args:
            backbone: the tokenizer and the transformer.
            pad_id: the id by which the head knows padding; None where it knows none, so that every
                row is run on its own.
            end_id: the token whose last occurrence the head reads, which therefore must occur
                equally often in all rows of a batch; None where the head reads another one.
        """
        self._backbone = backbone
        self._pad_id = pad_id
        self._end_id = end_id

    @property
    def tokenizer(self) -> TextTokenizer:
        """The checkpoint's tokenizer."""
        return self._backbone.tokenizer

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self._backbone.device

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights take on the device."""
        return self._backbone.memory_bytes

    def run(self, rows: Sequence[Row], batch_size: int | None) -> Iterator[Output]:
        """Yield batch by batch, longest rows first; see `Network.run`."""
        for group in self._groups(rows):
            part = [rows[at] for at in group]
            max_rows = 1 if self._pad_id is None else batch_size
            for batch in padded(part, max_rows=max_rows, pad_id=self._pad_id or 0):
                indices = [group[at] for at in batch.indices]
                yield indices, self._logits(batch), batch.counted_by_row()

    def _groups(self, rows: Sequence[Row]) -> list[list[int]]:
        if self._end_id is None:
            return [list(range(len(rows)))]
        groups: dict[int, list[int]] = {}
        for at, row in enumerate(rows):
            groups.setdefault(row.ids.count(self._end_id), []).append(at)
        return list(groups.values())

    @torch.inference_mode()
    def _logits(self, batch: PackedBatch) -> NDArray[np.float32]:
        logits: NDArray[np.float32] = self._backbone.logits(batch).float().cpu().numpy()
        return logits
