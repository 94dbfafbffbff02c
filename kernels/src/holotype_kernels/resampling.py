"""Resampling of pixels of 8 bits, with the values of Pillow."""

from __future__ import annotations

import ctypes
import math
from functools import cache
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from holotype_kernels.library import library, require_instructions

CHANNELS: Final = 4
"""How many bytes a pixel has."""
Filter: TypeAlias = Literal["box", "bilinear", "hamming", "bicubic", "lanczos"]
# In the order of the library's own numbers, with the distance to which each reaches.
_SUPPORTS: dict[Filter, float] = {
    "box": 0.5,
    "bilinear": 1.0,
    "hamming": 1.0,
    "bicubic": 2.0,
    "lanczos": 3.0,
}
FILTERS: tuple[Filter, ...] = tuple(_SUPPORTS)
"""The filters by which pixels are resampled."""
_QUAD = 4
# Bounds that keep every product of sizes far below 2 to the power of 63.
_MOST_PIXELS = 1 << 28
_MOST_STRIDE = 1 << 40


class _Taps(ctypes.Structure):
    _fields_ = (
        ("firsts", ctypes.c_void_p),
        ("counts", ctypes.c_void_p),
        ("weights", ctypes.c_void_p),
        ("n_inputs", ctypes.c_int64),
        ("n_outputs", ctypes.c_int64),
        ("n_most", ctypes.c_int64),
        ("in_quads", ctypes.c_int32),
    )


class _Planes(ctypes.Structure):
    _fields_ = (
        ("source", ctypes.c_void_p),
        ("target", ctypes.c_void_p),
        ("source_stride", ctypes.c_int64),
        ("target_stride", ctypes.c_int64),
    )


class Pixels(NamedTuple):
    """Where pixels of 4 bytes lie, those of a row side by side.

    Attributes:
        address: the first byte of the first row.
        row_stride: how many bytes lie between the beginnings of two rows.
    """

    address: int
    row_stride: int


class Weights:
    """The weights of a filter by which the pixels of a line become more or fewer.

    Attributes:
        n_inputs: the pixels of a line.
        n_outputs: how many they become.
    """

    def __init__(self, filter_name: Filter, n_inputs: int, n_outputs: int) -> None:
        """Compute them.

        Raises:
            ValueError: there is no such filter, or a number is none of pixels.
            MemoryError: there is too little memory.
        """
        if filter_name not in FILTERS:
            raise ValueError(f"expected a filter of {', '.join(FILTERS)}, not {filter_name!r}")
        for name, number in (("n_inputs", n_inputs), ("n_outputs", n_outputs)):
            if not 0 < number <= _MOST_PIXELS:
                raise ValueError(f"{name} is {number}, and must be 1 to {_MOST_PIXELS}")
        self.n_inputs = n_inputs
        self.n_outputs = n_outputs
        # The ends of the reach round, and Pillow has n_inputs in float32.
        reach = math.ceil(_SUPPORTS[filter_name] * max(1.0, n_inputs / n_outputs)) + 2
        n_most = -(-2 * reach // _QUAD) * _QUAD
        self._firsts = (ctypes.c_int32 * n_outputs)()
        self._counts = (ctypes.c_int32 * n_outputs)()
        self._weights = (ctypes.c_int16 * (2 * n_most * n_outputs))()
        arrays = [ctypes.addressof(one) for one in (self._firsts, self._counts, self._weights)]
        self._taps = _Taps(*arrays, n_inputs, n_outputs, n_most, 0)
        weigh = library().holotype_weigh
        weigh.argtypes = [ctypes.c_int, *(ctypes.c_int64,) * 3, *(ctypes.c_void_p,) * 4]
        in_quads = ctypes.addressof(self._taps) + _Taps.in_quads.offset
        number = FILTERS.index(filter_name)
        if weigh(number, n_inputs, n_outputs, n_most, *arrays, in_quads):
            raise MemoryError(f"too little memory for weights of {n_inputs} pixels")


def resample_rows(weights: Weights, source: Pixels, target: Pixels, n_rows: int) -> None:
    """Give each row as many pixels as the weights have outputs.

    Args:
        weights: those of a row.
        source: rows of as many pixels as the weights have inputs.
        target: where the new rows are written, elsewhere.
        n_rows: how many rows there are.

    Raises:
        ValueError: a size does not fit, or an address is 0.
        OSError: the processor lacks AVX2.
    """
    planes = _planes(source, target, (weights.n_inputs, weights.n_outputs), n_rows)
    _function("holotype_resample_rows")(weights._taps, planes, n_rows)


def resample_columns(weights: Weights, source: Pixels, target: Pixels, n_columns: int) -> None:
    """Give each column as many pixels as the weights have outputs.

    Args:
        weights: those of a column.
        source: as many rows as the weights have inputs.
        target: where as many rows as they have outputs are written, elsewhere.
        n_columns: how many pixels each row has.

    Raises:
        ValueError: a size does not fit, or an address is 0.
        OSError: the processor lacks AVX2.
    """
    planes = _planes(source, target, (n_columns, n_columns), n_columns)
    _function("holotype_resample_columns")(weights._taps, planes, n_columns)


@cache
def _function(name: str) -> Any:
    found = getattr(library(), name)
    found.argtypes = [ctypes.POINTER(_Taps), ctypes.POINTER(_Planes), ctypes.c_int64]
    found.restype = None
    return found


def _planes(source: Pixels, target: Pixels, widths: tuple[int, int], n_lines: int) -> _Planes:
    require_instructions("avx2")
    if not 0 < n_lines <= _MOST_PIXELS:
        raise ValueError(f"expected 1 to {_MOST_PIXELS} rows or columns, not {n_lines}")
    for name, one, width in (("source", source, widths[0]), ("target", target, widths[1])):
        if not one.address:
            raise ValueError(f"the address of the {name} is 0")
        if not width * CHANNELS <= one.row_stride <= _MOST_STRIDE:
            raise ValueError(
                f"the rows of the {name} lie {one.row_stride} bytes apart, and have "
                f"{width * CHANNELS}"
            )
    return _Planes(source.address, target.address, source.row_stride, target.row_stride)
