"""The errors of aliases, lock files and object stores; `holotype.artifacts` exports them."""

from __future__ import annotations

from collections.abc import Sequence

from holotype.artifact_errors import ArtifactError, ArtifactNotFoundError


class AliasNotFoundError(ArtifactNotFoundError):
    """A store of artifacts has no such alias, or none to go back to."""


class StoreBusyError(ArtifactError):
    """Another process changes the same aliases, or makes the same artifact."""


class DifferentVectorsError(ArtifactError):
    """An alias would go from one vector space to another, which corrupts every index.

    Attributes:
        current: the fingerprint of what the alias stands for; None where it makes no vectors.
        proposed: the fingerprint of what it would stand for.
    """

    def __init__(self, location: str, current: str | None, proposed: str | None) -> None:
        """Show both fingerprints, and what to do."""
        self.current = current
        self.proposed = proposed
        super().__init__(
            location,
            "the vectors of the two artifacts differ, so that an index of the one is wrong for the "
            f"other: {_short(current)} now, {_short(proposed)} then. Build the index anew and say "
            "so with --allow-different-vectors (allow_different_vectors=True), or choose an "
            "artifact of the same fingerprint",
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from the values, not from the message."""
        return DifferentVectorsError, (self.location, self.current, self.proposed)


class ObjectStoreError(ArtifactError):
    """An object store refuses, cannot be reached, or has something else than expected."""


class LockFileError(ArtifactError):
    """A lock file is missing, damaged, or of another version."""


class NotLockedError(ArtifactNotFoundError):
    """A model is loaded under a lock file that does not name it."""


class LockMismatchError(ArtifactError):
    """A model is not what the lock file says.

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


def _short(fingerprint: str | None) -> str:
    return "no vectors" if fingerprint is None else f"{fingerprint[:19]}..."
