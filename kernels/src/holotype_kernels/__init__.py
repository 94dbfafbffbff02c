"""Compiled kernels for encoders: attention, and passes of few tokens.

Addresses are those of arrays in memory: ``Tensor.data_ptr()`` in torch. Whoever passes one keeps the
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

__all__ = [
    "INTERFACE",
    "MOST_HEAD_DIM",
    "MOST_TOKENS",
    "PANEL",
    "DistanceRows",
    "Heads",
    "InstructionSet",
    "Layer",
    "Model",
    "Rows",
    "Tables",
    "attend",
    "instruction_sets",
    "takes_heads",
]

INTERFACE: Final = 3
"""The number of this interface; another one differs in what callers must know."""
