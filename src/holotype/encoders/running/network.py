"""The contract between encoders and the library that runs a model.

Encoders know neither torch nor transformers, so that a type checker reads a user's program in
seconds, and other libraries can take torch's place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.inputs.rows import NetworkInput, Row
from holotype.encoders.inputs.tokenizer import TextTokenizer

if TYPE_CHECKING:
    from holotype.encoders.inputs.template import PairTemplate

FoundT = TypeVar("FoundT")
FoundT_co = TypeVar("FoundT_co", covariant=True)
RowT_contra = TypeVar("RowT_contra", bound=NetworkInput, contravariant=True)

OutputOf: TypeAlias = tuple[list[int], FoundT, NDArray[np.bool_]]
"""The positions of a batch's rows, what was found of them, and which tokens count,
``[n_rows, n_tokens]``."""
Output: TypeAlias = OutputOf[NDArray[np.float32]]
"""What was found are vectors: ``[n_rows, dim]`` where a layer pools, and
``[n_rows, n_tokens, dim]`` where none does."""


class Runner(Protocol[RowT_contra, FoundT_co]):
    """Turns rows of some sort into results of some sort."""

    def run(
        self, rows: Sequence[RowT_contra], batch_size: int | None
    ) -> Iterator[tuple[list[int], FoundT_co, NDArray[np.bool_]]]:
        """Yield batch by batch, in any order of the rows; see `Network.run`."""
        ...


class Network(Protocol):
    """What runs rows: a transformer and the layers after it, or a table."""

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
        """Release the weights and the device's memory.

        A run that another thread has begun ends as usual; the next raises a `ClosedEncoderError`.
        """
        ...


@dataclass(frozen=True, slots=True)
class Tower:
    """A network, and the tokenizer that makes its rows."""

    network: Network
    tokenizer: TextTokenizer


@dataclass(frozen=True, slots=True, kw_only=True)
class Towers:
    """What a backend builds from a plan.

    Attributes:
        document: reads documents.
        query: reads queries; the same object where both sides are read alike.
        dtype: the type of the weights and of the arithmetic, by name.
        template: writes the pairs of a cross-encoder that puts them through a chat template.
    """

    document: Tower
    query: Tower
    dtype: str
    template: PairTemplate | None = None

    @property
    def device(self) -> str:
        """Where the network of documents runs."""
        return self.document.network.device

    @property
    def memory_bytes(self) -> int:
        """How many bytes the weights of both sides take."""
        return sum(network.memory_bytes for network in self._networks())

    def close(self) -> None:
        """Release the weights; see `Network.close`."""
        for network in self._networks():
            network.close()

    def _networks(self) -> tuple[Network, ...]:
        if self.query is self.document:
            return (self.document.network,)
        return self.document.network, self.query.network


def one_tower(
    network: Network,
    tokenizer: TextTokenizer,
    *,
    dtype: str,
    template: PairTemplate | None = None,
) -> Towers:
    """Return a tower that reads both sides."""
    tower = Tower(network, tokenizer)
    return Towers(document=tower, query=tower, dtype=dtype, template=template)
