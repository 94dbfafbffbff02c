"""A table of token vectors, and the mean of the rows of a text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from holotype.encoders.checkpoints.tensor_reading import reading_tensors
from holotype.encoders.encodings.static_encoding import MAPPING_NAME, TABLE_NAMES
from holotype.errors import CheckpointError, TensorError, UnsafeCheckpointError

WEIGHTS_FILE = "model.safetensors"
# So many rows fit into a processor's cache.
_TOKENS_AT_ONCE = 256
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl")
# What model2vec calls the weight of every token.
_WEIGHTS = "weights"


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticTable:
    """Vectors by token.

    Attributes:
        vectors: ``[n_rows, dim]``.
        mapping: the row of every token, ``[n_tokens]``; None where a token's id is its row.
        weights: float32, the weight of every token, ``[n_tokens]``; None where all weigh 1.
    """

    vectors: NDArray[Any]
    mapping: NDArray[np.int64] | None
    weights: NDArray[np.float32] | None

    @property
    def dim(self) -> int:
        """The width of a vector."""
        return int(self.vectors.shape[1])

    @property
    def n_tokens(self) -> int:
        """How many tokens have a vector."""
        return len(self.vectors if self.mapping is None else self.mapping)

    @property
    def memory_bytes(self) -> int:
        """How many bytes the arrays take."""
        arrays = (self.vectors, self.mapping, self.weights)
        return sum(array.nbytes for array in arrays if array is not None)

    def mean(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the mean of the weighted vectors of tokens, ``[dim]``; zeros for no tokens."""
        if len(ids) <= _TOKENS_AT_ONCE:
            return self._sum(ids) / np.float32(max(1, len(ids)))
        parts = [
            self._sum(ids[start : start + _TOKENS_AT_ONCE])
            for start in range(0, len(ids), _TOKENS_AT_ONCE)
        ]
        # The longer the sum, the more of it is lost in single precision.
        whole: Any = np.sum(parts, axis=0, dtype=np.float64) / len(ids)
        mean: NDArray[np.float32] = whole.astype(np.float32)
        return mean

    def _sum(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        rows = ids if self.mapping is None else self.mapping[ids]
        weights = np.ones(len(ids), np.float32) if self.weights is None else self.weights[ids]
        vectors = self.vectors.take(rows, axis=0).astype(np.float32, copy=False)
        # A product of a vector and a matrix adds rows up several times faster than numpy's sums.
        total: NDArray[np.float32] = weights @ vectors
        return total


def read_table(folder: Path) -> StaticTable:
    """Read the table of a checkpoint.

    Raises:
        CheckpointError: the file is missing or damaged, or holds no table.
        TensorError: a tensor is missing, unexpected or of another shape.
        UnsafeCheckpointError: there are only pickled weights.
    """
    path = folder / WEIGHTS_FILE
    if not path.is_file():
        _refuse(folder)
    try:
        with reading_tensors(path), safe_open(path, framework="numpy") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except TypeError as error:
        raise CheckpointError(
            str(path), f"holds numbers of a type that NumPy does not have: {error}"
        ) from error
    return _check(path, tensors)


def _check(path: Path, tensors: dict[str, NDArray[Any]]) -> StaticTable:
    names = [name for name in TABLE_NAMES if name in tensors]
    unexpected = sorted(tensors.keys() - {*names[:1], _WEIGHTS, MAPPING_NAME})
    if not names or unexpected:
        raise TensorError(str(path), [] if names else [" or ".join(TABLE_NAMES)], unexpected)
    vectors, mapping, weights = (tensors.get(name) for name in (names[0], MAPPING_NAME, _WEIGHTS))
    assert vectors is not None
    if vectors.ndim != 2 or vectors.dtype.kind not in "fi":
        raise TensorError(
            str(path), misshapen=[f"{names[0]} ({list(vectors.shape)}, expected [tokens, dim])"]
        )
    n_tokens = len(vectors if mapping is None else mapping)
    for name, found in ((MAPPING_NAME, mapping), (_WEIGHTS, weights)):
        if found is not None and found.shape != (n_tokens,):
            raise TensorError(
                str(path), misshapen=[f"{name} ({list(found.shape)}, expected [{n_tokens}])"]
            )
    if (
        mapping is not None
        and mapping.size
        and not 0 <= mapping.min() <= mapping.max() < len(vectors)
    ):
        raise CheckpointError(str(path), f"mapping points outside of the {len(vectors)} vectors")
    return StaticTable(
        vectors=vectors,
        mapping=None if mapping is None else mapping.astype(np.int64),
        weights=None if weights is None else weights.astype(np.float32),
    )


def _refuse(folder: Path) -> None:
    pickles = sorted(path.name for pattern in _PICKLES for path in folder.glob(pattern))
    if pickles:
        raise UnsafeCheckpointError(
            str(folder),
            f"has only pickled weights ({', '.join(pickles)}); unpickling can run any code, so it "
            "is refused. Use a revision that has safetensors",
        )
    raise CheckpointError(str(folder), f"has no {WEIGHTS_FILE}; expected a table of token vectors")
