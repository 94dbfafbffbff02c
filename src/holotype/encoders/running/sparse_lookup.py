"""Queries whose tokens' weights are looked up in a table, without a transformer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.running.network import Output
from holotype.encoders.tokens.batching import Row
from holotype.encoders.tokens.tokenization import TextTokenizer
from holotype.errors import ClosedEncoderError

_WEIGHTS_AT_ONCE = 8_000_000


class LookupNetwork:
    """A `Network` that weighs a word by a table if it occurs, however often: ``[n_rows, dim]``."""

    def __init__(self, tokenizer: TextTokenizer, weights: NDArray[np.float32]) -> None:
        """Take a tokenizer and the weights of its tokens.

        Args:
            tokenizer: makes the ids of the table.
            weights: float32 ``[dim]``.
        """
        self._parts: tuple[TextTokenizer, NDArray[np.float32]] | None = (tokenizer, weights)

    @property
    def tokenizer(self) -> TextTokenizer:
        """The tokenizer of queries."""
        return self._open()[0]

    @property
    def device(self) -> str:
        """Where it runs: on the CPU."""
        return "cpu"

    @property
    def memory_bytes(self) -> int:
        """How many bytes the table takes."""
        return self._open()[1].nbytes

    def run(self, rows: Sequence[Row], batch_size: int | None) -> Iterator[Output]:
        """Yield some rows at a time, in their order; see `Network.run`."""
        weights = self._open()[1]
        step = min(batch_size or len(rows), max(1, _WEIGHTS_AT_ONCE // len(weights)))
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            found = np.zeros((len(part), len(weights)), dtype=np.float32)
            for words, row in zip(found, part, strict=True):
                words[row.ids] = weights[row.ids]
            positions = list(range(start, start + len(part)))
            yield positions, found, np.ones((len(part), 1), dtype=np.bool_)

    def close(self) -> None:
        """Let go of the table; see `Network.close`."""
        self._parts = None

    def _open(self) -> tuple[TextTokenizer, NDArray[np.float32]]:
        if self._parts is None:
            raise ClosedEncoderError
        return self._parts
