"""Deprecated: what was here is in `holotype.errors`; importing this module warns."""

from holotype._moved import warn_moved
from holotype.errors import (
    AliasNotFoundError,
    DifferentVectorsError,
    LockFileError,
    LockMismatchError,
    NotLockedError,
    ObjectStoreError,
    StoreBusyError,
)

__all__ = [
    "AliasNotFoundError",
    "DifferentVectorsError",
    "LockFileError",
    "LockMismatchError",
    "NotLockedError",
    "ObjectStoreError",
    "StoreBusyError",
]

warn_moved(__name__, "holotype.errors")
