"""Fetch the files of a repository on the Hub, through huggingface_hub and its cache."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeGuard

from huggingface_hub import (
    HfApi,
    constants,
    get_cached_repo_tree,
    hf_hub_download,
    snapshot_download,
    try_to_load_from_cache,
)
from huggingface_hub.constants import DEFAULT_REVISION
from huggingface_hub.errors import (
    CachedRepoTreeNotFoundError,
    GatedRepoError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import filter_repo_objects

from holotype.atomic_file import replace_file
from holotype.encoders.checkpoints.hub_cache import (
    fetch_again,
    find_snapshot,
    require_digests,
    terms_of_gated,
)
from holotype.encoders.checkpoints.modules import MODULES_FILE
from holotype.encoders.checkpoints.snapshots import doubt
from holotype.encoders.checkpoints.source import CHECKPOINT_FILES, CONVERSIONS
from holotype.errors import (
    CheckpointError,
    CheckpointNotFoundError,
    HubUnreachableError,
    RevisionGoneError,
)
from holotype.records import ModelInfo
from holotype.references.hashing import hash_file_once

_COMMIT = re.compile(r"[0-9a-f]{40}")
_REFUSALS = (401, 403)
_READABLE = 0o444
_OF_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM})


def find_repository(
    huggingface_id: str,
    revision: str | None,
    *,
    with_code: bool,
    record: ModelInfo | None = None,
) -> Path:
    """Return the cache folder with a repository's files; the folder's name is the commit.

    Each call asks the Hub which commit a branch or a tag means. If the Hub does not answer, an older
    commit in the cache is not used silently, unless HF_HUB_OFFLINE is set.

    Args:
        huggingface_id: the repository.
        revision: a tag, a branch or a commit; None means the newest commit.
        with_code: whether to fetch Python files, too. Pickled weights are never fetched.
        record: the model's record, if there is one; see `pinned_snapshot`.

    Raises:
        HubUnreachableError: the Hub gives no answer.
        CheckpointNotFoundError: the files cannot be fetched.
        CheckpointError: a file in the cache is damaged; or the Hub asks to wait, after it was asked
            a few times, or its answer names no commit.
    """
    files = (*CHECKPOINT_FILES, "*.py") if with_code else CHECKPOINT_FILES
    if revision is not None and _COMMIT.fullmatch(revision):
        return pinned_snapshot(huggingface_id, revision, files, record=record)
    if constants.HF_HUB_OFFLINE:
        try:
            folder = _snapshot(huggingface_id, revision, files, local_files_only=True)
        except Exception as error:
            raise CheckpointNotFoundError(
                _at(huggingface_id, revision),
                f"is not in the Hub's cache, and HF_HUB_OFFLINE is set: {_reason(error)}",
            ) from None
        return _checked(folder, huggingface_id, folder.name, files, CONVERSIONS, record)
    commit = _commit_now(huggingface_id, revision, record)
    folder = pinned_snapshot(huggingface_id, commit, files, record=record)
    _remember(folder, revision or DEFAULT_REVISION)
    return folder


def _commit_now(huggingface_id: str, revision: str | None, record: ModelInfo | None) -> str:
    """Ask the Hub which commit a branch or a tag means."""
    # What is pinned needs no answer, nor the import of what waits for one.
    from holotype.hub.client import HubClient

    try:
        return HubClient().repository(huggingface_id, revision).commit
    except RevisionGoneError:
        raise _no_revision(huggingface_id, revision or DEFAULT_REVISION) from None
    except CheckpointError as error:
        refused = isinstance(error, CheckpointNotFoundError)
        unknown = isinstance(error, HubUnreachableError) or record is None or not record.gated
        told, terms = error.problem, terms_of_gated(f"{constants.ENDPOINT}/{huggingface_id}")
        if refused and not unknown and terms not in told:
            told = f"{told}. {terms}"
        raise type(error)(
            _at(huggingface_id, revision),
            f"the Hub does not say which commit this is: {told}. A commit that is in the cache needs "
            "no answer: name it, as hf:ORG/MODEL@COMMIT; or set HF_HUB_OFFLINE=1",
        ) from None


def _remember(folder: Path, revision: str) -> None:
    """Note in the cache which commit a branch or a tag means, as huggingface_hub does.

    Without a connection the commit that was last seen counts.
    """
    file = folder.parent.parent / "refs" / revision
    # A cache that cannot be written is read all the same.
    with suppress(OSError):
        if file.is_file() and file.read_text(encoding="utf-8") == folder.name:
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file, folder.name.encode())


def _no_revision(huggingface_id: str, revision: str) -> CheckpointNotFoundError:
    return CheckpointNotFoundError(
        f"{huggingface_id}@{revision}",
        "the repository has no such branch, tag or commit; see those that it has on "
        f"{constants.ENDPOINT}/{huggingface_id}",
    )


def cached_repository(
    huggingface_id: str, revision: str | None, record: ModelInfo | None
) -> Path | None:
    """Return the cache folder with a repository's files; None if it is not complete.

    Args:
        huggingface_id: the repository.
        revision: a commit; or a tag or a branch, which means the commit that was last seen.
        record: the model's record, if there is one.
    """
    try:
        folder = _snapshot(huggingface_id, revision, CHECKPOINT_FILES, local_files_only=True)
    # See `find_repository`.
    except Exception:
        return None
    listed = _listed_in_cache(huggingface_id, folder.name)
    if listed is None:
        lacks_modules = _lacks(huggingface_id, folder.name, MODULES_FILE)
        return None if doubt(folder, record, lacks_modules=lacks_modules) else folder
    whole = not _missing(folder, listed, CHECKPOINT_FILES, CONVERSIONS)
    return folder if whole and not _cut(folder, listed, CHECKPOINT_FILES, CONVERSIONS) else None


def pinned_snapshot(
    huggingface_id: str,
    revision: str,
    files: Sequence[str],
    ignored: Sequence[str] = CONVERSIONS,
    record: ModelInfo | None = None,
) -> Path:
    """Return the cache folder with the files of a commit, fetching them if necessary.

    Args:
        huggingface_id: the repository.
        revision: the commit.
        files: patterns of the files to fetch.
        ignored: patterns of files to leave out nevertheless.
        record: the model's record, if there is one; it can show that a snapshot is complete when
            the cache has no list of the commit's files.

    Raises:
        HubUnreachableError: the Hub gives no answer.
        CheckpointNotFoundError: the files cannot be fetched.
        CheckpointError: a file in the cache is damaged and cannot be fetched again, the cache
            cannot be written, or the Hub asks to wait.
    """
    try:
        folder = _snapshot(huggingface_id, revision, files, ignored, local_files_only=False)
    # huggingface_hub, its HTTP library and its Xet library share no base class.
    except Exception as error:
        # A commit never changes, so the cached files are right.
        try:
            folder = _snapshot(huggingface_id, revision, files, ignored, local_files_only=True)
        except Exception:
            if isinstance(error, RevisionNotFoundError):
                raise _no_revision(huggingface_id, revision) from None
            if _is_of_disk(error):
                raise _not_kept(huggingface_id, revision, error) from None
            kind, reason = _kind_and_reason(error)
            terms = _terms_of_access(error, huggingface_id, record)
            raise kind(
                f"{huggingface_id}@{revision}",
                f"is not in the Hub's cache and cannot be fetched: {reason}. "
                f"{terms}{_how_to_fetch(huggingface_id, revision, files)}",
            ) from None
    else:
        _let_others_read_the_list(folder)
    return _checked(folder, huggingface_id, revision, files, ignored, record)


def _let_others_read_the_list(folder: Path) -> None:
    """Let those read the list of a commit's files who may read the files.

    huggingface_hub lets its owner only, so that others could not tell whether the cache is
    complete.
    """
    # The list is not there, or is another user's.
    with suppress(OSError):
        listed = _list_file(folder)
        mode = stat.S_IMODE(listed.stat().st_mode)
        files = (path for path in folder.rglob("*") if path.is_file())
        readable = next((file.stat().st_mode & _READABLE for file in files), 0)
        if readable & ~mode:
            listed.chmod(mode | readable)


def _list_file(folder: Path) -> Path:
    """Return where huggingface_hub keeps the list of the files of a snapshot's commit."""
    return folder.parent.parent / "trees" / f"{folder.name}.json"


def _is_of_disk(error: Exception) -> TypeGuard[OSError]:
    if not isinstance(error, OSError) or error.errno not in _OF_DISK:
        return False
    # A file that cannot be written has no name in the error once it is open.
    cache = Path(constants.HF_HUB_CACHE).expanduser().resolve()
    return error.filename is None or Path(str(error.filename)).is_relative_to(cache)


def _not_kept(huggingface_id: str, revision: str, error: OSError) -> CheckpointError:
    """Return the error for a cache that is full, or may not be written."""
    return CheckpointError(
        f"{huggingface_id}@{revision}",
        f"cannot be kept in the Hub's cache {constants.HF_HUB_CACHE}: {error.strerror}; make room, or "
        "name another folder, which may be written: HF_HUB_CACHE=FOLDER",
    )


def _kind_and_reason(error: Exception) -> tuple[type[CheckpointError], str]:
    """Return the class and the reason of our error for one of huggingface_hub."""
    # It is needed for errors alone.
    from holotype.hub.retries import answered, is_unreachable, passing_trouble

    trouble = passing_trouble(error)
    if trouble is not None:
        return CheckpointError, trouble
    kind = HubUnreachableError if is_unreachable(error) else CheckpointNotFoundError
    return kind, _reason(answered(error) or error)


def _checked(
    folder: Path,
    huggingface_id: str,
    commit: str,
    files: Sequence[str],
    ignored: Sequence[str],
    record: ModelInfo | None,
) -> Path:
    """Return a snapshot after checking that it is complete."""
    listed = _listed(huggingface_id, commit)
    if listed is None:
        lacks_modules = _lacks(huggingface_id, commit, MODULES_FILE)
        problem = doubt(folder, record, lacks_modules=lacks_modules)
    else:
        missing = _missing(folder, listed, files, ignored)
        problem = f"{', '.join(missing[:5])} is missing" if missing else None
    if problem is not None:
        found = _list_file(folder)
        if listed is None and found.is_file() and not os.access(found, os.R_OK):
            raise CheckpointError(
                str(found),
                "may not be read, and without this list nothing says whether the Hub's cache holds all "
                f"of {huggingface_id}; its owner can let others read it: chmod a+r {found}",
            )
        raise CheckpointNotFoundError(
            f"{huggingface_id}@{commit}",
            f"the Hub's cache may hold a part of it only: {problem}. "
            f"{_how_to_fetch(huggingface_id, commit, files)}",
        )
    for name in _cut(folder, listed or {}, files, ignored):
        _replace(folder, huggingface_id, commit, name, (listed or {})[name])
    snapshot = find_snapshot(folder)
    if snapshot is not None:
        there = {path.relative_to(folder).as_posix(): 0 for path in folder.rglob("*")}
        require_digests(
            snapshot,
            _wanted(there, files, ignored),
            sha256_of=lambda name: hash_file_once((folder / name).resolve()),
        )
    return folder


def _replace(folder: Path, huggingface_id: str, commit: str, name: str, size: int) -> None:
    """Replace a cached file of the wrong size by a fresh download."""
    path = folder / name
    reason = ""
    try:
        hf_hub_download(huggingface_id, name, revision=commit, force_download=True)
    except Exception as error:
        reason = f" and cannot be fetched: {_reason(error)}"
    found = path.stat().st_size if path.exists() else 0
    if found != size:
        raise CheckpointError(
            str(path),
            f"is damaged: it has {found} bytes, expected {size}{reason}; {fetch_again(path)}",
        )


def _listed(huggingface_id: str, commit: str) -> Mapping[str, int] | None:
    """Return the files of a commit with their sizes; None if neither cache nor Hub knows."""
    listed = _listed_in_cache(huggingface_id, commit)
    if listed is not None or constants.HF_HUB_OFFLINE:
        return listed
    # A read-only cache has no list, although the download has just asked for it.
    try:
        found = HfApi().list_repo_tree(huggingface_id, revision=commit, recursive=True)
        return {file.path: file.size for file in found if isinstance(file, RepoFile)}
    except Exception:
        return None


def _listed_in_cache(huggingface_id: str, commit: str) -> Mapping[str, int] | None:
    try:
        found = get_cached_repo_tree(huggingface_id, revision=commit)
    except CachedRepoTreeNotFoundError:
        return None
    return {file.path: file.size for file in found}


def _lacks(huggingface_id: str, commit: str, name: str) -> bool:
    """Whether the cache knows that a commit has no such file."""
    found = try_to_load_from_cache(huggingface_id, name, revision=commit)
    return found is not None and not isinstance(found, str)


def _wanted(listed: Mapping[str, int], files: Sequence[str], ignored: Sequence[str]) -> list[str]:
    return sorted(
        filter_repo_objects(listed, allow_patterns=list(files), ignore_patterns=list(ignored))
    )


def _missing(
    folder: Path, listed: Mapping[str, int], files: Sequence[str], ignored: Sequence[str]
) -> list[str]:
    return [name for name in _wanted(listed, files, ignored) if not (folder / name).is_file()]


def _cut(
    folder: Path, listed: Mapping[str, int], files: Sequence[str], ignored: Sequence[str]
) -> list[str]:
    """Return the files whose size differs from the commit's."""
    wanted = _wanted(listed, files, ignored)
    return [name for name in wanted if (folder / name).stat().st_size != listed[name]]


def _how_to_fetch(huggingface_id: str, commit: str, files: Sequence[str]) -> str:
    patterns = " ".join(f"--include {pattern!r}" for pattern in files)
    return (
        f"Where there is a connection run: hf download {huggingface_id} --revision {commit} "
        f"{patterns}; a gated model needs HF_TOKEN. Or take a local folder: "
        "load(..., checkpoint=FOLDER), or local:FOLDER as the source in a deployment"
    )


def _terms_of_access(error: Exception, huggingface_id: str, record: ModelInfo | None) -> str:
    """Return how to be let in, where the Hub refuses files to those who have not asked for them.

    It answers 401 to all who send no token, also where a repository does not exist: what is gated, it
    says in a header, or the record knows.
    """
    # It is needed for errors alone.
    from holotype.hub.retries import answered, status_of

    # huggingface_hub 2 raises another error from some refusals, which has no answer.
    answer = answered(error)
    refused = status_of(answer) in _REFUSALS
    knows = record is not None and record.gated is True
    if not isinstance(answer, GatedRepoError) and not (refused and knows):
        if isinstance(answer, RepositoryNotFoundError):
            return (
                "There is no such repository, or it is private: check the name, or set HF_TOKEN. "
            )
        return ""
    return terms_of_gated(f"{constants.ENDPOINT}/{huggingface_id}") + ". "


def _at(huggingface_id: str, revision: str | None) -> str:
    return huggingface_id if revision is None else f"{huggingface_id}@{revision}"


def _reason(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _snapshot(
    huggingface_id: str,
    revision: str | None,
    files: Sequence[str],
    ignored: Sequence[str] = CONVERSIONS,
    *,
    local_files_only: bool,
) -> Path:
    return Path(
        snapshot_download(
            huggingface_id,
            revision=revision,
            allow_patterns=list(files),
            ignore_patterns=list(ignored),
            local_files_only=local_files_only,
        )
    )
