"""Quantise vectors: float16, int8, uint8, and one bit per dimension.

The values equal those of sentence-transformers' `quantize_embeddings` with the same ranges, so one
index can hold vectors from both. Ranges never come from the vectors being quantised: the same value
would mean something else in every call. They are a `Calibration`, computed once from representative
vectors and kept with the index.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args, overload

import numpy as np
from numpy.typing import NDArray

from holotype.atomic_file import replace_file
from holotype.encoders.vectors.finite import NOT_REAL, require_finite

Precision: TypeAlias = Literal["float32", "float16", "int8", "uint8", "binary", "ubinary"]
Floats: TypeAlias = NDArray[np.floating[Any]]

_BUCKETS = 255
_SIGN = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The range of every dimension, for int8 and uint8.

    Attributes:
        minima: the lowest value of every dimension.
        maxima: the highest value of every dimension.
        n_vectors: the number of vectors that the ranges come from.
    """

    minima: tuple[float, ...]
    maxima: tuple[float, ...]
    n_vectors: int

    def __repr__(self) -> str:
        """Show the sizes, not the values."""
        return f"Calibration(dim={len(self.minima)}, n_vectors={self.n_vectors})"

    def __post_init__(self) -> None:
        """Refuse values that are not ranges."""
        for name in ("minima", "maxima"):
            values = getattr(self, name)
            if not values or not all(isinstance(value, Real) for value in values):
                raise ValueError(f"{name} are {values!r:.60}; expected a number for each dimension")
        if not isinstance(self.n_vectors, Integral) or self.n_vectors < 1:
            raise ValueError(
                f"n_vectors is {self.n_vectors!r}; expected a whole number, at least 1"
            )
        if len(self.minima) != len(self.maxima):
            raise ValueError(
                f"{len(self.minima)} minima and {len(self.maxima)} maxima are no ranges; expected "
                "as many of both"
            )
        if not np.isfinite([self.minima, self.maxima]).all():
            raise ValueError("the ranges hold NaN or infinity; expected those of finite vectors")
        for at, (least, greatest) in enumerate(zip(self.minima, self.maxima, strict=True)):
            if least > greatest:
                raise ValueError(
                    f"the range of dimension {at} is from {least!r} to {greatest!r}; expected the "
                    "minimum first"
                )
        with np.errstate(over="ignore", invalid="ignore"):
            too_wide = ~np.isfinite(self.starts + self.steps * np.float32(_BUCKETS + 0.5))
        if too_wide.any():
            at = int(np.argmax(too_wide))
            raise ValueError(
                f"the range of dimension {at}, from {self.minima[at]!r} to {self.maxima[at]!r}, is "
                "too wide for float32; normalise the vectors"
            )

    @property
    def dim(self) -> int:
        """The number of dimensions."""
        return len(self.minima)

    @property
    def starts(self) -> NDArray[np.float32]:
        """The lowest value of every dimension: float32 ``[dim]``."""
        return np.asarray(self.minima, dtype=np.float32)

    @property
    def steps(self) -> NDArray[np.float32]:
        """The width of a bucket in every dimension: float32 ``[dim]``.

        0 for a dimension that never varied; all its buckets stand for its one value.
        """
        steps: NDArray[np.float32] = np.asarray(self.maxima, dtype=np.float32) - self.starts
        return steps / np.float32(_BUCKETS)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it as JSON, atomically.

        Raises:
            OSError: the file cannot be written; what was there is left.
        """
        values = {"minima": self.minima, "maxima": self.maxima, "n_vectors": self.n_vectors}
        replace_file(Path(path), f"{json.dumps(values)}\n".encode())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Calibration:
        """Read a file that `save` wrote.

        Raises:
            ValueError: the file holds something else.
        """
        try:
            values = json.loads(Path(path).read_text(encoding="utf-8"))
            minima, maxima = (tuple(values[name]) for name in ("minima", "maxima"))
            return cls(minima=minima, maxima=maxima, n_vectors=values["n_vectors"])
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise ValueError(
                f"{os.fspath(path)} holds no calibration ({error}); expected what "
                "Calibration.save() writes"
            ) from error


def calibrate(vectors: Floats | Iterable[Floats]) -> Calibration:
    """Compute the ranges from vectors: many, and representative of those to be quantised.

    Args:
        vectors: ``[n_vectors, dim]``, or any number of such arrays, as from `encode_stream`.

    Raises:
        TypeError: they are no arrays of numbers.
        ValueError: there are fewer than two vectors, their widths differ, one has NaN or infinity,
            or a range is too wide for float32.
    """
    minima: Floats | None = None
    maxima: Floats | None = None
    n_vectors = 0
    if isinstance(vectors, np.ndarray) or not isinstance(vectors, Iterable):
        vectors = [vectors]
    for window in vectors:
        _require_array(window)
        if window.ndim != 2:
            raise ValueError(f"vectors have {window.ndim} axes; expected 2, [n_vectors, dim]")
        if not len(window):
            continue
        require_finite(window, "vectors", n_vectors)
        least, greatest = window.min(axis=0), window.max(axis=0)
        minima = least if minima is None else np.minimum(minima, least)
        maxima = greatest if maxima is None else np.maximum(maxima, greatest)
        n_vectors += len(window)
    if n_vectors < 2 or minima is None or maxima is None:
        raise ValueError(
            f"{n_vectors} vectors have no ranges; expected at least two, better some thousand"
        )
    with np.errstate(over="ignore"):
        least, greatest = minima.astype(np.float32), maxima.astype(np.float32)
    return Calibration(
        minima=tuple(least.tolist()), maxima=tuple(greatest.tolist()), n_vectors=n_vectors
    )


@overload
def quantize(vectors: Floats, precision: Literal["float32"]) -> NDArray[np.float32]: ...
@overload
def quantize(vectors: Floats, precision: Literal["float16"]) -> NDArray[np.float16]: ...
@overload
def quantize(
    vectors: Floats, precision: Literal["int8"], calibration: Calibration
) -> NDArray[np.int8]: ...
@overload
def quantize(
    vectors: Floats, precision: Literal["uint8"], calibration: Calibration
) -> NDArray[np.uint8]: ...
@overload
def quantize(vectors: Floats, precision: Literal["binary"]) -> NDArray[np.int8]: ...
@overload
def quantize(vectors: Floats, precision: Literal["ubinary"]) -> NDArray[np.uint8]: ...
def quantize(
    vectors: Floats, precision: Precision, calibration: Calibration | None = None
) -> NDArray[Any]:
    """Convert vectors to another precision.

    Args:
        vectors: ``[dim]`` or ``[n_vectors, dim]``, of floats.
        precision: ``"float32"`` or ``"float16"``; ``"int8"`` or ``"uint8"``, 256 buckets between
            the lowest and the highest value of each dimension; ``"binary"`` (int8) or
            ``"ubinary"`` (uint8), one bit per dimension, set if the value is positive.
        calibration: the ranges for int8 and uint8; None for other precisions.

    Returns:
        The same shape; bits are packed, ``[..., ceil(dim / 8)]``.

    Raises:
        TypeError: the vectors are no array, or quantised already; or this is no calibration.
        ValueError: the vectors have no axis; the calibration is missing, unexpected or of another
            width; the precision is unknown; or a vector has NaN, infinity, or a value outside the
            range of float16.
    """
    _require_array(vectors)
    if not np.issubdtype(vectors.dtype, np.floating):
        raise TypeError(f"vectors are of type {vectors.dtype}; expected floats")
    _check_calibration(precision, calibration, vectors.shape[-1])
    require_finite(vectors, "vectors")
    if precision in ("float32", "float16"):
        with np.errstate(over="ignore"):
            found = vectors.astype(precision)
        require_finite(found, f"vectors in {precision}")
        return found
    if calibration is not None:
        steps = calibration.steps
        # A dimension that never varied has a single bucket.
        widths = np.where(steps == 0, np.float32(np.inf), steps)
        with np.errstate(over="ignore"):
            buckets = np.floor((vectors - calibration.starts) / widths).clip(0, _BUCKETS)
        return buckets.astype(np.uint8) if precision == "uint8" else _center(buckets)
    bits = np.packbits(vectors > 0, axis=-1)
    return bits if precision == "ubinary" else (bits ^ np.uint8(_SIGN)).view(np.int8)


def dequantize(
    vectors: NDArray[Any], *, dim: int, calibration: Calibration | None = None
) -> NDArray[np.float32]:
    """Convert quantised vectors back to float32.

    Args:
        vectors: ``[..., dim]`` of floats, int8 or uint8, or ``[..., ceil(dim / 8)]`` of bits.
        dim: the dimensions of the model's vectors.
        calibration: the ranges that int8 and uint8 vectors were quantised with.

    Returns:
        float32 ``[..., dim]``: the middle of each bucket, or the one value of a dimension that
        never varied in the calibration; 1 and -1 for bits.

    Raises:
        TypeError: the vectors are no array of numbers, or this is no calibration.
        ValueError: the vectors have no axis, the width fits neither form, or the calibration is
            missing or of another width.
    """
    _require_array(vectors)
    width = vectors.shape[-1]
    quantized = vectors.dtype in (np.int8, np.uint8)
    if quantized and width == (dim + 7) // 8 and width != dim:
        signed = vectors.dtype == np.int8
        packed = vectors.view(np.uint8) ^ np.uint8(_SIGN) if signed else vectors
        bits = np.unpackbits(packed, axis=-1, count=dim)
        return bits.astype(np.float32) * 2 - 1
    if width != dim:
        raise ValueError(
            f"vectors are {width} wide; expected {dim}, or {(dim + 7) // 8} bytes of bits"
        )
    if not quantized:
        with np.errstate(over="ignore"):
            return vectors.astype(np.float32, copy=False)
    if calibration is None:
        raise ValueError(
            f"vectors of {vectors.dtype} mean nothing without the ranges that they were made with; "
            "pass calibration="
        )
    _check_calibration("int8", calibration, dim)
    buckets = vectors.astype(np.float32) + (_SIGN if vectors.dtype == np.int8 else 0)
    return (buckets + np.float32(0.5)) * calibration.steps + calibration.starts


def _require_array(vectors: object) -> None:
    """Refuse what is no array of real numbers with at least one axis."""
    if not isinstance(vectors, np.ndarray | np.generic):
        raise TypeError(
            f"vectors is of type {type(vectors).__name__}; expected a NumPy array, as "
            "np.asarray(vectors, dtype=np.float32)"
        )
    if vectors.dtype.kind in NOT_REAL:
        raise TypeError(f"vectors are of type {vectors.dtype}; expected floats")
    if not vectors.ndim:
        raise ValueError("vectors have no axes; expected [dim] or [n_vectors, dim]")


def _center(buckets: Floats) -> NDArray[np.int8]:
    return (buckets - _SIGN).astype(np.int8)


def _check_calibration(precision: Precision, calibration: Calibration | None, dim: int) -> None:
    if precision not in get_args(Precision):
        raise ValueError(
            f"precision is {precision!r}; expected one of {', '.join(get_args(Precision))}"
        )
    if precision not in ("int8", "uint8"):
        if calibration is not None:
            raise ValueError(f"{precision} has no ranges; leave the calibration out")
        return
    if calibration is None:
        raise ValueError(
            f"{precision} needs the ranges of every dimension; make them once with calibrate(), "
            "from vectors like those to come, and keep them with the index"
        )
    if not isinstance(calibration, Calibration):
        raise TypeError(
            f"the calibration is of type {type(calibration).__name__}; expected what calibrate() "
            "returns, or Calibration.load() reads"
        )
    if calibration.dim != dim:
        raise ValueError(
            f"the calibration has {calibration.dim} dimensions, the vectors have {dim}"
        )
