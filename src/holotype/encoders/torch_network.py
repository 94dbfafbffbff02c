"""Networks on torch and transformers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from holotype.encoders.backbone import Backbone
from holotype.encoders.batching import Batch, Row, batches
from holotype.encoders.layers import load_layers, returned_vectors
from holotype.encoders.modules import LayerSpec
from holotype.encoders.tokenization import TextTokenizer


class TorchNetwork:
    """A `Network` whose transformer is one of transformers'."""

    def __init__(
        self,
        backbone: Backbone,
        layers: Sequence[LayerSpec],
        *,
        dim: int,
        normalized: bool,
        projection: Mapping[str, Tensor] | None = None,
    ) -> None:
        """Load the layers after the transformer.

        Args:
            backbone: the tokenizer and the transformer.
            layers: what the layers are.
            dim: how many dimensions to return.
            normalized: whether vectors have length 1, also those that are cut to fewer dimensions.
            projection: the tensors of a linear layer that has no folder of its own.
        """
        self._backbone = backbone
        self._layers = load_layers(
            layers, device=backbone.device, dtype=backbone.dtype, projection=projection
        )
        self._dim = dim
        self._normalized = normalized

    @property
    def tokenizer(self) -> TextTokenizer:
        """The checkpoint's tokenizer."""
        return self._backbone.tokenizer

    @property
    def device(self) -> str:
        """Where it runs, as torch names it."""
        return str(self._backbone.device)

    def run(
        self, rows: Sequence[Row], batch_size: int
    ) -> Iterator[tuple[list[int], NDArray[np.float32], NDArray[np.bool_]]]:
        """Yield batch by batch, longest rows first; see `Network.run`."""
        for positions, batch in batches(rows, batch_size, pad_id=self.tokenizer.pad_id):
            yield positions, self._vectors(batch), batch.counted

    @torch.inference_mode()
    def _vectors(self, batch: Batch) -> NDArray[np.float32]:
        states = self._backbone.token_vectors(batch)
        counted = self._backbone.place(batch.counted)
        for layer in self._layers:
            states = layer(states, counted)
        returned = returned_vectors(states, dim=self._dim, normalized=self._normalized)
        vectors: NDArray[np.float32] = returned.cpu().numpy()
        return vectors
