"""The layout of the Hub's cache: which repository a path belongs to, and which links to trust.

``models--ORG--NAME/snapshots/COMMIT/FILE`` links to ``models--ORG--NAME/blobs/DIGEST``. The digest
is the SHA-256 of a large file, and the git object id of a small one. Since huggingface_hub 1.32,
the blob of a large file may in turn link to ``blobs/AB/AB...``, beside the repositories and under
another digest, so that repositories share it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from holotype.errors import CheckpointError

_SNAPSHOTS, _BLOBS, _MODELS = "snapshots", "blobs", "models--"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHARED = re.compile(r"([0-9a-f]{2})/\1[0-9a-f]{62}")
_SHA256_DIGITS = 64
_DIGEST = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The files of a commit in the Hub's cache."""

    folder: Path

    @property
    def huggingface_id(self) -> str:
        """The repository."""
        return self._repository.name.removeprefix(_MODELS).replace("--", "/", 1)

    @property
    def commit(self) -> str:
        """The commit."""
        return self.folder.name

    def owns(self, real: Path) -> bool:
        """Whether a resolved path is where the cache keeps files of this repository."""
        if real.is_relative_to(self.folder) or real.parent == self._repository / _BLOBS:
            return True
        shared = self._repository.parent / _BLOBS
        inside = real.relative_to(shared).as_posix() if real.is_relative_to(shared) else ""
        return _SHARED.fullmatch(inside) is not None

    def digest(self, name: str) -> str | None:
        """Return the digest that names a file's blob; None if the file does not link to one."""
        path = self.folder / name
        if not path.is_symlink():
            return None
        # Follow one link only: a shared blob is named by the digest of its chunks.
        blob = Path(os.path.normpath(path.parent / path.readlink()))
        is_kept = blob.parent == self._repository / _BLOBS and _DIGEST.fullmatch(blob.name)
        return blob.name if is_kept else None

    @property
    def _repository(self) -> Path:
        return self.folder.parent.parent


def find_snapshot(folder: Path) -> Snapshot | None:
    """Return the snapshot at a folder; None if the folder is not one in a Hub cache."""
    folder = folder.resolve()
    if folder.parent.name != _SNAPSHOTS or not _COMMIT.fullmatch(folder.name):
        return None
    is_cached = folder.parent.parent.name.startswith(_MODELS)
    return Snapshot(folder=folder) if is_cached else None


def find_snapshot_above(path: Path) -> Snapshot | None:
    """Return the snapshot that contains a file; None if there is none."""
    found = map(find_snapshot, path.absolute().parents)
    return next((snapshot for snapshot in found if snapshot is not None), None)


def require_digests(
    snapshot: Snapshot,
    names: Iterable[str],
    *,
    sha256_of: Callable[[str], str],
    git_sha1_of: Callable[[str], str] | None = None,
) -> None:
    """Compare files with the digests that name their blobs; huggingface_hub compares sizes alone.

    Args:
        snapshot: the snapshot that they are of.
        names: the files.
        sha256_of: returns the SHA-256 of a file.
        git_sha1_of: returns git's object id of a file; None leaves small files out.

    Raises:
        CheckpointError: a file has other bytes than the Hub says.
        OSError: a file cannot be read.
    """
    for name in names:
        expected = snapshot.digest(name)
        digest_of = sha256_of if expected and len(expected) == _SHA256_DIGITS else git_sha1_of
        if expected is None or digest_of is None:
            continue
        found = digest_of(name)
        if found != expected:
            path = snapshot.folder / name
            raise CheckpointError(
                str(path),
                f"is damaged: its digest is {found}, and the Hub says {expected}; {fetch_again(path)}",
            )


def fetch_again(path: Path) -> str:
    """Return the advice for a damaged file.

    If the file is in the Hub's cache, another download does not help: huggingface_hub returns the
    damaged file.
    """
    snapshot = find_snapshot_above(path)
    if snapshot is None:
        return "fetch it again"
    # Resolve the folder only: the file itself links out of the snapshot.
    name = (path.parent.resolve() / path.name).relative_to(snapshot.folder).as_posix()
    return (
        "a download would return it as it is; replace it with: hf download "
        f"{snapshot.huggingface_id} {name} --revision {snapshot.commit} --force-download; or "
        f"delete {(snapshot.folder / name).resolve()} and fetch it again"
    )


def terms_of_gated(page: str) -> str:
    """Return how to be let into a gated repository with this page, without a full stop."""
    return (
        f"The repository is gated: accept the conditions on {page}, and set HF_TOKEN or "
        "run: hf auth login"
    )
