"""The contract between encoders of several modes and the backend that runs them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.inputs.rows import Row
from holotype.encoders.inputs.tokenizer import TextTokenizer
from holotype.encoders.running.network import OutputOf, Towers

Mode: TypeAlias = Literal["dense", "sparse", "colbert"]
ModeOutput: TypeAlias = OutputOf[tuple[Mode, NDArray[np.float32]]]
"""The output of one mode's head for some rows of a batch."""


@dataclass(frozen=True, slots=True)
class ModesRow:
    """A text as the transformer reads it, and the tokens that count in each mode."""

    row: Row
    counted: Mapping[Mode, list[bool]]

    @property
    def n_tokens(self) -> int:
        """The number of tokens of the text, with special tokens."""
        return self.row.n_tokens


class ModesNetwork(Protocol):
    """A transformer that runs once for all modes; see `Network`."""

    @property
    def device(self) -> str:
        """The device that it runs on."""
        ...

    @property
    def memory_bytes(self) -> int:
        """The size of the transformer and all heads on the device, in bytes."""
        ...

    def run(self, rows: Sequence[ModesRow], batch_size: int | None) -> Iterator[ModeOutput]:
        """Yield the outputs of all heads, batch by batch."""
        ...

    def close(self) -> None:
        """Release the weights."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeTowers:
    """The networks that a backend builds from the plans of several modes of one checkpoint.

    Attributes:
        network: the transformer with the heads of all modes.
        tokenizer: the checkpoint's tokenizer.
        single: for each mode, the same transformer with that mode's head.
    """

    network: ModesNetwork
    tokenizer: TextTokenizer
    single: Mapping[Mode, Towers]

    @property
    def memory_bytes(self) -> int:
        """The size of the weights in bytes; the transformer counts once."""
        return self.network.memory_bytes

    def close(self) -> None:
        """Release the weights."""
        for towers in self.single.values():
            towers.close()
        self.network.close()
