"""Artifacts: folders with everything needed to run a model, and a manifest."""

from holotype.encoders.artifact import open_artifact
from holotype.errors import (
    AliasNotFoundError,
    DifferentVectorsError,
    LockFileError,
    LockMismatchError,
    NotLockedError,
    ObjectStoreError,
    StoreBusyError,
)
from holotype.publishing.alias_switching import rollback_alias, set_alias
from holotype.publishing.contents import CreationOptions
from holotype.publishing.creating import create_artifact
from holotype.publishing.info import ReferencedModel, get_model_info, load_labels
from holotype.publishing.locking import fetch_locked, lock_model
from holotype.publishing.pushing import push_artifact
from holotype.references.pulling import pull_artifact

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
