"""What an encoder of several modes runs: one transformer and a head for each mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.inputs.rows import Row
from holotype.encoders.inputs.tokenizer import TextTokenizer
from holotype.encoders.mode_vectors import Found, Mode, find
from holotype.encoders.running.network import Output, OutputOf, Towers

Counter: TypeAlias = Callable[[Sequence[int]], list[bool]]
"""Takes the tokens of a text, and returns which of them count in a mode."""
Pass: TypeAlias = tuple[list[int], NDArray[np.bool_], dict[Mode, Iterator[Output]]]
"""The positions of a batch's rows, which tokens are no padding, and what each head yields, which is
taken before the next batch."""


class ModesNetwork(Protocol):
    """A transformer that runs once for all modes."""

    @property
    def device(self) -> str:
        """Where it runs."""
        ...

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights of the transformer and of all heads take on the device."""
        ...

    def run(
        self, rows: Sequence[Row], batch_size: int | None, counters: Mapping[Mode, Counter]
    ) -> Iterator[Pass]:
        """Yield batch by batch, in any order of the rows.

        Args:
            rows: what is run, every token of which counts.
            batch_size: how many rows make a batch; None lets the network decide, by tokens.
            counters: the modes in which some tokens do not count.
        """
        ...

    def close(self) -> None:
        """Let go of the weights; see `Network.close`."""
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
        """Let go of the weights."""
        for towers in self.single.values():
            towers.close()
        self.network.close()


class ModesRunner:
    """A `Runner` that finds the vectors of all modes, for one call."""

    def __init__(
        self, network: ModesNetwork, counters: Mapping[Mode, Counter], top_k: int | None
    ) -> None:
        """Take a network and what the call asks for; see `ModesNetwork.run` and `find`."""
        self._network = network
        self._counters = counters
        self._top_k = top_k

    def run(self, rows: Sequence[Row], batch_size: int | None) -> Iterator[OutputOf[Found]]:
        """Yield batch by batch; see `Runner.run`."""
        for positions, counted, outputs in self._network.run(rows, batch_size, self._counters):
            yield positions, find(positions, outputs, top_k=self._top_k), counted
