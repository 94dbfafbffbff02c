"""Networks that weigh the words of a vocabulary, on an exported graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from holotype.encoders.graph_backends.array_words import ArrayHead
from holotype.encoders.graph_backends.backbone import GraphBackbone
from holotype.encoders.running.network import Output
from holotype.encoders.tokens.batching import Row, batches
from holotype.encoders.tokens.tokenization import TextTokenizer
from holotype.errors import ClosedEncoderError

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
        self._tokenizer = backbone.tokenizer
        self._device = backbone.device
        self._one_by_one = one_by_one

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
