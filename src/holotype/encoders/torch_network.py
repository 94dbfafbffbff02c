"""Networks on torch and transformers."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from holotype.encoders.backbone import Backbone
from holotype.encoders.batching import Batch, Row, batches
from holotype.encoders.layers import Layer, Linear, load_layers, returned_vectors
from holotype.encoders.modules import LayerSpec
from holotype.encoders.network import Output
from holotype.encoders.tokenization import TextTokenizer
from holotype.errors import ClosedEncoderError


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
        loaded = load_layers(
            layers, device=backbone.device, dtype=backbone.dtype, projection=projection
        )
        self._parts: tuple[Backbone, tuple[Layer, ...]] | None = (backbone, loaded)
        self._dim = dim
        self._normalized = normalized
        self._device = backbone.device

    @property
    def tokenizer(self) -> TextTokenizer:
        """The checkpoint's tokenizer."""
        return self._open()[0].tokenizer

    @property
    def device(self) -> str:
        """Where it runs, as torch names it."""
        return str(self._device)

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights take on the device."""
        backbone, layers = self._open()
        linears = (layer for layer in layers if isinstance(layer, Linear))
        return backbone.memory_bytes + sum(linear.memory_bytes for linear in linears)

    def run(self, rows: Sequence[Row], batch_size: int | None) -> Iterator[Output]:
        """Yield batch by batch, longest rows first; see `Network.run`."""
        # Whoever began before the network was closed comes to an end with what is held here.
        backbone, layers = self._open()
        for positions, batch in batches(rows, batch_size, pad_id=backbone.tokenizer.pad_id):
            yield positions, self._vectors(backbone, layers, batch), batch.counted

    def close(self) -> None:
        """Let go of the weights; see `Network.close`."""
        self._parts = None
        gc.collect()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        elif self._device.type == "mps":
            torch.mps.empty_cache()

    def _open(self) -> tuple[Backbone, tuple[Layer, ...]]:
        if self._parts is None:
            raise ClosedEncoderError
        return self._parts

    @torch.inference_mode()
    def _vectors(
        self, backbone: Backbone, layers: Sequence[Layer], batch: Batch
    ) -> NDArray[np.float32]:
        states = backbone.token_vectors(batch)
        counted = backbone.place(batch.counted)
        for layer in layers:
            states = layer(states, counted)
        returned = returned_vectors(states, dim=self._dim, normalized=self._normalized)
        vectors: NDArray[np.float32] = returned.cpu().numpy()
        return vectors
