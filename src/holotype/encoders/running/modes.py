"""What a backend runs for several modes of one checkpoint: the contract."""

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
"""What the head of one mode yields for some rows of a batch."""


@dataclass(frozen=True, slots=True)
class ModesRow:
    """A text as the transformer reads it, and which of its tokens count in each mode."""

    row: Row
    counted: Mapping[Mode, list[bool]]

    @property
    def n_tokens(self) -> int:
        """How many tokens the text has, with special tokens."""
        return self.row.n_tokens


class ModesNetwork(Protocol):
    """A transformer that runs once for all modes; see `Network`."""

    @property
    def device(self) -> str:
        """Where it runs."""
        ...

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights of the transformer and of all heads take on the device."""
        ...

    def run(self, rows: Sequence[ModesRow], batch_size: int | None) -> Iterator[ModeOutput]:
        """Yield the outputs of all heads for one batch after the other."""
        ...

    def close(self) -> None:
        """Release the weights."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeTowers:
    """What a backend builds from the plans of several modes of one checkpoint.

    Attributes:
        network: the transformer with the heads of all modes.
        tokenizer: that of the checkpoint.
        single: the same transformer with the head of one mode each.
    """

    network: ModesNetwork
    tokenizer: TextTokenizer
    single: Mapping[Mode, Towers]

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights take; the transformer's count once."""
        return self.network.memory_bytes

    def close(self) -> None:
        """Release the weights."""
        for towers in self.single.values():
            towers.close()
        self.network.close()
