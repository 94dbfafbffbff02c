"""Downloads the files of an artifact from the Hub and checks their digests."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from huggingface_hub import try_to_load_from_cache

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.modules import MODULES_FILE
from holotype.encoders.checkpoints.routes import index_files, router_files
from holotype.errors import ArtifactError, CheckpointError
from holotype.hub.answers import Repository
from holotype.hub.client import HubClient
from holotype.publishing.copying import copy_file, git_sha1
from holotype.publishing.selection import select_files
from holotype.references.hashing import OnBytes, OnTotal, hash_file
from holotype.references.manifest import FileEntry
from holotype.references.paths import check_distinct, check_path
from holotype.references.staging import keep_only

_PART = ".part"
"""The suffix of an incomplete file, after the digest that it is to have."""
_N_DIGITS = 16

_AT_ONCE = 4


def fetch_repository(
    client: HubClient,
    repository: Repository,
    folder: Path,
    *,
    with_pickles: bool,
    with_code: bool,
    largest_bytes: int,
    on_total: OnTotal,
) -> tuple[FileEntry, ...]:
    """Download the files that a model needs into a folder, keeping those already there.

    Every file is compared with the Hub's digest, also what an earlier run left, which may have been
    of another commit. Files in the Hub's cache are taken from there.

    Args:
        client: the client of the Hub.
        repository: the repository at a commit.
        folder: the target folder.
        with_pickles: see `select_files`.
        with_code: see `select_files`.
        largest_bytes: the largest total size in bytes.
        on_total: receives the total number of bytes, and returns a function for the progress.

    Returns:
        The files, by path.

    Raises:
        CheckpointError: a file is unavailable, or its bytes differ from the Hub's digest.
        ArtifactError: the files exceed `largest_bytes`.
        UnsafePathError: the name of a file is unsafe.
    """
    location = f"{repository.id}@{repository.commit}"
    names = [name for name in repository.sizes if not name.startswith(".")]
    if MODULES_FILE in names:
        _fetch(client, repository, MODULES_FILE, folder, None)
        for name in {*router_files(Checkpoint(folder))} & {*names}:
            _fetch(client, repository, check_path(name, location), folder, None)
    else:
        (folder / MODULES_FILE).unlink(missing_ok=True)
    for name in index_files(Checkpoint(folder), names):
        _fetch(client, repository, check_path(name, location), folder, None)
    selected = select_files(
        names,
        folder,
        location=location,
        with_pickles=with_pickles,
        with_code=with_code,
    )
    check_distinct([check_path(name, location) for name in selected], location)
    total = sum(repository.sizes[name] or 0 for name in selected)
    if total > largest_bytes:
        raise ArtifactError(
            location,
            f"has {total:,} bytes to fetch, more than the {largest_bytes:,} that are allowed; "
            "raise --max-bytes (max_bytes=)",
        )
    keep_only(folder, {*selected, *(_part_of(repository, name) for name in selected)})
    _require_space(repository, selected, folder, total)
    return _fetch_all(client, repository, selected, folder, on_total(total))


def _require_space(
    repository: Repository, names: Collection[str], folder: Path, total: int
) -> None:
    """Refuse to begin with downloads for which the disk has no room."""
    there = [each for name in names for each in (name, _part_of(repository, name))]
    missing = total - sum(
        (folder / each).stat().st_size for each in there if (folder / each).exists()
    )
    free = shutil.disk_usage(folder).free
    if missing > free:
        raise ArtifactError(
            str(folder.parent),
            f"has {free:,} bytes free, and {missing:,} are to be fetched; make room, or name a target "
            "on another disk",
        )


def _fetch_all(
    client: HubClient,
    repository: Repository,
    names: Collection[str],
    folder: Path,
    on_bytes: OnBytes | None,
) -> tuple[FileEntry, ...]:
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        futures = [
            pool.submit(_fetch, client, repository, name, folder, on_bytes)
            for name in sorted(names, key=lambda name: repository.sizes[name] or 0, reverse=True)
        ]
        try:
            return tuple(sorted((each.result() for each in futures), key=lambda file: file.path))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _fetch(
    client: HubClient,
    repository: Repository,
    name: str,
    folder: Path,
    on_bytes: OnBytes | None,
) -> FileEntry:
    whole, part = folder / name, folder / _part_of(repository, name)
    whole.parent.mkdir(parents=True, exist_ok=True)
    if _digest(repository, name) is None:
        # Nothing says of what is there whether it is of this commit.
        whole.unlink(missing_ok=True)
    if whole.exists() or _taken_from_cache(repository, name, part, whole):
        sha256 = hash_file(whole, on_bytes=on_bytes)
        if _is_right(repository, name, whole, sha256):
            return FileEntry(path=name, size=whole.stat().st_size, sha256=sha256)
        whole.unlink()
        on_bytes = None
    client.download(repository, name, part, on_bytes=on_bytes)
    sha256 = hash_file(part)
    if not _is_right(repository, name, part, sha256):
        part.unlink()
        raise CheckpointError(
            f"{repository.id}@{repository.commit}/{name}",
            "has other bytes than the Hub says; nothing of it was kept. Try again; if it happens "
            "again, something between this machine and the Hub changes files",
        )
    part.replace(whole)
    return FileEntry(path=name, size=whole.stat().st_size, sha256=sha256)


def _taken_from_cache(repository: Repository, name: str, part: Path, whole: Path) -> bool:
    found = try_to_load_from_cache(repository.id, name, revision=repository.commit)
    if not isinstance(found, str):
        return False
    part.unlink(missing_ok=True)
    copy_file(Path(found).resolve(), part)
    part.replace(whole)
    return True


def _is_right(repository: Repository, name: str, path: Path, sha256: str) -> bool:
    if path.stat().st_size != repository.sizes[name]:
        return False
    if name in repository.sha256:
        return sha256 == repository.sha256[name]
    expected = repository.git_sha1.get(name)
    return expected is None or git_sha1(path) == expected


def _digest(repository: Repository, name: str) -> str | None:
    """Return what the Hub calls the contents of a file; None if it states no digest."""
    return repository.sha256.get(name, repository.git_sha1.get(name))


def _part_of(repository: Repository, name: str) -> str:
    """Return the name of an incomplete file, so that other contents never go on with it."""
    contents = _digest(repository, name) or repository.commit
    return f"{name}.{contents[:_N_DIGITS]}{_PART}"
