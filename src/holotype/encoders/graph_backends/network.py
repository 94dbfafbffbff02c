"""Networks whose transformer is an exported graph, and whose other layers are NumPy's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from holotype.encoders.graph_backends.array_layers import (
    ArrayLayer,
    ArrayLayerNorm,
    ArrayLinear,
    returned_arrays,
)
from holotype.encoders.graph_backends.backbone import GraphBackbone
from holotype.encoders.running.network import Output
from holotype.encoders.tokens.batching import Row, batches
from holotype.encoders.tokens.tokenization import TextTokenizer
from holotype.errors import ClosedEncoderError


class GraphNetwork:
    """A `Network` on an exported graph."""

    def __init__(
        self,
        backbone: GraphBackbone,
        layers: Sequence[ArrayLayer],
        *,
        dim: int,
        normalized: bool,
    ) -> None:
        """Take parts that have been loaded.

        Args:
            backbone: the transformer.
            layers: what follows its output; none where that is what is returned.
            dim: how many dimensions to return.
            normalized: whether vectors have length 1, also those that are cut to fewer dimensions.
        """
        self._parts: tuple[GraphBackbone, tuple[ArrayLayer, ...]] | None = backbone, tuple(layers)
        self._tokenizer = backbone.tokenizer
        self._device = backbone.device
        self._dim = dim
        self._normalized = normalized

    @property
    def tokenizer(self) -> TextTokenizer:
        """The checkpoint's tokenizer."""
        return self._tokenizer

    @property
    def device(self) -> str:
        """Where it runs."""
        return self._device

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights take, as the files store them."""
        backbone, layers = self._open()
        weighted = (layer for layer in layers if isinstance(layer, ArrayLinear | ArrayLayerNorm))
        return backbone.memory_bytes + sum(layer.memory_bytes for layer in weighted)

    def run(self, rows: Sequence[Row], batch_size: int | None) -> Iterator[Output]:
        """Yield batch by batch, longest rows first; see `Network.run`."""
        # Whoever began before the network was closed comes to an end with what is held here.
        backbone, layers = self._open()
        for positions, batch in batches(rows, batch_size, pad_id=backbone.pad_id):
            vectors = backbone.run(batch)
            for layer in layers:
                vectors = layer(vectors, batch.counted)
            returned = returned_arrays(vectors, dim=self._dim, normalized=self._normalized)
            yield positions, returned, batch.counted

    def close(self) -> None:
        """Let go of the weights; see `Network.close`."""
        self._parts = None

    def _open(self) -> tuple[GraphBackbone, tuple[ArrayLayer, ...]]:
        if self._parts is None:
            raise ClosedEncoderError
        return self._parts
