"""An exported transformer with its tokenizer: batches in, one of its outputs out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.graph_backends.array_tensors import Array
from holotype.encoders.graph_backends.graph import ATTENDED, IDS, TYPE_IDS, Graph
from holotype.encoders.tokens.batching import Batch
from holotype.encoders.tokens.tokenization import TextTokenizer


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
