"""Networks whose transformer is an exported graph, and whose other layers are NumPy's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.array_layers import ArrayLayer, ArrayLinear, returned_arrays
from holotype.encoders.batching import Batch, Row, batches
from holotype.encoders.graph import ATTENDED, IDS, TYPE_IDS, Graph
from holotype.encoders.network import Output
from holotype.encoders.tokenization import TextTokenizer
from holotype.errors import ClosedEncoderError


class GraphNetwork:
    """A `Network` on an exported graph."""

    def __init__(
        self,
        graph: Graph,
        output: str,
        tokenizer: TextTokenizer,
        layers: Sequence[ArrayLayer],
        *,
        dim: int,
        normalized: bool,
    ) -> None:
        """Take parts that have been loaded.

        Args:
            graph: the transformer.
            output: which of its outputs is taken.
            tokenizer: the checkpoint's tokenizer.
            layers: what follows that output.
            dim: how many dimensions to return.
            normalized: whether vectors have length 1, also those that are cut to fewer dimensions.
        """
        self._parts: tuple[Graph, tuple[ArrayLayer, ...]] | None = (graph, tuple(layers))
        self._output = output
        self._tokenizer = tokenizer
        self._device = graph.device
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
        graph, layers = self._open()
        linears = (layer for layer in layers if isinstance(layer, ArrayLinear))
        return graph.memory_bytes + sum(linear.memory_bytes for linear in linears)

    def run(self, rows: Sequence[Row], batch_size: int | None) -> Iterator[Output]:
        """Yield batch by batch, longest rows first; see `Network.run`."""
        # Whoever began before the network was closed comes to an end with what is held here.
        graph, layers = self._open()
        for positions, batch in batches(rows, batch_size, pad_id=self._tokenizer.pad_id):
            vectors = graph.run(self._output, self._inputs(graph, batch))
            for layer in layers:
                vectors = layer(vectors, batch.counted)
            returned = returned_arrays(vectors, dim=self._dim, normalized=self._normalized)
            yield positions, returned, batch.counted

    def close(self) -> None:
        """Let go of the weights; see `Network.close`."""
        self._parts = None

    def _open(self) -> tuple[Graph, tuple[ArrayLayer, ...]]:
        if self._parts is None:
            raise ClosedEncoderError
        return self._parts

    def _inputs(self, graph: Graph, batch: Batch) -> dict[str, NDArray[np.int64]]:
        inputs = {IDS: batch.ids, ATTENDED: batch.attended.astype(np.int64)}
        if TYPE_IDS in graph.inputs:
            # Where the checkpoint feeds no segments, its transformer takes all for the first.
            known = TYPE_IDS in self._tokenizer.input_names
            inputs[TYPE_IDS] = batch.type_ids if known else np.zeros_like(batch.type_ids)
        return {
            name: array.astype(graph.inputs[name], copy=False) for name, array in inputs.items()
        }
