"""Deprecated: these names are in `holotype.encoders.modes`."""

from __future__ import annotations

import warnings

from holotype.encoders.modes import AnyModeVectors, Mode, ModeVectors, TokenVectors, Weights

__all__ = ["AnyModeVectors", "Mode", "ModeVectors", "TokenVectors", "Weights"]

warnings.warn(
    "holotype.encoders.mode_vectors is deprecated; import from holotype.encoders.modes",
    DeprecationWarning,
    stacklevel=2,
)
