"""What an encoder runs: the contract, whatever library fulfils it.

The encoders themselves know neither torch nor transformers, so that a type checker reads a user's
program in seconds, and other libraries can take torch's place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.inputs.rows import Row
from holotype.encoders.inputs.tokenizer import TextTokenizer

FoundT = TypeVar("FoundT")
FoundT_co = TypeVar("FoundT_co", covariant=True)

OutputOf: TypeAlias = tuple[list[int], FoundT, NDArray[np.bool_]]
"""The positions of a batch's rows, what was found of them, and which tokens count,
``[n_rows, n_tokens]``."""
Output: TypeAlias = OutputOf[NDArray[np.float32]]
"""What was found are vectors: ``[n_rows, dim]`` where a layer pools, and
``[n_rows, n_tokens, dim]`` where none does."""


class Runner(Protocol[FoundT_co]):
    """What turns rows of tokens into results of some sort."""

    def run(
        self, rows: Sequence[Row], batch_size: int | None
    ) -> Iterator[tuple[list[int], FoundT_co, NDArray[np.bool_]]]:
        """Yield batch by batch, in any order of the rows; see `Network.run`."""
        ...


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

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights take on the device."""
        ...

    def run(self, rows: Sequence[Row], batch_size: int | None) -> Iterator[Output]:
        """Yield batch by batch, in any order of the rows.

        Args:
            rows: what is run; not more than a window of them.
            batch_size: how many rows make a batch; None lets the network decide, by tokens.
        """
        ...

    def close(self) -> None:
        """Let go of the weights, and give the device's memory back.

        A run that another thread has begun comes to its end; the next raises a
        `ClosedEncoderError`.
        """
        ...
