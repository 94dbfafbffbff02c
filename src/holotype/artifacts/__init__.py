"""Deprecated: what was here is in `holotype.publishing`; importing this module warns."""

from holotype._moved import warn_moved
from holotype.publishing import (
    AliasNotFoundError,
    CreationOptions,
    DifferentVectorsError,
    LockFileError,
    LockMismatchError,
    NotLockedError,
    ObjectStoreError,
    ReferencedModel,
    StoreBusyError,
    create_artifact,
    fetch_locked,
    get_model_info,
    load_labels,
    lock_model,
    open_artifact,
    pull_artifact,
    push_artifact,
    rollback_alias,
    set_alias,
)

__all__ = [
    "AliasNotFoundError",
    "CreationOptions",
    "DifferentVectorsError",
    "LockFileError",
    "LockMismatchError",
    "NotLockedError",
    "ObjectStoreError",
    "ReferencedModel",
    "StoreBusyError",
    "create_artifact",
    "fetch_locked",
    "get_model_info",
    "load_labels",
    "lock_model",
    "open_artifact",
    "pull_artifact",
    "push_artifact",
    "rollback_alias",
    "set_alias",
]

warn_moved(__name__, "holotype.publishing")
