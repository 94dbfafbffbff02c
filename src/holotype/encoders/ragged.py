"""Deprecated: what was here is in `holotype.encoders.vectors.ragged`; importing this module warns."""

from holotype._moved import warn_moved
from holotype.encoders.vectors.ragged import Ragged

__all__ = [
    "Ragged",
]

warn_moved(__name__, "holotype.encoders.vectors.ragged")
