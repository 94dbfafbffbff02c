"""Networks whose transformer is a graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.arrays.layers import (
    ArrayLayer,
    ArrayLayerNorm,
    ArrayLinear,
    returned_arrays,
)
from holotype.encoders.arrays.tensors import Array
from holotype.encoders.arrays.words import ArrayHead
from holotype.encoders.graphs.graph import ATTENDED, IDS, TYPE_IDS, Graph
from holotype.encoders.inputs.rows import Batch, Row, batches
from holotype.encoders.inputs.tokenizer import TextTokenizer
from holotype.encoders.running.network import Output
from holotype.errors import ClosedEncoderError


class GraphBackbone:
    """What every encoder on a graph runs first.

    Attributes:
        graph: the transformer.
        output: which of its outputs is taken.
        tokenizer: the checkpoint's tokenizer.
        pad_id: the id of padding.
    """

    def __init__(
        self, graph: Graph, output: str, tokenizer: TextTokenizer, *, pad_id: int | None = None
    ) -> None:
        """Take parts that have been loaded.

        Args:
            graph: the transformer.
            output: which of its outputs is taken.
            tokenizer: the checkpoint's tokenizer.
            pad_id: the id of padding; None means the tokenizer's.
        """
        self.graph = graph
        self.output = output
        self.tokenizer = tokenizer
        self.pad_id = tokenizer.pad_id if pad_id is None else pad_id

    @property
    def device(self) -> str:
        """Where it runs."""
        return self.graph.device

    @property
    def memory_bytes(self) -> int:
        """How many bytes its weights take, as the files store them."""
        return self.graph.memory_bytes

    def run(self, batch: Batch) -> Array:
        """Return the output for a batch: float32, its first axis that of the rows."""
        inputs: dict[str, NDArray[np.int64]] = {
            IDS: batch.ids,
            ATTENDED: batch.attended.astype(np.int64),
        }
        if TYPE_IDS in self.graph.inputs:
            # Where the checkpoint feeds no segments, its transformer takes all for the first.
            known = TYPE_IDS in self.tokenizer.input_names
            inputs[TYPE_IDS] = batch.type_ids if known else np.zeros_like(batch.type_ids)
        kinds = self.graph.inputs
        return self.graph.run(
            self.output,
            {name: array.astype(kinds[name], copy=False) for name, array in inputs.items()},
        )


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
        self._device = backbone.device
        self._dim = dim
        self._normalized = normalized

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


# So many weights of texts are held at once.
_WEIGHTS_AT_ONCE = 8_000_000


class GraphSparseNetwork:
    """A `Network` that returns the weights of all words, ``[n_rows, dim]``, in place of vectors."""

    def __init__(self, backbone: GraphBackbone, head: ArrayHead, *, one_by_one: bool) -> None:
        """Take parts that have been loaded.

        Args:
            backbone: the transformer.
            head: what follows its output.
            one_by_one: whether the output is so wide that it is made for one text at a time.
        """
        self._parts: tuple[GraphBackbone, ArrayHead] | None = (backbone, head)
        self._device = backbone.device
        self._one_by_one = one_by_one

    @property
    def device(self) -> str:
        """Where it runs."""
        return self._device

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights take, as the files store them."""
        backbone, head = self._open()
        return backbone.memory_bytes + head.memory_bytes

    def run(self, rows: Sequence[Row], batch_size: int | None) -> Iterator[Output]:
        """Yield some texts at a time, longest first; see `Network.run`."""
        backbone, head = self._open()
        step = max(1, _WEIGHTS_AT_ONCE // head.dim)
        if self._one_by_one:
            batch_size = 1
        for positions, batch in batches(rows, batch_size, pad_id=backbone.pad_id):
            states = backbone.run(batch)
            for first in range(0, len(positions), step):
                part = slice(first, first + step)
                counted = batch.counted[part]
                lengths = counted.sum(axis=1).tolist()
                weights = head.weigh(states[part][counted], batch.ids[part][counted], lengths)
                yield positions[part], weights, counted

    def close(self) -> None:
        """Let go of the weights; see `Network.close`."""
        self._parts = None

    def _open(self) -> tuple[GraphBackbone, ArrayHead]:
        if self._parts is None:
            raise ClosedEncoderError
        return self._parts
