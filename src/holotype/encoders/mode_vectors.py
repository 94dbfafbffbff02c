"""Deprecated: what was here is in `holotype.encoders.modes`; importing this module warns."""

from holotype._moved import warn_moved
from holotype.encoders.modes import AnyModeVectors, ModeVectors, TokenVectors, Weights
from holotype.encoders.running.modes import Mode

__all__ = ["AnyModeVectors", "Mode", "ModeVectors", "TokenVectors", "Weights"]

warn_moved(__name__, "holotype.encoders.modes")
