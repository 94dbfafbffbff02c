"""References to models and manifests of artifacts; imports only the standard library."""

from typing import TYPE_CHECKING

from holotype._moved import moved_names
from holotype.errors import (
    ArtifactDamagedError,
    ArtifactError,
    ArtifactExistsError,
    ArtifactNotFoundError,
    CredentialsInReferenceError,
    FileDifference,
    InvalidReferenceError,
    ManifestError,
    UnsafePathError,
)
from holotype.references.checking import check_contents, check_sizes
from holotype.references.manifest import FileEntry, Manifest, parse_manifest, read_manifest
from holotype.references.paths import MANIFEST_FILE
from holotype.references.ref import ModelRef

__all__ = [
    "MANIFEST_FILE",
    "ArtifactDamagedError",
    "ArtifactError",
    "ArtifactExistsError",
    "ArtifactNotFoundError",
    "CredentialsInReferenceError",
    "FileDifference",
    "FileEntry",
    "InvalidReferenceError",
    "Manifest",
    "ManifestError",
    "ModelRef",
    "UnsafePathError",
    "check_contents",
    "check_sizes",
    "parse_manifest",
    "read_manifest",
]

if TYPE_CHECKING:
    Finding = FileDifference
else:
    __getattr__ = moved_names(__name__, {"Finding": "holotype.errors.FileDifference"})
