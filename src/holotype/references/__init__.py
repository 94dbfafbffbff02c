"""References to models and manifests of artifacts; imports only the standard library."""

from holotype.errors import (
    ArtifactDamagedError,
    ArtifactError,
    ArtifactExistsError,
    ArtifactNotFoundError,
    CredentialsInReferenceError,
    Finding,
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
    "FileEntry",
    "Finding",
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
