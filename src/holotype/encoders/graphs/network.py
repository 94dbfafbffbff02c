"""Networks whose transformer is a graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.arrays.layers import (
    ArrayLayer,
    ArrayLayerNorm,
    ArrayLinear,
    returned_arrays,
)
from holotype.encoders.arrays.tensors import Array
from holotype.encoders.graphs.graph import (
    ATTENDED,
    IDS,
    PICTURE_FEATURES,
    PIXELS,
    TYPE_IDS,
    Graph,
)
from holotype.encoders.inputs.rows import Batch, PictureRow, Row, batches, picture_batches
from holotype.encoders.inputs.tokenizer import TextTokenizer
from holotype.encoders.running.network import Output
from holotype.errors import ClosedEncoderError

if TYPE_CHECKING:
    from holotype.encoders.arrays.words import ArrayHead


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
            {
                name: array.astype(kinds[name], copy=False)
                for name, array in inputs.items()
                # Networks that attend to padding are told of none.
                if name in kinds
            },
        )


class GraphHead(Protocol):
    """What turns the output of a graph into what a network returns."""

    @property
    def memory_bytes(self) -> int:
        """The bytes that its weights take."""
        ...

    def outputs(self, positions: list[int], states: Array, batch: Batch) -> Iterator[Output]:
        """Yield the results of a batch, some rows at a time.

        Args:
            positions: the positions of the batch's rows.
            states: the graph's output, its first axis that of the rows.
            batch: the tokens.
        """
        ...


class LayersGraphHead:
    """A `GraphHead` that runs layers, and returns vectors."""

    def __init__(self, layers: Sequence[ArrayLayer], *, dim: int, normalized: bool) -> None:
        """Take the layers.

        Args:
            layers: what follows the graph; empty if its output is returned.
            dim: the number of dimensions to return.
            normalized: whether vectors have length 1, also after truncation to fewer dimensions.
        """
        self._layers = tuple(layers)
        self._dim = dim
        self._normalized = normalized

    @property
    def memory_bytes(self) -> int:
        """The bytes that its weights take."""
        weighted = (
            layer for layer in self._layers if isinstance(layer, ArrayLinear | ArrayLayerNorm)
        )
        return sum(layer.memory_bytes for layer in weighted)

    def outputs(self, positions: list[int], states: Array, batch: Batch) -> Iterator[Output]:
        """Yield all rows of a batch at once; see `GraphHead.outputs`."""
        vectors = states
        for layer in self._layers:
            vectors = layer(vectors, batch.counted)
        yield (
            positions,
            returned_arrays(vectors, dim=self._dim, normalized=self._normalized),
            batch.counted,
        )


# So many weights of texts are held at once.
_WEIGHTS_AT_ONCE = 8_000_000


class WordsGraphHead:
    """A `GraphHead` that returns the weights of all words, ``[n_rows, dim]``."""

    def __init__(self, head: ArrayHead) -> None:
        """Take what weighs words."""
        self._head = head

    @property
    def memory_bytes(self) -> int:
        """The bytes that its weights take."""
        return self._head.memory_bytes

    def outputs(self, positions: list[int], states: Array, batch: Batch) -> Iterator[Output]:
        """Yield as many rows at a time as bounded memory allows; see `GraphHead.outputs`."""
        step = max(1, _WEIGHTS_AT_ONCE // self._head.dim)
        for first in range(0, len(positions), step):
            part = slice(first, first + step)
            counted = batch.counted[part]
            lengths = counted.sum(axis=1).tolist()
            weights = self._head.weigh(states[part][counted], batch.ids[part][counted], lengths)
            yield positions[part], weights, counted


class GraphPictures:
    """A network for pictures that is a graph."""

    def __init__(self, graph: Graph, *, dim: int, normalized: bool) -> None:
        """Take a graph that has been opened.

        Args:
            graph: the graph.
            dim: the number of dimensions to return.
            normalized: whether vectors have length 1, also after truncation to fewer dimensions.
        """
        self._graph: Graph | None = graph
        self._device = graph.device
        self._dim = dim
        self._normalized = normalized

    @property
    def device(self) -> str:
        """Where it runs."""
        return self._device

    @property
    def memory_bytes(self) -> int:
        """The bytes that the weights take, as the files store them."""
        return self._open().memory_bytes

    def run(self, rows: Sequence[PictureRow], batch_size: int | None) -> Iterator[Output]:
        """Yield batch by batch; see `Network.run`."""
        graph = self._open()
        for positions, batch in picture_batches(rows, batch_size):
            pixels = batch[PIXELS].astype(graph.inputs[PIXELS], copy=False)
            found = graph.run(PICTURE_FEATURES, {PIXELS: pixels})
            vectors = returned_arrays(found, dim=self._dim, normalized=self._normalized)
            yield positions, vectors, np.ones((len(positions), 1), dtype=np.bool_)

    def close(self) -> None:
        """Release the weights; see `Network.close`."""
        self._graph = None

    def _open(self) -> Graph:
        if self._graph is None:
            raise ClosedEncoderError
        return self._graph


class GraphNetwork:
    """A `Network` whose transformer is a graph, with one head."""

    def __init__(
        self, backbone: GraphBackbone, head: GraphHead, *, one_by_one: bool = False
    ) -> None:
        """Take parts that have been loaded.

        Args:
            backbone: the transformer.
            head: what follows its output.
            one_by_one: whether the output is so wide that it is made for one text at a time.
        """
        self._parts: tuple[GraphBackbone, GraphHead] | None = (backbone, head)
        self._device = backbone.device
        self._one_by_one = one_by_one

    @property
    def device(self) -> str:
        """Where it runs."""
        return self._device

    @property
    def memory_bytes(self) -> int:
        """The bytes that the weights take, as the files store them."""
        backbone, head = self._open()
        return backbone.memory_bytes + head.memory_bytes

    def run(self, rows: Sequence[Row], batch_size: int | None) -> Iterator[Output]:
        """Yield batch by batch, longest rows first; see `Network.run`."""
        # A run that began before the network was closed ends with what is held here.
        backbone, head = self._open()
        size = 1 if self._one_by_one else batch_size
        for positions, batch in batches(rows, size, pad_id=backbone.pad_id):
            yield from head.outputs(positions, backbone.run(batch), batch)

    def close(self) -> None:
        """Release the weights; see `Network.close`."""
        self._parts = None

    def _open(self) -> tuple[GraphBackbone, GraphHead]:
        if self._parts is None:
            raise ClosedEncoderError
        return self._parts
