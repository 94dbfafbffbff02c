"""Networks on torch and transformers."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from holotype.encoders.backbone import Backbone
from holotype.encoders.batching import Batch, Row, batches
from holotype.encoders.layers import Layer, Linear, Pool, load_layers, returned_vectors
from holotype.encoders.modules import LayerSpec
from holotype.encoders.network import Output
from holotype.encoders.packed_backbone import PackedBackbone
from holotype.encoders.packing import PackedBatch, packed
from holotype.encoders.tokenization import TextTokenizer
from holotype.errors import ClosedEncoderError

_Parts: TypeAlias = tuple[Backbone | PackedBackbone, tuple[Layer, ...]]

# Enough for multiplications to run at their full rate; more only takes memory.
_TOKENS_AT_ONCE = {"cpu": 4096, "cuda": 32_768}


class TorchNetwork:
    """A `Network` whose transformer is one of transformers'."""

    def __init__(
        self,
        backbone: Backbone | PackedBackbone,
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
        self._parts: _Parts | None = (backbone, loaded)
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
        if isinstance(backbone, PackedBackbone):
            yield from self._run_packed(backbone, layers, rows, batch_size)
            return
        for positions, batch in batches(rows, batch_size, pad_id=backbone.tokenizer.pad_id):
            yield positions, self._padded_vectors(backbone, layers, batch), batch.counted

    def _run_packed(
        self,
        backbone: PackedBackbone,
        layers: Sequence[Layer],
        rows: Sequence[Row],
        batch_size: int | None,
    ) -> Iterator[Output]:
        """Yield the rows of one length together."""
        pools = any(isinstance(layer, Pool) for layer in layers)
        max_tokens = _TOKENS_AT_ONCE[self._device.type]
        pad_id = backbone.tokenizer.pad_id
        for batch in packed(rows, max_rows=batch_size, max_tokens=max_tokens, pad_id=pad_id):
            vectors = self._packed_vectors(backbone, layers, batch)
            n_seen = 0
            for group in batch.groups:
                chosen = slice(n_seen, n_seen + group.n_rows)
                n_seen += group.n_rows
                found = vectors[chosen] if pools else vectors[group.span].reshape(*group.shape, -1)
                counted = batch.counted[group.span].reshape(group.shape)
                yield batch.indices[chosen], found, counted

    def close(self) -> None:
        """Let go of the weights; see `Network.close`."""
        self._parts = None
        gc.collect()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        elif self._device.type == "mps":
            torch.mps.empty_cache()

    def _open(self) -> _Parts:
        if self._parts is None:
            raise ClosedEncoderError
        return self._parts

    @torch.inference_mode()
    def _padded_vectors(
        self, backbone: Backbone, layers: Sequence[Layer], batch: Batch
    ) -> NDArray[np.float32]:
        states = backbone.token_vectors(batch)
        counted = backbone.place(batch.counted)
        for layer in layers:
            states = layer(states, counted)
        return self._returned(states)

    @torch.inference_mode()
    def _packed_vectors(
        self, backbone: PackedBackbone, layers: Sequence[Layer], batch: PackedBatch
    ) -> NDArray[np.float32]:
        return self._returned(backbone.vectors(batch, layers))

    def _returned(self, vectors: Tensor) -> NDArray[np.float32]:
        returned = returned_vectors(vectors, dim=self._dim, normalized=self._normalized)
        found: NDArray[np.float32] = returned.cpu().numpy()
        return found
