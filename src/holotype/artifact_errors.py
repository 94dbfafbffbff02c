"""Deprecated: what was here is in `holotype.errors`; importing this module warns."""

from holotype._moved import warn_moved
from holotype.errors import (
    ArtifactDamagedError,
    ArtifactError,
    ArtifactExistsError,
    ArtifactNotFoundError,
    CredentialsInReferenceError,
    FileDifference,
    InvalidReferenceError,
    ManifestError,
    Problem,
    UnsafePathError,
)

__all__ = [
    "ArtifactDamagedError",
    "ArtifactError",
    "ArtifactExistsError",
    "ArtifactNotFoundError",
    "CredentialsInReferenceError",
    "Finding",
    "InvalidReferenceError",
    "ManifestError",
    "Problem",
    "UnsafePathError",
]

Finding = FileDifference

warn_moved(__name__, "holotype.errors")
