"""The file of an export that says what it was made from, and what it lost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holotype.encoders.checkpoints.checkpoint import EXPORT_FILE, Checkpoint
from holotype.encoders.checkpoints.json_file import JsonFile
from holotype.encoders.checkpoints.safetensors import weight_files
from holotype.errors import CheckpointError
from holotype.references.hashing import hash_file_once

if TYPE_CHECKING:
    from holotype.encoders.graphs.losses import Loss

MANIFEST_FILE = EXPORT_FILE
_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDigest:
    """One file of an export or of the checkpoint that it was made from."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What an export was made from.

    Attributes:
        model_id: the id of the record.
        huggingface_id: the repository of the original weights; None where it is not known.
        revision: their commit; None where it is not known.
        backend: what runs the export.
        dtype: the type of its arithmetic.
        graph: the file that the backend opens, relative to the folder.
        files: all files of the export but this one.
        transformer: the transformer's folder within the checkpoint; empty for the checkpoint itself.
        weights: the weights' files in that folder, of the checkpoint that it was made from.
        tools: the versions of the packages that made it.
        loss: how far it is from the original; None before that has been measured.
    """

    model_id: str
    huggingface_id: str | None
    revision: str | None
    backend: str
    dtype: str
    graph: str
    files: Mapping[str, FileDigest]
    transformer: str
    weights: Mapping[str, FileDigest]
    tools: Mapping[str, str]
    loss: Loss | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFacts:
    """The part of a manifest that loading needs."""

    revision: str | None
    backend: str
    dtype: str
    graph: str
    files: Mapping[str, FileDigest]


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of an export that nobody reads yet."""
    values = {"format": _FORMAT, **asdict(manifest)}
    (folder / MANIFEST_FILE).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def read_facts(checkpoint: Checkpoint) -> ExportFacts | None:
    """Read what loading needs of a manifest; None where the folder is no export of holotype's.

    Raises:
        CheckpointError: the file is damaged, or of a newer format.
    """
    if not checkpoint.has(MANIFEST_FILE):
        return None
    file = checkpoint.json(MANIFEST_FILE)
    if file.values.get("format") != _FORMAT:
        raise file.wrong("format", file.values.get("format"), f"{_FORMAT}; update holotype")
    files = file.part("files")
    revision = file.text("revision")
    return ExportFacts(
        revision=revision.value if revision else None,
        backend=_stated(file, "backend"),
        dtype=_stated(file, "dtype"),
        graph=_stated(file, "graph"),
        files={
            name: _digest(file, name, described)
            for name, described in (files.values if files else {}).items()
        },
    )


def original_weights(checkpoint: Checkpoint) -> dict[str, str]:
    """Return the SHA-256 of the weights that an export was made from; none where it is no export.

    Returns:
        The digests by the paths that the files had within the checkpoint.

    Raises:
        CheckpointError: the manifest is damaged.
    """
    if not checkpoint.has(MANIFEST_FILE):
        return {}
    file = checkpoint.json(MANIFEST_FILE)
    inside = file.text("transformer")
    prefix = f"{inside.value}/" if inside and inside.value else ""
    weights = file.part("weights")
    described = weights.values if weights else {}
    # Exports of earlier versions name other safetensors beside weights of the usual names.
    kept = weight_files(list(described)) or tuple(described)
    return {prefix + name: _digest(file, name, described[name]).sha256 for name in kept}


def check_files(folder: Path, files: Mapping[str, FileDigest]) -> None:
    """Compare files with their digests.

    Raises:
        CheckpointError: a file is missing, shorter or longer than it was, or has changed.
    """
    for name, expected in files.items():
        path = folder / name
        if not path.is_file():
            raise CheckpointError(str(folder), f"the file {name} of the export is missing")
        size = path.stat().st_size
        if size != expected.bytes:
            raise CheckpointError(
                str(path),
                f"has {size} bytes; {MANIFEST_FILE} says {expected.bytes}. Copy or export it again",
            )
        found = hash_file_once(path.resolve())
        if found != expected.sha256:
            raise CheckpointError(
                str(path),
                f"has the SHA-256 {found}; {MANIFEST_FILE} says {expected.sha256}. It has changed "
                "since its parity was checked; export it again",
            )


def digests(folder: Path, names: Iterable[str]) -> dict[str, FileDigest]:
    """Return the digests of files, by their names within a folder."""
    return {name: digest_of(folder / name) for name in sorted(names)}


def digest_of(path: Path) -> FileDigest:
    """Return the size and the SHA-256 of a file."""
    with path.open("rb") as file:
        return FileDigest(
            bytes=path.stat().st_size, sha256=hashlib.file_digest(file, "sha256").hexdigest()
        )


def _stated(file: JsonFile, key: str) -> str:
    found = file.text(key)
    if found is None:
        raise file.wrong(key, None, "a string")
    return found.value


def _digest(file: JsonFile, name: str, described: Any) -> FileDigest:
    size = described.get("bytes") if isinstance(described, dict) else None
    sha256 = described.get("sha256") if isinstance(described, dict) else None
    outside = Path(name).is_absolute() or ".." in Path(name).parts
    if not isinstance(size, int) or not isinstance(sha256, str) or outside:
        raise file.wrong(f"files/{name}", described, "the size and the digest of a file")
    return FileDigest(bytes=size, sha256=sha256)
