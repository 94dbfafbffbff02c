"""The contract between captioners and the backend that writes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holotype.encoders.inputs.rows import PictureRow
from holotype.encoders.inputs.tokenizer import TextTokenizer
from holotype.encoders.running.network import NetworkOf


@dataclass(frozen=True, slots=True)
class Written:
    """The tokens of a caption.

    Attributes:
        ids: its tokens with the prompt, to the end.
        log_probability: the mean logarithm of the probabilities of those that were written.
    """

    ids: tuple[int, ...]
    log_probability: float


def n_until_end(ids: Sequence[int], ends: frozenset[int]) -> int:
    """Return how many tokens there are up to the end, which counts."""
    return next((at + 1 for at, id in enumerate(ids) if id in ends), len(ids))


@dataclass(frozen=True, slots=True, kw_only=True)
class Writers:
    """What a backend builds from the plan of a captioner.

    Attributes:
        network: writes captions.
        tokenizer: turns tokens into texts.
        dtype: the type of the weights and of the arithmetic, by name.
    """

    network: NetworkOf[PictureRow, list[Written]]
    tokenizer: TextTokenizer
    dtype: str

    @property
    def device(self) -> str:
        """The device of the network."""
        return self.network.device

    @property
    def memory_bytes(self) -> int:
        """The size of the weights in bytes."""
        return self.network.memory_bytes

    def close(self) -> None:
        """Release the weights; see `Network.close`."""
        self.network.close()


class CaptionCollector:
    """Collects the captions of a window in the order of its pictures."""

    def __init__(self, n_pictures: int) -> None:
        """Allocate room."""
        self._written: list[Written] = [Written((), 0.0)] * n_pictures

    def add(
        self, positions: Sequence[int], found: list[Written], counted: NDArray[np.bool_]
    ) -> None:
        """Add the captions of a batch; see `Collector.add`."""
        for position, written in zip(positions, found, strict=True):
            self._written[position] = written

    def first_not_finite(self) -> int | None:
        """Return the position of the first caption of NaN or infinity."""
        wrong = (
            at for at, one in enumerate(self._written) if not math.isfinite(one.log_probability)
        )
        return next(wrong, None)

    def result(self) -> list[Written]:
        """Return the captions."""
        return self._written
