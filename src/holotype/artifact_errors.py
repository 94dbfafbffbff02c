"""The errors of references and artifacts; `holotype.references` and `holotype.artifacts` export them.

They stand apart from `holotype.errors` so that `import holotype` does not pay for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from holotype.errors import HolotypeError, LocatedError

Problem: TypeAlias = Literal["missing", "extra", "changed", "truncated", "not a file"]

GRAMMAR = """\
  local:PATH                    a folder, such as local:artifacts/model-v1 or local:/srv/model
  local:STORE@ALIAS             what an alias of a store of artifacts stands for
  hf:ORG/MODEL[@REVISION]       a repository on the Hub; the revision is a tag, branch or commit
  s3://BUCKET/PREFIX            an artifact in an object store that speaks S3
  gs://BUCKET/PREFIX            an artifact in Google Cloud Storage
  catalogue:ID                  an entry of the catalogue, at its pinned revision"""
"""The forms of a reference, for people."""


class InvalidReferenceError(HolotypeError, ValueError):
    """A text is no reference to a model.

    Attributes:
        text: the text, without what may be a secret in it.
        problem: what is wrong with it.
        suggestions: references that may be meant, best first.
    """

    def __init__(self, text: str, problem: str, suggestions: Sequence[str] = ()) -> None:
        """Say what is wrong, and what may be meant."""
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
    """A reference holds a user name, a password, a token or a signature."""


class ArtifactError(LocatedError):
    """An artifact, or something that is kept with artifacts, is not what it should be."""


class ArtifactNotFoundError(ArtifactError, LookupError):
    """There is no artifact where a reference says."""


class ArtifactExistsError(ArtifactError):
    """Something is there already, and is not overwritten."""


class ManifestError(ArtifactError):
    """An `artifact.json` is damaged, of another version, or made to do harm."""


class UnsafePathError(ManifestError):
    """A path could lead out of its folder, or means different files on different systems.

    Attributes:
        path: the path.
    """

    def __init__(self, location: str, path: str, problem: str) -> None:
        """Name the path and what is wrong with it."""
        self.path = path
        self.reason = problem
        super().__init__(location, f"the path {path[:200]!r} {problem}")

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from the values, not from the message."""
        return UnsafePathError, (self.location, self.path, self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A file that is not what the manifest says.

    Attributes:
        path: the file within the folder.
        problem: ``missing``; ``extra``, where the manifest does not name it; ``truncated``, where
            it is shorter than it was; ``changed``, where it is longer or has other contents; ``not
            a file``, where it is a link, a folder or a device.
        detail: what was found and what was expected.
    """

    path: str
    problem: Problem
    detail: str = ""

    def __str__(self) -> str:
        """Return one line."""
        return f"{self.problem}: {self.path}" + (f" ({self.detail})" if self.detail else "")


class ArtifactDamagedError(ArtifactError):
    """The files of an artifact are not those that its manifest names.

    Attributes:
        findings: every file that differs.
    """

    def __init__(self, location: str, findings: Sequence[Finding]) -> None:
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
