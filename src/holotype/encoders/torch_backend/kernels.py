"""The distribution holotype-kernels, where it is installed, and what of it the processor runs."""

from __future__ import annotations

import importlib
import warnings
from functools import cache
from typing import Any

import torch

INSTRUCTION_SETS: dict[torch.dtype, tuple[str, ...]] = {
    torch.float32: ("avx512", "avx2"),
    torch.bfloat16: ("avx512_bf16",),
}
"""The instructions that kernels have for each type, the best first."""
# The interface of the kernels that holotype calls.
_INTERFACE = 3


@cache
def kernels() -> Any:
    """Return the module of the kernels; None where it is missing, damaged or of another interface."""
    try:
        found: Any = importlib.import_module("holotype_kernels")
    except ModuleNotFoundError as error:
        if error.name != "holotype_kernels":
            raise
        return None
    if found.INTERFACE != _INTERFACE:
        warnings.warn(
            f"holotype-kernels has interface {found.INTERFACE}, and this version of holotype calls "
            f"interface {_INTERFACE}: models run without it; install the version that "
            "holotype[kernels] asks for",
            stacklevel=2,
        )
        return None
    try:
        found.instruction_sets()
    except OSError as error:
        warnings.warn(
            f"holotype-kernels cannot be loaded ({error}): models run without it; install its "
            "wheel anew, or build one with: pip wheel --no-deps ./kernels",
            stacklevel=2,
        )
        return None
    return found


def instruction_set(found: Any, dtype: torch.dtype) -> str | None:
    """Return by which instructions the kernels run a type; None where the processor has none.

    Args:
        found: the module of the kernels.
        dtype: the type of the numbers.
    """
    known = found.instruction_sets()
    return next((name for name in INSTRUCTION_SETS.get(dtype, ()) if name in known), None)
