"""Deprecated: what was here is in `holotype.errors`; importing this module warns."""

from holotype._moved import warn_moved
from holotype.errors import IncompatibleModesError, ModeNotLoadedError

__all__ = ["IncompatibleModesError", "ModeNotLoadedError"]

warn_moved(__name__, "holotype.errors")
