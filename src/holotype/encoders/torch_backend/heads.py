"""Heads for classification, apart from the transformers below them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from holotype.encoders.inputs.rows import Row
from holotype.encoders.running.network import Output
from holotype.encoders.running.packing import PackedBatch, pack_padded
from holotype.encoders.torch_backend.backbone import Backbone
from holotype.encoders.torch_backend.buckets import buckets
from holotype.encoders.torch_backend.layers import mean
from holotype.encoders.torch_backend.transfers import Fetched, Started, fetch, send


class ClassificationHead:
    """A `Head` that returns logits, ``[n_rows, n_labels]``, in place of vectors.

    Attributes:
        memory_bytes: how many bytes the weights take on the device.
    """

    def __init__(
        self,
        reads: Reads,
        module: Callable[[Tensor], Tensor],
        *,
        memory_bytes: int,
        pad_id: int | None,
    ) -> None:
        """Take the layers of a head.

        Args:
            reads: what they read of a row.
            module: maps ``[n_rows, 1, width]`` to logits.
            memory_bytes: how many bytes its weights take.
            pad_id: the id by which a head that reads the last token knows padding, wherever it
                stands; None where it knows none.
        """
        self.memory_bytes = memory_bytes
        self._reads = reads
        self._module = module
        self._pad_id = pad_id

    def outputs(self, vectors: Tensor, batch: PackedBatch) -> Iterator[Started]:
        """Yield the logits of all rows; see `Head.outputs`."""
        yield batch.indices, self._logits(vectors, batch), batch.counted_by_row()

    @torch.inference_mode()
    def _logits(self, vectors: Tensor, batch: PackedBatch) -> Fetched:
        read = self._read(vectors, batch)
        logits: Tensor = self._module(read[:, None])
        return fetch(logits.reshape(len(read), -1).float())

    def _read(self, vectors: Tensor, batch: PackedBatch) -> Tensor:
        """Return what is read: ``[n_rows, width]``."""
        if self._reads == "mean":
            return _means(vectors, batch)
        starts = np.cumsum(batch.lengths) - batch.lengths
        if self._reads == "last":
            starts += _last_tokens(batch, self._pad_id)
        return vectors[send(starts, vectors.device)]


def _means(vectors: Tensor, batch: PackedBatch) -> Tensor:
    attended = send(batch.attended, vectors.device)
    found = buckets(batch.groups, vectors.device)
    means = [mean(each.pad(vectors), each.pad(attended)) for each in found]
    return torch.cat(means).to(vectors.dtype)


def _last_tokens(batch: PackedBatch, pad_id: int | None) -> NDArray[np.int64]:
    """Return the position of the last token that is no padding in every row; 0 for none."""
    if pad_id is None:
        return batch.lengths - 1
    real = np.where(batch.ids == pad_id, 0, batch.positions)
    found = [real[group.span].reshape(group.shape).max(axis=1) for group in batch.groups]
    return np.concatenate(found)


Reads: TypeAlias = Literal["first", "mean", "last"]
"""What a head reads of a row: its first token, the mean of those that are attended, or the last
token that is no padding."""


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
            alone = self._pad_id is None or self._backbone.mixes_padding
            max_rows = 1 if alone else batch_size
            for batch in pack_padded(part, max_rows=max_rows, pad_id=self._pad_id or 0):
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
