"""A network that is a table of token vectors, in NumPy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.running.network import Output
from holotype.encoders.static.table import StaticTable
from holotype.encoders.tokens.batching import Row
from holotype.encoders.tokens.static_tokenizer import StaticTokenizer
from holotype.errors import ClosedEncoderError

_ROWS_AT_ONCE = 1024


class StaticNetwork:
    """A `Network` that looks tokens up in a table and takes the mean."""

    def __init__(
        self, tokenizer: StaticTokenizer, table: StaticTable, *, dim: int, normalized: bool
    ) -> None:
        """Take a table and its tokenizer.

        Args:
            tokenizer: makes the ids of the table.
            table: the vectors of tokens.
            dim: how many dimensions to return.
            normalized: whether vectors have length 1.
        """
        self._parts: tuple[StaticTokenizer, StaticTable] | None = (tokenizer, table)
        self._dim = dim
        self._normalized = normalized

    @property
    def tokenizer(self) -> StaticTokenizer:
        """The checkpoint's tokenizer."""
        return self._open()[0]

    @property
    def device(self) -> str:
        """Where it runs: on the CPU."""
        return "cpu"

    @property
    def memory_bytes(self) -> int:
        """How many bytes the table takes."""
        return self._open()[1].memory_bytes

    def run(self, rows: Sequence[Row], batch_size: int | None) -> Iterator[Output]:
        """Yield batch by batch, in the order of the rows; see `Network.run`."""
        table, step = self._open()[1], batch_size or _ROWS_AT_ONCE
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            means = np.stack([table.mean(np.array(row.ids, dtype=np.int64)) for row in part])
            positions = list(range(start, start + len(part)))
            yield positions, self._returned(means), np.ones((len(part), 1), dtype=np.bool_)

    def close(self) -> None:
        """Let go of the table; see `Network.close`."""
        self._parts = None

    def _open(self) -> tuple[StaticTokenizer, StaticTable]:
        if self._parts is None:
            raise ClosedEncoderError
        return self._parts

    def _returned(self, means: NDArray[np.float32]) -> NDArray[np.float32]:
        vectors = means[:, : self._dim]
        if not self._normalized:
            return vectors
        lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
        unit: NDArray[np.float32] = vectors / np.maximum(lengths, 1e-12)
        return unit
