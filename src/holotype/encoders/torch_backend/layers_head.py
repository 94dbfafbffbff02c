"""The layers of a checkpoint after its transformer: pooling, linear layers, norms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from holotype.encoders.checkpoints.modules import LayerSpec
from holotype.encoders.running.network import Output
from holotype.encoders.running.packing import PackedBatch
from holotype.encoders.torch_backend.attention import rows_of
from holotype.encoders.torch_backend.layers import Linear, Pool, load_layers, returned_vectors
from holotype.encoders.torch_backend.transformer import Transformer


class LayersHead:
    """A `Head` that returns a vector for each row where a layer pools, for each token if not."""

    def __init__(
        self,
        transformer: Transformer,
        layers: Sequence[LayerSpec],
        *,
        dim: int,
        normalized: bool,
        projection: Mapping[str, Tensor] | None = None,
    ) -> None:
        """Load the layers.

        Args:
            transformer: whose vectors they take; it says where and in which type they run.
            layers: what the layers are.
            dim: how many dimensions to return.
            normalized: whether vectors have length 1, also those that are cut to fewer dimensions.
            projection: the tensors of a linear layer that has no folder of its own.
        """
        self._layers = load_layers(
            layers, device=transformer.device, dtype=transformer.dtype, projection=projection
        )
        self._pools = any(isinstance(layer, Pool) for layer in self._layers)
        self._dim = dim
        self._normalized = normalized

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights take on the device."""
        return sum(layer.memory_bytes for layer in self._layers if isinstance(layer, Linear))

    def outputs(self, vectors: Tensor, batch: PackedBatch) -> Iterator[Output]:
        """Yield the rows of a batch: all where a layer pools, else those of one length together."""
        found = self._run(vectors, batch)
        if self._pools:
            yield batch.indices, found, batch.counted_by_row()
            return
        n_seen = 0
        for group in batch.groups:
            indices = batch.indices[n_seen : n_seen + group.n_rows]
            n_seen += group.n_rows
            counted = batch.counted[group.span].reshape(group.shape)
            yield indices, found[group.span].reshape(*group.shape, -1), counted

    @torch.inference_mode()
    def _run(self, vectors: Tensor, batch: PackedBatch) -> NDArray[np.float32]:
        counted = torch.from_numpy(batch.counted).to(vectors.device)
        for layer in self._layers:
            # All layers but those that pool map vectors one by one.
            if isinstance(layer, Pool):
                vectors = _pool_rows(layer, vectors, counted, batch)
            else:
                vectors = layer(vectors, counted)
        returned = returned_vectors(vectors, dim=self._dim, normalized=self._normalized)
        found: NDArray[np.float32] = returned.cpu().numpy()
        return found


def _pool_rows(pool: Pool, vectors: Tensor, counted: Tensor, batch: PackedBatch) -> Tensor:
    return torch.cat(
        [pool(rows_of(vectors, group), rows_of(counted, group)) for group in batch.groups]
    )
