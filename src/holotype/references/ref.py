"""References: one string that names a model anywhere, and the type that parses it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, cast

from holotype.errors import CredentialsInReferenceError, InvalidReferenceError
from holotype.naming import is_kebab_case
from holotype.records import ModelInfo
from holotype.references.near_misses import redact, suggestions

Scheme: TypeAlias = Literal["local", "hf", "s3", "gs", "memory", "catalogue"]

LONGEST_REFERENCE = 1024

_ALIAS = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")
_REPOSITORY_PART = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?")
_REVISION = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._/+-]{0,198}[A-Za-z0-9_+-])?")
_COMMIT = re.compile(r"[0-9a-fA-F]{40}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_PREFIX_PART = re.compile(r"[A-Za-z0-9!_.*'()=+,-]+")
_UNDECODED = re.compile("[\udc80-\udcff]")
"""What Python puts for the bytes of an argument, or of a file's name, that it cannot decode."""
_SECRET = re.compile(r"hf_[A-Za-z0-9]{20,}|(?:AKIA|ASIA)[0-9A-Z]{16}|://[^/]*@|[?&][\w-]+=")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRef:
    """Where a model comes from; `str()` gives the canonical spelling.

    Attributes:
        scheme: the kind of source.
        location: the folder of ``local``, ``org/model`` of ``hf``, ``bucket/prefix`` of object
            stores, the id of ``catalogue``.
        revision: the tag, branch or commit of ``hf``; None means the newest commit.
        alias: the alias in a local store of artifacts; None means the folder itself.
        record: the entry that describes what ``catalogue`` or ``hf`` names, if it is one of another
            catalogue than holotype's own. No spelling has it: who reads one adds it, see
            `holotype.encoders.names.described_in`.
    """

    scheme: Scheme
    location: str
    revision: str | None = None
    alias: str | None = None
    record: ModelInfo | None = None

    @classmethod
    def parse(cls, text: str) -> ModelRef:
        """Parse a reference without checking whether its target exists.

        Args:
            text: one of ``local:PATH``, ``local:STORE@ALIAS``, ``hf:ORG/MODEL[@REVISION]``,
                ``s3://BUCKET/PREFIX``, ``gs://BUCKET/PREFIX``, ``catalogue:ID``. In a local
                reference, the alias follows the last ``@``; for a folder whose own name contains
                an ``@``, add a slash at the end.

        Raises:
            InvalidReferenceError: the text is none of these; the error shows the grammar and
                suggestions.
            CredentialsInReferenceError: it contains a password, a token or a signature.
        """
        if not isinstance(text, str):
            raise TypeError(f"a reference is a string, not {type(text).__name__}")
        try:
            return _parse(text)
        except CredentialsInReferenceError:
            raise
        except InvalidReferenceError as error:
            meant = suggestions(text, _is_reference) if len(text) <= LONGEST_REFERENCE else ()
            raise InvalidReferenceError(error.text, error.problem, meant) from None

    @classmethod
    def from_environment(cls, name: str) -> ModelRef:
        """Parse the reference in an environment variable.

        Raises:
            InvalidReferenceError: the variable is not set, or is not a reference.
        """
        text = os.environ.get(name, "")
        if not text:
            raise InvalidReferenceError("", f"the environment variable {name} is not set")
        return cls.parse(text)

    @property
    def path(self) -> Path:
        """The folder of a local reference with ``~`` expanded; the store if it has an alias.

        Raises:
            ValueError: the reference is not local.
        """
        if self.scheme != "local":
            raise ValueError(f"{self} is no folder on this machine")
        path = Path(self.location)
        return path.expanduser() if self.location.partition("/")[0] == "~" else path

    @property
    def is_commit(self) -> bool:
        """Whether it names a commit of a repository, which never changes."""
        return self.revision is not None and _COMMIT.fullmatch(self.revision) is not None

    def __str__(self) -> str:
        """Return the canonical spelling; parsing it gives this reference without its record."""
        if self.scheme in ("s3", "gs", "memory"):
            return f"{self.scheme}://{self.location}"
        version = self.alias if self.scheme == "local" else self.revision
        if version is not None:
            return f"{self.scheme}:{self.location}@{version}"
        name = self.location.rpartition("/")[2]
        # Without the slash, the name would read as an alias or lose its trailing space.
        needs_slash = self.scheme == "local" and ("@" in name or name != name.rstrip())
        return f"{self.scheme}:{self.location}{'/' * needs_slash}"


def _parse(text: str) -> ModelRef:
    if len(text) > LONGEST_REFERENCE:
        raise _invalid(
            text[:40] + "...", f"it has {len(text)} characters, more than {LONGEST_REFERENCE}"
        )
    if _SECRET.search(text):
        raise CredentialsInReferenceError(
            redact(text),
            "it holds what looks like a credential, and references are written to logs and "
            "manifests; give it to the store's own client instead (HF_TOKEN, the AWS credentials, "
            "GOOGLE_APPLICATION_CREDENTIALS)",
        )
    if _UNDECODED.search(text):
        raise _invalid(
            text,
            "it holds bytes that are no characters in the encoding of this process, "
            f"{sys.getfilesystemencoding()}; set a locale with UTF-8, such as LC_ALL=C.UTF-8",
        )
    if not text.isprintable() or text != text.strip():
        raise _invalid(text, "it has spaces around it, or characters that do not show")
    scheme, colon, rest = text.partition(":")
    parse = _PARSERS.get(scheme) if colon else None
    if parse is None:
        found = f"there is no kind {scheme + ':'!r}" if colon else "its kind is missing"
        raise _invalid(text, found)
    return parse(text, rest)


def _invalid(text: str, problem: str) -> InvalidReferenceError:
    return InvalidReferenceError(redact(text), problem)


def _is_reference(text: str) -> bool:
    try:
        _parse(text)
    except InvalidReferenceError:
        return False
    return True


def is_alias(name: str) -> bool:
    """Return whether a text is a valid alias: letters, digits, and ``.``, ``_``, ``-`` inside."""
    return _ALIAS.fullmatch(name) is not None


def _local(text: str, rest: str) -> ModelRef:
    if not rest:
        raise _invalid(text, "the path is missing")
    if "://" in text or rest.startswith("//"):
        raise _invalid(text, "a local reference is a path, and has no host")
    folder, at, alias = rest.rpartition("@")
    if not at or "/" in alias:
        return ModelRef(scheme="local", location=_tidy_path(rest))
    if not folder:
        raise _invalid(text, "the folder of the store is missing before the @")
    if not is_alias(alias):
        raise _invalid(
            text,
            f"what follows the @ is no alias: {alias!r}. An alias has up to 64 letters, digits, "
            "dots, dashes and underscores; a folder with an @ in its name ends with a slash",
        )
    return ModelRef(scheme="local", location=_tidy_path(folder), alias=alias)


def _tidy_path(path: str) -> str:
    parts = [part for part in path.split("/") if part not in ("", ".")]
    root = "/" if path.startswith("/") else ""
    # A folder named ~ keeps the ./ that distinguishes it from the home folder.
    here = "./" if path.startswith("./") and parts and parts[0] == "~" else ""
    return f"{here}{root}{'/'.join(parts)}" if parts else root or "."


def _hf(text: str, rest: str) -> ModelRef:
    repository, at, revision = rest.partition("@")
    parts = repository.split("/")
    if len(parts) != 2 or not all(map(_REPOSITORY_PART.fullmatch, parts)):
        raise _invalid(text, f"{redact(repository)!r} is no repository; expected ORG/MODEL")
    if any(bad in repository for bad in ("--", "..")) or repository.endswith(".git"):
        raise _invalid(text, "the Hub has no names with '--', '..' or '.git' at the end")
    if not at:
        return ModelRef(scheme="hf", location=repository)
    if not _REVISION.fullmatch(revision) or ".." in revision or "//" in revision:
        raise _invalid(text, f"{revision!r} is no tag, branch or commit")
    if _COMMIT.fullmatch(revision):
        revision = revision.lower()
    return ModelRef(scheme="hf", location=repository, revision=revision)


def _catalogue(text: str, rest: str) -> ModelRef:
    if "@" in rest:
        raise _invalid(text, "an entry of the catalogue pins its revision itself")
    if not is_kebab_case(rest):
        raise _invalid(
            text,
            f"{rest!r} is no id; ids have small letters, digits, '-' and '.', and other names of "
            "an entry are written without catalogue:",
        )
    return ModelRef(scheme="catalogue", location=rest)


def _object_store(text: str, rest: str) -> ModelRef:
    scheme = cast(Scheme, text.partition(":")[0])
    if not rest.startswith("//"):
        raise _invalid(text, f"expected {scheme}://BUCKET/PREFIX")
    bucket, *prefix = rest[2:].rstrip("/").split("/")
    if scheme == "memory":
        bucket, prefix = "memory", [bucket, *prefix]
    if not _BUCKET.fullmatch(bucket):
        raise _invalid(text, f"{bucket!r} is no name of a bucket")
    if not prefix:
        raise _invalid(text, "the prefix after the bucket is missing")
    for part in prefix:
        if part in (".", "..") or not _PREFIX_PART.fullmatch(part):
            raise _invalid(text, f"{part!r} is no part of a prefix")
    return ModelRef(scheme=scheme, location=rest[2:].rstrip("/"))


_PARSERS: Mapping[str, Callable[[str, str], ModelRef]] = {
    "local": _local,
    "hf": _hf,
    "s3": _object_store,
    "gs": _object_store,
    "memory": _object_store,
    "catalogue": _catalogue,
}
