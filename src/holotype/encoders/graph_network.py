"""Networks whose transformer is an exported graph, and whose other layers are NumPy's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.array_layers import ArrayLayer, returned_arrays
from holotype.encoders.array_tensors import Array
from holotype.encoders.batching import Batch, Row, batches
from holotype.encoders.graph import ATTENDED, IDS, TYPE_IDS, Graph
from holotype.encoders.tokenization import TextTokenizer


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
        self._graph = graph
        self._output = output
        self._tokenizer = tokenizer
        self._layers = tuple(layers)
        self._dim = dim
        self._normalized = normalized

    @property
    def tokenizer(self) -> TextTokenizer:
        """The checkpoint's tokenizer."""
        return self._tokenizer

    @property
    def device(self) -> str:
        """Where it runs."""
        return self._graph.device

    def run(
        self, rows: Sequence[Row], batch_size: int
    ) -> Iterator[tuple[list[int], NDArray[np.float32], NDArray[np.bool_]]]:
        """Yield batch by batch, longest rows first; see `Network.run`."""
        for positions, batch in batches(rows, batch_size, pad_id=self._tokenizer.pad_id):
            yield positions, self._vectors(batch), batch.counted

    def _vectors(self, batch: Batch) -> Array:
        vectors = self._graph.run(self._output, self._inputs(batch))
        for layer in self._layers:
            vectors = layer(vectors, batch.counted)
        return returned_arrays(vectors, dim=self._dim, normalized=self._normalized)

    def _inputs(self, batch: Batch) -> dict[str, NDArray[np.int64]]:
        inputs = {IDS: batch.ids, ATTENDED: batch.attended.astype(np.int64)}
        if TYPE_IDS in self._graph.inputs:
            # Where the checkpoint feeds no segments, its transformer takes all for the first.
            known = TYPE_IDS in self._tokenizer.input_names
            inputs[TYPE_IDS] = batch.type_ids if known else np.zeros_like(batch.type_ids)
        return {
            name: array.astype(self._graph.inputs[name], copy=False)
            for name, array in inputs.items()
        }
