"""Heads for classification that read one vector for each row."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from holotype.encoders.running.network import Output
from holotype.encoders.running.packing import PackedBatch
from holotype.encoders.torch_backend.attention import rows_of
from holotype.encoders.torch_backend.backbone import weight_bytes
from holotype.encoders.torch_backend.own_heads import Reads
from holotype.encoders.torch_backend.pooling import mean


class ClassificationHead:
    """A `Head` that returns logits, ``[n_rows, n_labels]``, in place of vectors.

    Attributes:
        memory_bytes: how many bytes the weights take on the device.
    """

    def __init__(self, reads: Reads, module: nn.Module, *, pad_id: int | None) -> None:
        """Take the modules of a head.

        Args:
            reads: what they read of a row.
            module: maps ``[n_rows, 1, width]`` to logits.
            pad_id: the id by which a head that reads the last token knows padding, wherever it
                stands; None where it knows none.
        """
        self.memory_bytes = weight_bytes(module)
        self._reads = reads
        self._module = module
        self._pad_id = pad_id

    def outputs(self, vectors: Tensor, batch: PackedBatch) -> Iterator[Output]:
        """Yield the logits of all rows; see `Head.outputs`."""
        yield batch.indices, self._logits(vectors, batch), batch.counted_by_row()

    @torch.inference_mode()
    def _logits(self, vectors: Tensor, batch: PackedBatch) -> NDArray[np.float32]:
        read = self._read(vectors, batch)
        logits: Tensor = self._module(read[:, None])
        found: NDArray[np.float32] = logits.reshape(len(read), -1).float().cpu().numpy()
        return found

    def _read(self, vectors: Tensor, batch: PackedBatch) -> Tensor:
        """Return what is read: ``[n_rows, width]``."""
        if self._reads == "mean":
            return _means(vectors, batch)
        starts = np.cumsum(batch.lengths) - batch.lengths
        if self._reads == "last":
            starts += _last_tokens(batch, self._pad_id)
        return vectors[torch.from_numpy(starts).to(vectors.device)]


def _means(vectors: Tensor, batch: PackedBatch) -> Tensor:
    attended = torch.from_numpy(batch.attended).to(vectors.device)
    found = [mean(rows_of(vectors, group), rows_of(attended, group)) for group in batch.groups]
    return torch.cat(found).to(vectors.dtype)


def _last_tokens(batch: PackedBatch, pad_id: int | None) -> NDArray[np.int64]:
    """Return the position of the last token that is no padding in every row; 0 for none."""
    if pad_id is None:
        return batch.lengths - 1
    real = np.where(batch.ids == pad_id, 0, batch.positions)
    found = [real[group.span].reshape(group.shape).max(axis=1) for group in batch.groups]
    return np.concatenate(found)
