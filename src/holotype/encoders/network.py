"""What an encoder runs: the contract, whatever library fulfils it.

The encoders themselves know neither torch nor transformers, so that a type checker reads a user's
program in seconds, and other libraries can take torch's place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.batching import Row
from holotype.encoders.tokenization import TextTokenizer


class Network(Protocol):
    """A transformer and the layers after it, with the tokenizer that it was trained with."""

    @property
    def tokenizer(self) -> TextTokenizer:
        """The checkpoint's tokenizer."""
        ...

    @property
    def device(self) -> str:
        """Where it runs."""
        ...

    def run(
        self, rows: Sequence[Row], batch_size: int | None
    ) -> Iterator[tuple[list[int], NDArray[np.float32], NDArray[np.bool_]]]:
        """Yield group by group, in any order of the rows.

        Args:
            rows: the texts.
            batch_size: how many of them are read at once; None lets the network decide by the
                number of tokens.

        Yields:
            The positions of the group's rows; their vectors, ``[n_rows, dim]`` where a layer pools
            and ``[n_rows, n_tokens, dim]`` where none does; and which tokens count,
            ``[n_rows, n_tokens]``.
        """
        ...
