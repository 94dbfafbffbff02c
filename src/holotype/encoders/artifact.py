"""Artifacts whose files are compared with their manifests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from holotype.encoders.checkpoints.checkpoint import EXPORT_FILE
from holotype.errors import ArtifactDamagedError, ArtifactError, FileDifference
from holotype.references.checking import check_contents_once, check_sizes
from holotype.references.hashing import FileState, OnTotal, state_of
from holotype.references.manifest import Manifest, read_manifest
from holotype.references.paths import MANIFEST_FILE

Verify: TypeAlias = Literal["sizes", "full"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedArtifact:
    """An artifact whose files have been compared with its manifest.

    Attributes:
        folder: the folder.
        manifest: its manifest.
        states: what the system says of its files since before every byte of them was compared;
            None if only names and sizes were.
    """

    folder: Path
    manifest: Manifest
    states: Mapping[Path, FileState | None] | None

    @property
    def digests(self) -> Mapping[str, str]:
        """The SHA-256 of every file by its path; empty if no contents were read."""
        if self.states is None:
            return {}
        return {file.path: file.sha256 for file in self.manifest.files}

    def require_unchanged(self) -> None:
        """Check that no file was written or exchanged since before its bytes were compared.

        Raises:
            ArtifactDamagedError: some were.
        """
        changed = self._touched()
        if changed:
            raise ArtifactDamagedError(
                str(self.folder),
                [
                    FileDifference(
                        path=path.relative_to(self.folder).as_posix(),
                        problem="changed",
                        detail="while it was loaded",
                    )
                    for path in changed
                ],
            )

    def as_it_is_now(self) -> ComparedArtifact:
        """Return the same artifact, its bytes compared again if a file was touched meanwhile.

        Raises:
            ArtifactError: the files differ from the manifest, or it is another one.
        """
        if not self._touched():
            return self
        again = compare_artifact(self.folder, verify="full")
        if again.manifest.digest != self.manifest.digest:
            raise ArtifactError(
                str(self.folder),
                "was replaced by another artifact since it was opened; load it anew",
            )
        return again

    def _touched(self) -> list[Path]:
        states = self.states or {}
        return [path for path, state in states.items() if _state(path) != state]


def is_artifact(folder: Path) -> bool:
    """Return whether a folder is an artifact.

    An export of one that an earlier version made has a copy of its manifest, which does not name
    the files of the export.

    Raises:
        ManifestError: the manifest is damaged or malicious.
    """
    if not (folder / MANIFEST_FILE).exists():
        return False
    if not (folder / EXPORT_FILE).exists():
        return True
    return any(file.path == EXPORT_FILE for file in read_manifest(folder).files)


def compare_artifact(folder: Path, *, verify: Verify) -> ComparedArtifact:
    """Check the files of an artifact against its manifest; see `open_artifact`.

    Raises:
        ArtifactError: see `open_artifact`.
    """
    states = None
    if verify == "full":
        states = {path: _state(path) for path in folder.rglob("*") if path.is_file()}
    manifest = open_artifact(folder, verify=verify)
    return ComparedArtifact(folder=folder, manifest=manifest, states=states)


def open_artifact(
    folder: Path, *, verify: Verify = "full", on_total: OnTotal = lambda _: None
) -> Manifest:
    """Check the files of an artifact against its manifest, and return the manifest.

    Args:
        folder: the artifact.
        verify: ``"full"`` compares every byte; a file that this process read in the last five
            minutes, and that has not been touched since, is not read again. ``"sizes"`` compares
            names and sizes, and does not notice other contents of the same size.
        on_total: shows the progress of reading every byte.

    Raises:
        ArtifactNotFoundError: the folder is not an artifact.
        ManifestError: its manifest is damaged or malicious.
        ArtifactDamagedError: its files differ from the manifest; the error names each.
    """
    manifest = read_manifest(folder)
    try:
        if verify == "sizes":
            findings = check_sizes(folder, manifest)
        else:
            on_bytes = on_total(manifest.size)
            findings = check_contents_once(folder, manifest, on_bytes=on_bytes)
    except OSError as error:
        raise ArtifactError(str(folder), f"cannot be read: {error}") from error
    if findings:
        raise ArtifactDamagedError(str(folder), findings)
    return manifest


def _state(path: Path) -> FileState | None:
    try:
        return state_of(path.lstat())
    except OSError:
        return None
