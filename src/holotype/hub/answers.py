"""Parse the Hub's description of a repository from an untrusted answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id

_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A repository at one commit.

    Attributes:
        id: its current name, which differs from the requested one after a rename.
        commit: the commit.
        sizes: the size of every file in bytes; None if the Hub does not state it.
        changed: the time of the commit, ISO 8601; None if the Hub does not state it.
        sha256: the SHA-256 of large files.
        git_sha1: the git object ids of small files: the SHA-1 of their length and bytes.
    """

    id: str
    commit: str
    sizes: Mapping[str, int | None]
    changed: str | None
    sha256: Mapping[str, str] = field(default_factory=dict)
    git_sha1: Mapping[str, str] = field(default_factory=dict)


def parse_repository(body: bytes, revision: str | None) -> Repository:
    """Return the repository that an answer describes.

    Args:
        body: the answer.
        revision: the requested revision; if it is a commit, the answer must be about it.

    Raises:
        ValueError: the answer describes no repository, or another commit.
    """
    try:
        values = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(values, dict):
        raise ValueError(f"expected an object, found {_shown(values)}")
    commit = _text(values, "sha", _COMMIT)
    if commit is None:
        raise ValueError("it names no commit")
    if revision is not None and _COMMIT.fullmatch(revision) and commit != revision:
        raise ValueError(f"it describes commit {commit} instead of {revision}")
    siblings = values.get("siblings") or []
    if not isinstance(siblings, list):
        raise ValueError(f"'siblings' is {_shown(siblings)}, expected a list")
    sizes: dict[str, int | None] = {}
    sha256: dict[str, str] = {}
    git_sha1: dict[str, str] = {}
    for file in siblings:
        name = _file_name(file)
        sizes[name] = _size(file)
        large = file.get("lfs")
        if large:
            if not isinstance(large, dict):
                raise ValueError(f"'lfs' is {_shown(large)}, expected an object")
            digest = _text(large, "sha256", _SHA256)
            if digest is not None:
                sha256[name] = digest
        # For a large file, this is the id of its LFS pointer, not of its contents.
        elif (digest := _text(file, "blobId", _COMMIT)) is not None:
            git_sha1[name] = digest
    return Repository(
        id=_id(values),
        commit=commit,
        sizes=sizes,
        changed=_moment(values),
        sha256=sha256,
        git_sha1=git_sha1,
    )


def _id(values: Mapping[str, Any]) -> str:
    name = values.get("id")
    try:
        validate_repo_id(name)
    except HFValidationError:
        name = None
    if not isinstance(name, str):
        found = _shown(values.get("id"))
        raise ValueError(f"'id' is {found}, expected the name of a repository")
    return name


def _file_name(file: object) -> str:
    if not isinstance(file, dict):
        raise ValueError(f"a file is {_shown(file)}, expected an object")
    name = file.get("rfilename")
    if not isinstance(name, str) or not name or "\0" in name or not _has_bytes(name):
        raise ValueError(f"'rfilename' is {_shown(name)}, expected the name of a file")
    return name


def _has_bytes(name: str) -> bool:
    """Whether a text can be encoded as UTF-8; lone surrogates cannot."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _size(file: Mapping[str, Any]) -> int | None:
    size = file.get("size")
    if size is None:
        return None
    if type(size) is not int or size < 0:
        raise ValueError(f"'size' is {_shown(size)}, expected a number of bytes")
    return size


def _text(values: Mapping[str, Any], key: str, pattern: re.Pattern[str]) -> str | None:
    text = values.get(key)
    if text is None:
        return None
    if not isinstance(text, str) or not pattern.fullmatch(text):
        raise ValueError(f"{key!r} is {_shown(text)}, expected hexadecimal digits")
    return text


def _moment(values: Mapping[str, Any]) -> str | None:
    text = values.get("lastModified")
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).isoformat()
    except (ValueError, TypeError):
        raise ValueError(f"'lastModified' is {_shown(text)}, expected a time") from None


def _shown(value: object) -> str:
    return ascii(value)[:60]
