"""Networks whose transformer has a head of its own that gives logits."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from holotype.encoders.backbone import Backbone
from holotype.encoders.batching import Batch, Row, batches
from holotype.encoders.network import Output
from holotype.encoders.tokenization import TextTokenizer
from holotype.errors import ClosedEncoderError


class HeadNetwork:
    """A `Network` that returns logits, ``[n_rows, n_labels]``, in place of vectors."""

    def __init__(self, backbone: Backbone, *, pad_id: int | None, end_id: int | None) -> None:
        """Take a transformer with its head.

        Args:
            backbone: the tokenizer and the transformer.
            pad_id: the id by which the head knows padding; None where it knows none, so that every
                row is run on its own.
            end_id: the token whose last occurrence the head reads, which therefore must occur
                equally often in all rows of a batch; None where the head reads another one.
        """
        self._opened: Backbone | None = backbone
        self._device = backbone.device
        self._pad_id = pad_id
        self._end_id = end_id

    @property
    def tokenizer(self) -> TextTokenizer:
        """The checkpoint's tokenizer."""
        return self._backbone().tokenizer

    @property
    def device(self) -> str:
        """Where it runs, as torch names it."""
        return str(self._device)

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights take on the device."""
        return self._backbone().memory_bytes

    def run(self, rows: Sequence[Row], batch_size: int | None) -> Iterator[Output]:
        """Yield batch by batch, longest rows first; see `Network.run`."""
        backbone = self._backbone()
        if self._pad_id is None:
            batch_size = 1
        for group in self._groups(rows):
            part = [rows[at] for at in group]
            for positions, batch in batches(part, batch_size, pad_id=self._pad_id or 0):
                yield [group[at] for at in positions], _logits(backbone, batch), batch.counted

    def close(self) -> None:
        """Let go of the weights; see `Network.close`."""
        self._opened = None
        gc.collect()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        elif self._device.type == "mps":
            torch.mps.empty_cache()

    def _groups(self, rows: Sequence[Row]) -> list[list[int]]:
        if self._end_id is None:
            return [list(range(len(rows)))]
        groups: dict[int, list[int]] = {}
        for at, row in enumerate(rows):
            groups.setdefault(row.ids.count(self._end_id), []).append(at)
        return list(groups.values())

    def _backbone(self) -> Backbone:
        if self._opened is None:
            raise ClosedEncoderError
        return self._opened


@torch.inference_mode()
def _logits(backbone: Backbone, batch: Batch) -> NDArray[np.float32]:
    logits: NDArray[np.float32] = backbone.logits(batch).float().cpu().numpy()
    return logits
