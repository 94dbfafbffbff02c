"""`holotype.lock`: the exact files of each model of a project, and loading under the lock."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from holotype.errors import (
    ArtifactNotFoundError,
    InvalidReferenceError,
    LockFileError,
    LockMismatchError,
    NotLockedError,
)
from holotype.references.cache import cached_artifact
from holotype.references.entry import entry_of, record_of
from holotype.references.folders import find_folder
from holotype.references.manifest import FileEntry, Manifest, parse_files
from holotype.references.paths import open_file
from holotype.references.ref import ModelRef

LOCK_FILE = "holotype.lock"
LOCK_VARIABLE = "HOLOTYPE_LOCK"

_FORMAT_VERSION = 1
_LARGEST_FILE_BYTES = 64_000_000
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_ENTRY = "entry"
_KEYS = frozenset({"reference", "commit", "digest", "fingerprint", "files"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedModel:
    """The model behind a reference when it was locked.

    Attributes:
        reference: the reference.
        commit: its commit; None if its source has none.
        digest: the digest of the artifact's manifest.
        fingerprint: the fingerprint of its vectors; None if it makes none.
        files: every file, by path.
    """

    reference: ModelRef
    commit: str | None
    digest: str
    fingerprint: str | None
    files: tuple[FileEntry, ...]

    @classmethod
    def of(cls, reference: ModelRef, manifest: Manifest) -> LockedModel:
        """Return the locked model of a reference, from its manifest."""
        return cls(
            reference=reference,
            commit=manifest.commit,
            digest=manifest.digest,
            fingerprint=manifest.fingerprint,
            files=manifest.files,
        )

    @property
    def size(self) -> int:
        """The size of all files in bytes."""
        return sum(file.size for file in self.files)

    def compare(self, found: LockedModel) -> None:
        """Check that a model is the locked one.

        Raises:
            LockMismatchError: it is not; the error lists every difference.
        """
        if found.digest != self.digest:
            raise LockMismatchError(str(self.reference), list(_differences(self, found)))


@dataclass(frozen=True, slots=True, kw_only=True)
class LockFile:
    """The models of a project.

    Attributes:
        models: the locked models, by reference.
    """

    models: tuple[LockedModel, ...]

    def find(self, ref: ModelRef) -> LockedModel | None:
        """Return the locked model of a reference, as it is spelt; None if there is none."""
        return next((model for model in self.models if str(model.reference) == str(ref)), None)

    def to_json(self) -> str:
        """Return the text of the file; the same models give the same text."""
        models = [
            {
                "reference": str(model.reference),
                **_stated(model.reference),
                "commit": model.commit,
                "digest": model.digest,
                "fingerprint": model.fingerprint,
                "files": [
                    {"path": file.path, "size": file.size, "sha256": file.sha256}
                    for file in model.files
                ],
            }
            for model in sorted(self.models, key=lambda model: str(model.reference))
        ]
        values = {"format": _FORMAT_VERSION, "models": models}
        return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def lock_of_environment() -> Path | None:
    """Return the lock file that HOLOTYPE_LOCK names; None if it is not set."""
    name = os.environ.get(LOCK_VARIABLE)
    return Path(name) if name else None


def locked_folder(ref: ModelRef, path: Path) -> tuple[Path, LockedModel]:
    """Return the local folder of a locked reference, and its required contents.

    Nothing is downloaded: a remote reference must already be in the cache.

    Raises:
        LockFileError: the lock file is missing or damaged.
        NotLockedError: it does not name the reference.
        ArtifactNotFoundError: the artifact is not on this machine.
    """
    locked = read_lock(path).find(ref)
    if locked is None:
        raise NotLockedError(
            str(ref),
            f"the lock {str(path)!r} does not name it; add it with: holotype artifact lock {ref}",
        )
    if ref.scheme == "local":
        return find_folder(ref), locked
    folder = cached_artifact(locked.digest)
    if not folder.is_dir():
        raise ArtifactNotFoundError(
            str(ref),
            f"what {str(path)!r} names is not on this machine, and nothing is fetched while a "
            f"model is loaded under a lock; run: holotype download --lock {path}",
        )
    return folder, locked


def read_lock(path: Path) -> LockFile:
    """Read a lock file.

    Raises:
        LockFileError: it is missing, damaged, or of another version.
        ManifestError: its list of files is invalid.
    """
    try:
        with io.BufferedReader(open_file(path)) as file:
            text = file.read(_LARGEST_FILE_BYTES + 1)
    except OSError as error:
        raise LockFileError(
            str(path),
            f"cannot be read: {error.strerror or error}; make it with: holotype artifact lock REF",
        ) from None
    if len(text) > _LARGEST_FILE_BYTES:
        raise LockFileError(str(path), f"is larger than {_LARGEST_FILE_BYTES} bytes")
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise LockFileError(str(path), f"is not JSON ({type(error).__name__})") from None
    if not isinstance(values, dict) or values.get("format") != _FORMAT_VERSION:
        raise LockFileError(str(path), f"is no lock file of the format {_FORMAT_VERSION}")
    models = values.get("models")
    if set(values) != {"format", "models"} or not isinstance(models, list):
        raise LockFileError(str(path), "expected the keys format and models")
    found = tuple(_model(item, str(path)) for item in models)
    if len({str(model.reference) for model in found}) < len(found):
        raise LockFileError(str(path), "names a reference twice")
    return LockFile(models=found)


def _model(item: Any, location: str) -> LockedModel:
    if not isinstance(item, dict) or set(item) - {_ENTRY} != _KEYS:
        raise LockFileError(location, f"has a model without {', '.join(sorted(_KEYS))}")
    try:
        reference = ModelRef.parse(str(item["reference"]))
    except InvalidReferenceError as error:
        raise LockFileError(location, f"names no model: {error.problem}") from None
    if _ENTRY in item:
        if reference.scheme not in ("catalogue", "hf"):
            raise LockFileError(location, f"gives {str(reference)!r} an entry of a catalogue")
        reference = replace(reference, record=record_of(item[_ENTRY], location))
    for key, pattern, optional in (
        ("commit", _COMMIT, True),
        ("digest", _DIGEST, False),
        ("fingerprint", _DIGEST, True),
    ):
        value = item[key]
        if (value is None and optional) or (isinstance(value, str) and pattern.fullmatch(value)):
            continue
        raise LockFileError(location, f"gives {str(reference)!r} the {key} {str(value)[:80]!r}")
    return LockedModel(
        reference=reference,
        commit=item["commit"],
        digest=item["digest"],
        fingerprint=item["fingerprint"],
        files=parse_files(item["files"], location),
    )


def _stated(reference: ModelRef) -> dict[str, Any]:
    """Return the entry of another catalogue, so that fetching the model needs only the lock."""
    return {} if reference.record is None else {_ENTRY: entry_of(reference.record)}


def _differences(locked: LockedModel, found: LockedModel) -> Iterator[str]:
    if locked.commit != found.commit:
        yield f"commit: {found.commit or 'none'}, locked {locked.commit or 'none'}"
    if locked.fingerprint != found.fingerprint:
        yield f"fingerprint: {found.fingerprint or 'none'}, locked {locked.fingerprint or 'none'}"
    ours = {file.path: file for file in locked.files}
    theirs = {file.path: file for file in found.files}
    for path in sorted(ours.keys() | theirs.keys()):
        if path not in theirs:
            yield f"missing: {path}"
        elif path not in ours:
            yield f"extra: {path}"
        elif ours[path] != theirs[path]:
            yield f"changed: {path}"
    yield f"manifest: {found.digest}, locked {locked.digest}"
