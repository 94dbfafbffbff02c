"""Artifacts: folders that hold all that is needed to run a model, and say what that is."""

from holotype.artifacts.aliases import rollback_alias, set_alias
from holotype.artifacts.creating import create_artifact
from holotype.artifacts.gathering import CreationOptions
from holotype.artifacts.info import ReferencedModel, get_model_info, load_labels
from holotype.artifacts.locking import fetch_locked, lock_model
from holotype.artifacts.pushing import push_artifact
from holotype.encoders.opening import open_artifact
from holotype.references.pulling import pull_artifact
from holotype.store_errors import (
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
