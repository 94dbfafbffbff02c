"""Arrays of different lengths, stored end to end in one array."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, SupportsIndex, TypeAlias, TypeVar, cast, overload

import numpy as np
from numpy.typing import NDArray

from holotype.atomic_file import writing_file
from holotype.encoders.vectors.npz_file import read_npz

ScalarT = TypeVar("ScalarT", bound=np.generic)
OtherT = TypeVar("OtherT", bound=np.generic)
PositionT = TypeVar("PositionT", bound="int | np.integer[Any] | np.bool_")
Positions: TypeAlias = list[PositionT] | NDArray[np.integer[Any]] | NDArray[np.bool_]
"""Several parts, as NumPy names several rows: their positions, or a mask of all."""


def choose_parts(
    offsets: NDArray[np.int64], chosen: list[Any] | NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where the members of some parts are, and the offsets of these parts alone.

    Args:
        offsets: the start of each part, then the end of the last one.
        chosen: which parts, in the order that is wanted; one may be named several times.

    Raises:
        IndexError: there is no such part, the mask has another length, or these are no positions.
    """
    parts = np.arange(len(offsets) - 1)[chosen]
    if parts.ndim != 1:
        raise IndexError(f"the positions have {parts.ndim} axes; expected 1")
    lengths = np.diff(offsets)[parts]
    ends = np.cumsum(lengths)
    moved = offsets[:-1][parts] - (ends - lengths)
    members = np.arange(lengths.sum()) + np.repeat(moved, lengths)
    return members, np.concatenate([[0], ends])


class Ragged(Sequence[NDArray[ScalarT]], Generic[ScalarT]):
    """The token vectors of several texts; a sequence of arrays ``[n_tokens, dim]``.

    Entries are views of `values`, not copies.

    Attributes:
        values: the vectors of all tokens, ``[n_tokens, dim]``.
        offsets: the start of each text, then the end of the last one: int64 ``[n_texts + 1]``,
            from 0 to ``len(values)``.
    """

    __slots__ = ("offsets", "values")

    def __init__(self, values: NDArray[ScalarT], offsets: NDArray[np.int64]) -> None:
        """Wrap both arrays without copying.

        Raises:
            ValueError: the offsets are no whole numbers, or do not partition the values.
        """
        if np.asarray(offsets).dtype.kind not in "iu" and len(offsets):
            raise ValueError(f"the offsets are of type {np.asarray(offsets).dtype}; expected int64")
        offsets = np.asarray(offsets, dtype=np.int64)
        if values.ndim != 2:
            raise ValueError(f"values have {values.ndim} axes; expected 2, [n_tokens, dim]")
        if (
            offsets.ndim != 1
            or len(offsets) == 0
            or offsets[0] != 0
            or offsets[-1] != len(values)
            or (np.diff(offsets) < 0).any()
        ):
            raise ValueError(
                f"the offsets do not divide {len(values)} rows; expected them to rise from 0 to "
                f"{len(values)}"
            )
        self.values = values
        self.offsets = offsets

    @classmethod
    def from_arrays(cls, arrays: Iterable[NDArray[ScalarT]], *, dim: int) -> Ragged[ScalarT]:
        """Join arrays ``[n_tokens, dim]`` end to end.

        Args:
            arrays: one for each text, all of one type.
            dim: their width, used if there are no arrays; the type is then float32.
        """
        found = list(arrays)
        empty: Any = np.empty((0, dim), dtype=np.float32)
        values = np.concatenate(found) if found else empty
        return cls(values, np.cumsum([0, *map(len, found)], dtype=np.int64))

    @classmethod
    def concatenate(cls, parts: Sequence[Ragged[ScalarT]]) -> Ragged[ScalarT]:
        """Join the texts of several parts.

        Raises:
            ValueError: there are no parts, or their widths differ.
        """
        if len(parts) == 1:
            return parts[0]
        values = np.concatenate([part.values for part in parts])
        lengths = np.concatenate([part.lengths for part in parts])
        return cls(values, np.concatenate([[0], np.cumsum(lengths)]))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Ragged[Any]:
        """Read a file that `save` wrote.

        Raises:
            OSError: the file cannot be opened.
            ValueError: the file is damaged, or holds something else.
        """
        values, offsets = read_npz(path, ("values", "offsets"))
        return Ragged(values, offsets)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write both arrays as NumPy ``.npz``, atomically; no suffix is added to `path`.

        Raises:
            OSError: the file cannot be written; what was there is left.
        """
        with writing_file(Path(path)) as file:
            np.savez(file, values=self.values, offsets=self.offsets)

    def with_values(self, values: NDArray[OtherT]) -> Ragged[OtherT]:
        """Return the same texts with other vectors: quantised, truncated or scaled.

        Raises:
            ValueError: the numbers of vectors and tokens differ.
        """
        return Ragged(values, self.offsets)

    @property
    def dim(self) -> int:
        """The width of the vectors."""
        return int(self.values.shape[1])

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The number of tokens of each text: int64 ``[n_texts]``."""
        return np.diff(self.offsets)

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, index: int | np.integer[Any]) -> NDArray[ScalarT]: ...
    @overload
    def __getitem__(self, index: slice | Positions[PositionT]) -> Ragged[ScalarT]: ...
    def __getitem__(
        self, index: int | np.integer[Any] | slice | list[Any] | NDArray[Any]
    ) -> NDArray[ScalarT] | Ragged[ScalarT]:
        """Return the vectors of one text, or several texts.

        Several are named as rows of an array are: by a slice, positions or a mask. Those of a slice
        whose step is 1 are views, others copies.

        Raises:
            IndexError: there is no such text, or the mask has another length.
        """
        if isinstance(index, list | np.ndarray) and np.ndim(index):
            positions, offsets = choose_parts(self.offsets, index)
            return Ragged(self.values[positions], offsets)
        if not isinstance(index, slice):
            # An array without axes is one position.
            at = range(len(self))[cast(SupportsIndex, index)]
            return self.values[self.offsets[at] : self.offsets[at + 1]]
        start, stop, step = index.indices(len(self))
        if step != 1:
            return self[np.arange(start, stop, step)]
        stop = max(start, stop)
        first, last = self.offsets[start], self.offsets[stop]
        return Ragged(self.values[first:last], self.offsets[start : stop + 1] - first)

    def __iter__(self) -> Iterator[NDArray[ScalarT]]:
        """Yield the vectors of every text."""
        return (self[at] for at in range(len(self)))

    def equals(self, other: Ragged[Any]) -> bool:
        """Whether type, lengths and every value are the same."""
        return (
            self.values.dtype == other.values.dtype
            and np.array_equal(self.offsets, other.offsets)
            and np.array_equal(self.values, other.values)
        )

    def __repr__(self) -> str:
        """Show the sizes, not the values."""
        return (
            f"Ragged({len(self)} texts, {len(self.values)} tokens, dim={self.dim}, "
            f"dtype={self.values.dtype})"
        )
