"""The distribution holotype-kernels, where it is installed."""

from __future__ import annotations

import importlib
import warnings
from functools import cache
from typing import Any

# The interface of the kernels that holotype calls.
_INTERFACE = 3


@cache
def kernels() -> Any:
    """Return the module of the kernels; None if it is missing, damaged or of another interface."""
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
