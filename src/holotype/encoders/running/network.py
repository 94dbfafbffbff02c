"""The contract between encoders and the library that runs a model.

Encoders import neither torch nor transformers, so that type checkers read a user's program in
seconds, and other libraries can replace torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.inputs.rows import NetworkInput, PictureRow, Row
from holotype.encoders.inputs.tokenizer import TextTokenizer

if TYPE_CHECKING:
    from holotype.encoders.inputs.template import PairTemplate

FoundT = TypeVar("FoundT")
FoundT_co = TypeVar("FoundT_co", covariant=True)
RowT_contra = TypeVar("RowT_contra", bound=NetworkInput, contravariant=True)

OutputOf: TypeAlias = tuple[list[int], FoundT, NDArray[np.bool_]]
"""The positions of a batch's rows, their results, and which tokens count,
``[n_rows, n_tokens]``."""
Output: TypeAlias = OutputOf[NDArray[np.float32]]
"""The results are vectors: ``[n_rows, dim]`` if a layer pools, otherwise
``[n_rows, n_tokens, dim]``."""


class Runner(Protocol[RowT_contra, FoundT_co]):
    """Turns rows of any type into results of any type."""

    def run(
        self, rows: Sequence[RowT_contra], batch_size: int | None
    ) -> Iterator[tuple[list[int], FoundT_co, NDArray[np.bool_]]]:
        """Yield the output of each batch, in any order; see `Network.run`."""
        ...


class NetworkOf(Protocol[RowT_contra, FoundT_co]):
    """Runs rows of any type: a transformer and the layers after it, or a table."""

    @property
    def device(self) -> str:
        """The device that it runs on."""
        ...

    @property
    def memory_bytes(self) -> int:
        """The size of the weights on the device, in bytes."""
        ...

    def run(
        self, rows: Sequence[RowT_contra], batch_size: int | None
    ) -> Iterator[tuple[list[int], FoundT_co, NDArray[np.bool_]]]:
        """Yield the output of each batch, in any order.

        Args:
            rows: the rows to run, at most one window.
            batch_size: how many rows make a batch; None lets the network decide, by tokens.
        """
        ...

    def close(self) -> None:
        """Release the weights and the device's memory.

        A run in progress on another thread finishes; the next one raises `ClosedEncoderError`.
        """
        ...


Network: TypeAlias = NetworkOf[Row, NDArray[np.float32]]
"""Runs rows of tokens."""


@dataclass(frozen=True, slots=True)
class Tower:
    """A network and the tokenizer that produces its rows."""

    network: Network
    tokenizer: TextTokenizer


@dataclass(frozen=True, slots=True, kw_only=True)
class Towers:
    """The networks that a backend builds from a plan.

    Attributes:
        document: reads documents.
        query: reads queries; the same object if both sides are read alike.
        dtype: the type of the weights and of the arithmetic, by name.
        template: the chat template that formats pairs; None for models without one.
        pictures: reads pictures; None for models that read texts only.
    """

    document: Tower
    query: Tower
    dtype: str
    template: PairTemplate | None = None
    pictures: NetworkOf[PictureRow, NDArray[np.float32]] | None = None

    @property
    def device(self) -> str:
        """The device of the network for documents."""
        return self.document.network.device

    @property
    def memory_bytes(self) -> int:
        """The size of both sides' weights in bytes."""
        return sum(network.memory_bytes for network in self._networks())

    def close(self) -> None:
        """Release the weights; see `Network.close`."""
        for network in self._networks():
            network.close()

    def _networks(self) -> tuple[NetworkOf[Any, Any], ...]:
        texts = dict.fromkeys((self.document.network, self.query.network))
        return (*texts, self.pictures) if self.pictures is not None else tuple(texts)


def one_tower(network: Network, tokenizer: TextTokenizer, *, dtype: str) -> Towers:
    """Return towers that read both sides with one network."""
    tower = Tower(network, tokenizer)
    return Towers(document=tower, query=tower, dtype=dtype)
