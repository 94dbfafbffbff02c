"""What can go wrong with references, artifacts, stores of them, and lock files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

from holotype.errors.base import Advice, HolotypeError, LocatedError

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from holotype._dataclass import dataclass

Problem: TypeAlias = Literal["missing", "extra", "changed", "not a file"]
"""What may be wrong with a file of an artifact; see `FileDifference`."""

GRAMMAR = """\
  local:PATH                    a folder, such as local:artifacts/model-v1 or local:/srv/model
  local:STORE@ALIAS             what an alias of a store of artifacts stands for
  hf:ORG/MODEL[@REVISION]       a repository on the Hub; the revision is a tag, branch or commit
  s3://BUCKET/PREFIX            an artifact in an object store that speaks S3
  gs://BUCKET/PREFIX            an artifact in Google Cloud Storage
  catalogue:ID                  an entry of the catalogue, at its pinned revision"""
"""The forms of a reference, as shown in errors and help."""


class InvalidReferenceError(HolotypeError, ValueError):
    """A text is not a valid reference to a model.

    Attributes:
        text: the text, with possible secrets removed.
        problem: what is wrong with it.
        suggestions: references that may be meant, best first.
    """

    def __init__(self, text: str, problem: str, suggestions: Sequence[str] = ()) -> None:
        """State the problem, and what may be meant."""
        self.text = text
        self.problem = problem
        self.suggestions = tuple(suggestions)
        super().__init__(text, problem, self.suggestions)

    def __str__(self) -> str:
        """Return the message, which ends with the grammar."""
        hint = ""
        if self.suggestions:
            hint = f"; did you mean {' or '.join(map(repr, self.suggestions))}?"
        return (
            f"{self.text!r} is no reference: {self.problem}{hint}\nA reference is one of\n{GRAMMAR}"
        )


class CredentialsInReferenceError(InvalidReferenceError):
    """A reference contains a user name, a password, a token or a signature."""


class ArtifactError(LocatedError):
    """An artifact, or a file that belongs to artifacts, has a problem."""


class ArtifactNotFoundError(ArtifactError, LookupError):
    """There is no artifact at the location that a reference names."""


class ArtifactExistsError(ArtifactError):
    """The target already exists, and is not overwritten."""


class ManifestError(ArtifactError):
    """An `artifact.json` is damaged, of another version, or malicious."""


class UnsafePathError(ManifestError):
    """A path could leave its folder, or means different files on different systems.

    Attributes:
        path: the path.
    """

    def __init__(self, location: str, path: str, problem: str) -> None:
        """Name the path and the problem."""
        self.path = path
        self.reason = problem
        super().__init__(location, f"the path {path[:200]!r} {problem}")

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from the values, not from the message."""
        return UnsafePathError, (self.location, self.path, self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDifference:
    """A file that differs from the manifest.

    Attributes:
        path: the file within the folder.
        problem: ``missing``; ``extra`` if the manifest does not name it; ``changed`` if it has
            another size or other contents; ``not a file`` if it is a link, a folder or a device.
        detail: what was found and what was expected.
    """

    path: str
    problem: Problem
    detail: str = ""

    def __str__(self) -> str:
        """Return one line."""
        return f"{self.problem}: {self.path}" + (f" ({self.detail})" if self.detail else "")


class ArtifactDamagedError(ArtifactError):
    """The files of an artifact differ from its manifest.

    Attributes:
        findings: every file that differs.
    """

    def __init__(self, location: str, findings: Sequence[FileDifference]) -> None:
        """Name every file that differs."""
        self.findings = tuple(findings)
        lines = [f"  {finding}" for finding in self.findings]
        head = (
            f"{len(lines)} file{'s' * (len(lines) != 1)} of this artifact "
            f"differ{'s' * (len(lines) == 1)} from its manifest; fetch or create it again"
        )
        super().__init__(location, "\n".join([head, *lines]))

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from the values, not from the message."""
        return ArtifactDamagedError, (self.location, self.findings)


class AliasNotFoundError(ArtifactNotFoundError):
    """A store of artifacts has no such alias, or the alias has no earlier version to restore."""


class StoreBusyError(ArtifactError):
    """Another process is changing the same aliases, or making the same artifact."""


class DifferentVectorsError(ArtifactError):
    """An alias would move to another vector space, which corrupts every index.

    Attributes:
        current: the fingerprint of the alias's model; None if it makes no vectors.
        proposed: the fingerprint of the proposed model; likewise.
    """

    def __init__(self, location: str, current: str | None, proposed: str | None) -> None:
        """Show both fingerprints, and the choices."""
        self.current = current
        self.proposed = proposed
        super().__init__(
            location,
            "the new vectors differ from those in use, so an index of one is useless with the other "
            f"(fingerprints: {_short(current)} in use, {_short(proposed)} new)",
            Advice(
                "confirm-different-vectors",
                "confirm it with --allow-different-vectors (allow_different_vectors=True)",
                joint=". Rebuild the index and ",
                after=", or choose a model with the same fingerprint",
            ),
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from the values, not from the message."""
        return DifferentVectorsError, (self.location, self.current, self.proposed)


def _short(fingerprint: str | None) -> str:
    return "no vectors" if fingerprint is None else f"{fingerprint[:19]}..."


class ObjectStoreError(ArtifactError):
    """An object store denies a request, cannot be reached, or has unexpected contents."""


class LockFileError(ArtifactError):
    """A lock file is missing, damaged, or of another version."""


class NotLockedError(ArtifactNotFoundError):
    """A model is loaded under a lock file that does not name it."""


class LockMismatchError(ArtifactError):
    """A model differs from the lock file.

    Attributes:
        differences: what differs, one line each.
    """

    def __init__(self, location: str, differences: Sequence[str]) -> None:
        """List what differs."""
        self.differences = tuple(differences)
        lines = "\n".join(f"  {difference}" for difference in self.differences)
        super().__init__(
            location,
            "is not what the lock file says; bring the locked files back, or lock what is there "
            f"with: holotype artifact lock\n{lines}",
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from the values, not from the message."""
        return LockMismatchError, (self.location, self.differences)
