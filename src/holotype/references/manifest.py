"""`artifact.json`: the contents and the origin of an artifact. Nothing in it is trusted."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from holotype.errors import (
    ArtifactNotFoundError,
    InvalidReferenceError,
    ManifestError,
)
from holotype.records import ModelInfo
from holotype.references.entry import entry_of, record_of
from holotype.references.paths import MANIFEST_FILE, check_distinct, check_path, open_file
from holotype.references.ref import ModelRef

FORMAT_VERSION = 1

LARGEST_MANIFEST_BYTES = 16_000_000
_LARGEST_FILE_BYTES = 1 << 44
_MOST_FILES = 10_000
_MOST_LABELS = 200_000
_LONGEST_LABEL = 2_000
_SHA256 = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_KEYS = frozenset(
    {
        *("format", "reference", "commit", "entry", "files", "digest", "fingerprint", "labels"),
        *("created", "tool"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """A file of an artifact.

    Attributes:
        path: its path within the artifact, with forward slashes.
        size: its size in bytes.
        sha256: its digest, 64 hexadecimal digits.
    """

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The contents of `artifact.json`.

    Attributes:
        reference: the origin of the artifact.
        commit: the exact commit, 40 hexadecimal digits; None if the source has none.
        record: the catalogue's entry at that time; for a model outside the catalogue, the record
            derived from its files.
        files: every file except the manifest, by path.
        fingerprint: the fingerprint that two encoders must share to share an index; None if no
            encoder of this version makes vectors of the model.
        labels: the labels of a classifier, in the order of its outputs; otherwise empty.
        created: the creation time in UTC, to the second.
        tool: the name and version of the tool that made it.
        has_empty_id: whether the entry states an unknown repository as an empty text, as up to
            0.1.0; the digest covers it.
    """

    reference: ModelRef
    commit: str | None
    record: ModelInfo
    files: tuple[FileEntry, ...]
    fingerprint: str | None
    labels: tuple[str, ...] = ()
    created: datetime
    tool: str
    has_empty_id: bool = False

    @property
    def size(self) -> int:
        """The size of all files in bytes."""
        return sum(file.size for file in self.files)

    @property
    def digest(self) -> str:
        """The digest of everything in the manifest except `created` and `tool`."""
        covered = _covered(self)
        text = json.dumps(covered, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"

    def to_json(self) -> str:
        """Return the text of `artifact.json`."""
        values = _covered(self)
        values["digest"] = self.digest
        values["created"] = self.created.astimezone(UTC).strftime(_TIME)
        values["tool"] = self.tool
        return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of an artifact.

    Raises:
        ArtifactNotFoundError: the folder does not exist, or has no manifest.
        ManifestError: the manifest is damaged, malicious, or of another version.
    """
    path = folder / MANIFEST_FILE
    try:
        with io.BufferedReader(open_file(path)) as file:
            text = file.read(LARGEST_MANIFEST_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        what = (
            f"the folder has no {MANIFEST_FILE}" if folder.is_dir() else "there is no such folder"
        )
        raise ArtifactNotFoundError(
            str(folder), f"{what}; make an artifact with: holotype artifact create REF --to PATH"
        ) from None
    except OSError as error:
        raise ManifestError(str(path), f"cannot be read: {error.strerror or error}") from error
    return parse_manifest(text, str(path))


def parse_manifest(text: bytes, location: str) -> Manifest:
    """Parse a manifest and check its digest, but not its files.

    Args:
        text: the contents of an `artifact.json`, untrusted.
        location: its location, for errors.

    Raises:
        ManifestError: it is damaged, malicious, or of another version.
    """
    values = _object(text, location)
    version = values.get("format")
    if version != FORMAT_VERSION or isinstance(version, bool):
        raise ManifestError(
            location,
            f"has the format {str(version)[:40]!r}; this version of holotype reads "
            f"{FORMAT_VERSION}. Update holotype, or create the artifact again",
        )
    if unknown := sorted(_KEYS ^ set(values)):
        raise ManifestError(location, f"lacks or should not have the key {unknown[0][:80]!r}")
    manifest = Manifest(
        reference=_reference(values["reference"], location),
        commit=_matching(values, "commit", _COMMIT, location),
        record=record_of(values["entry"], location),
        files=parse_files(values["files"], location),
        fingerprint=_matching(values, "fingerprint", _DIGEST, location),
        labels=_labels(values["labels"], location),
        created=_time(values["created"], location),
        tool=_tool(values["tool"], location),
        has_empty_id=values["entry"].get("huggingface_id") == "",
    )
    if values["digest"] != manifest.digest:
        raise ManifestError(
            location,
            "its digest is not that of what it says: it was changed after the artifact was made; "
            "fetch or create the artifact again",
        )
    return manifest


def _covered(manifest: Manifest) -> dict[str, Any]:
    entry = entry_of(manifest.record)
    if manifest.has_empty_id:
        entry["huggingface_id"] = ""
    return {
        "format": FORMAT_VERSION,
        "reference": str(manifest.reference),
        "commit": manifest.commit,
        "entry": entry,
        "fingerprint": manifest.fingerprint,
        "labels": list(manifest.labels),
        "files": [
            {"path": file.path, "size": file.size, "sha256": file.sha256}
            for file in sorted(manifest.files, key=lambda file: file.path)
        ],
    }


def _object(text: bytes, location: str) -> Mapping[str, Any]:
    if len(text) > LARGEST_MANIFEST_BYTES:
        raise ManifestError(location, f"is larger than {LARGEST_MANIFEST_BYTES} bytes")

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(found)) < len(found):
            raise ManifestError(location, "names a key twice")
        return dict(found)

    def number(text: str) -> NoReturn:
        raise ManifestError(location, f"has the number {text}")

    try:
        values = json.loads(text, object_pairs_hook=pairs, parse_constant=number)
    # The message of a decoding error would repeat the file's contents.
    except (ValueError, RecursionError) as error:
        raise ManifestError(location, f"is not JSON ({type(error).__name__})") from None
    if not isinstance(values, dict):
        raise ManifestError(location, "holds no JSON object")
    return values


def _reference(value: object, location: str) -> ModelRef:
    try:
        reference = ModelRef.parse(value if isinstance(value, str) else "")
    except InvalidReferenceError as error:
        raise ManifestError(location, f"names no source: {error.problem}") from None
    return reference


def _matching(
    values: Mapping[str, Any], key: str, pattern: re.Pattern[str], location: str
) -> str | None:
    value = values[key]
    if value is None:
        return None
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ManifestError(location, f"has the {key} {str(value)[:80]!r}")
    return value


def parse_files(value: object, location: str) -> tuple[FileEntry, ...]:
    """Return the files in a JSON list.

    Raises:
        ManifestError: the list is invalid.
        UnsafePathError: a path is unsafe.
    """
    if not isinstance(value, list) or not 0 < len(value) <= _MOST_FILES:
        raise ManifestError(location, f"does not list 1 to {_MOST_FILES} files")
    files = tuple(_file(item, location) for item in value)
    paths = [file.path for file in files]
    check_distinct([*paths, MANIFEST_FILE], location)
    if paths != sorted(paths):
        raise ManifestError(location, "does not list its files in order")
    return files


def _file(item: object, location: str) -> FileEntry:
    if not isinstance(item, dict) or set(item) != {"path", "size", "sha256"}:
        raise ManifestError(location, "lists something else than path, size and sha256 of files")
    path, size, sha256 = item["path"], item["size"], item["sha256"]
    if not isinstance(path, str):
        raise ManifestError(location, f"has the path {str(path)[:80]!r}")
    check_path(path, location)
    if type(size) is not int or not 0 <= size <= _LARGEST_FILE_BYTES:
        raise ManifestError(location, f"gives {path!r} the size {str(size)[:80]!r}")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise ManifestError(location, f"gives {path!r} the sha256 {str(sha256)[:80]!r}")
    return FileEntry(path=path, size=size, sha256=sha256)


def _labels(value: object, location: str) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > _MOST_LABELS:
        raise ManifestError(location, "has labels that are no list")
    if not all(isinstance(item, str) and len(item) <= _LONGEST_LABEL for item in value):
        raise ManifestError(location, "has labels that are no short texts")
    return tuple(value)


def _time(value: object, location: str) -> datetime:
    try:
        return datetime.strptime(str(value), _TIME).replace(tzinfo=UTC)
    except ValueError:
        raise ManifestError(location, f"was created at {str(value)[:40]!r}") from None


def _tool(value: object, location: str) -> str:
    if not isinstance(value, str) or not value.isprintable() or len(value) > 200:
        raise ManifestError(location, "was made by something that has no name")
    return value
