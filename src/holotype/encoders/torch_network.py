"""Networks on torch and transformers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from holotype.encoders.backbone import Backbone
from holotype.encoders.batching import Batch, Row, batches
from holotype.encoders.layers import load_layers, pool_rows, returned_vectors
from holotype.encoders.modules import LayerSpec
from holotype.encoders.tokenization import TextTokenizer

# Enough for the multiplications to run at their full rate; more only takes memory.
_TOKENS_AT_ONCE = {"cpu": 4096, "cuda": 32_768, "mps": 8192}


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
        self._token_layers, self._pool, self._row_layers = load_layers(
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
        self, rows: Sequence[Row], batch_size: int | None
    ) -> Iterator[tuple[list[int], NDArray[np.float32], NDArray[np.bool_]]]:
        """Yield groups of rows of one length, longest rows first; see `Network.run`."""
        for batch in batches(
            rows,
            max_rows=batch_size,
            max_tokens=_TOKENS_AT_ONCE[self._backbone.device.type],
            pad_id=self.tokenizer.pad_id,
            padded=self._backbone.padded,
        ):
            vectors = self._vectors(batch)
            n_seen = 0
            for group in batch.groups:
                chosen = slice(n_seen, n_seen + group.n_rows)
                n_seen += group.n_rows
                shape = (group.n_rows, group.n_tokens)
                found = vectors[chosen] if self._pool else vectors[group.span].reshape(*shape, -1)
                yield batch.indices[chosen], found, batch.counted[group.span].reshape(shape)

    @torch.inference_mode()
    def _vectors(self, batch: Batch) -> NDArray[np.float32]:
        """Return a vector for each row where a layer pools, and for each token where none does."""
        states = self._backbone.token_vectors(batch)
        for layer in self._token_layers:
            states = layer(states)
        if self._pool is not None:
            counted = self._backbone.place(batch.counted)
            states = pool_rows(self._pool, states, counted, batch.groups)
        for layer in self._row_layers:
            states = layer(states)
        returned = returned_vectors(states, dim=self._dim, normalized=self._normalized)
        vectors: NDArray[np.float32] = returned.cpu().numpy()
        return vectors
