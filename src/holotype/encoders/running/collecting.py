"""Collect the results of a window in the order of its items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

FoundT_contra = TypeVar("FoundT_contra", contravariant=True)
ResultT_co = TypeVar("ResultT_co", covariant=True)


class Collector(Protocol[FoundT_contra, ResultT_co]):
    """Collects network outputs for the items of one window, in any order."""

    def add(
        self, positions: Sequence[int], found: FoundT_contra, counted: NDArray[np.bool_]
    ) -> None:
        """Add the output for one batch; see `OutputOf`."""
        ...

    def first_not_finite(self) -> int | None:
        """Return the position of the first item with NaN or infinity; None if there is none."""
        ...

    def result(self) -> ResultT_co:
        """Return the results, once all items have been added."""
        ...


class VectorCollector:
    """Collects one vector, or one row of logits, for each item: float32 ``[n_items, width]``."""

    def __init__(self, n_items: int, width: int) -> None:
        """Allocate room for the items of a window."""
        self._vectors = np.empty((n_items, width), dtype=np.float32)

    def add(
        self, positions: Sequence[int], found: NDArray[np.float32], counted: NDArray[np.bool_]
    ) -> None:
        """Add the vectors of a batch; see `Collector.add`."""
        self._vectors[positions] = found

    def first_not_finite(self) -> int | None:
        """Return the position of the first vector with NaN or infinity."""
        finite = np.isfinite(self._vectors)
        return None if finite.all() else int(np.argmin(finite.all(axis=1)))

    def result(self) -> NDArray[np.float32]:
        """Return the vectors: float32 ``[n_items, width]``."""
        return self._vectors
