"""Compiled kernels for encoders: attention, passes of few tokens, and resampling of pictures.

Addresses are those of arrays in memory: ``Tensor.data_ptr()`` in torch, ``array.ctypes.data`` in
NumPy. Whoever passes one keeps the
array alive, and answers for its type and size; everything else is checked here.
"""

from __future__ import annotations

from typing import Final

from holotype_kernels.attention import (
    MOST_HEAD_DIM,
    DistanceRows,
    Heads,
    Rows,
    Tables,
    attend,
    takes_heads,
)
from holotype_kernels.few_tokens import MOST_TOKENS, PANEL, Layer, Model
from holotype_kernels.library import InstructionSet, instruction_sets
from holotype_kernels.resampling import (
    CHANNELS,
    FILTERS,
    Filter,
    Pixels,
    Weights,
    resample_columns,
    resample_rows,
)

__all__ = [
    "CHANNELS",
    "FILTERS",
    "INTERFACE",
    "MOST_HEAD_DIM",
    "MOST_TOKENS",
    "PANEL",
    "DistanceRows",
    "Filter",
    "Heads",
    "InstructionSet",
    "Layer",
    "Model",
    "Pixels",
    "Rows",
    "Tables",
    "Weights",
    "attend",
    "instruction_sets",
    "resample_columns",
    "resample_rows",
    "takes_heads",
]

INTERFACE: Final = 3
"""The number of this interface; another one differs in what callers must know."""
