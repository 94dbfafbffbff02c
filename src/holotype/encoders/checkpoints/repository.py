"""The files of a repository on the Hub, through huggingface_hub and its cache."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from httpx import HTTPError
from huggingface_hub import HfApi, constants, snapshot_download
from huggingface_hub.errors import HFValidationError

from holotype.encoders.checkpoints.source import CHECKPOINT_FILES, CONVERSIONS
from holotype.errors import CheckpointError, CheckpointNotFoundError

_COMMIT = re.compile(r"[0-9a-f]{40}")


def find_repository(huggingface_id: str, revision: str | None, *, with_code: bool) -> Path:
    """Return the folder of the Hub's cache with a repository's files; its name is the commit.

    What a branch or a tag stands for is asked each time: where the Hub does not answer, an older
    commit in the cache does not silently take its place, unless HF_HUB_OFFLINE says so.

    Args:
        huggingface_id: the repository.
        revision: a tag, a branch or a commit; None means the newest commit.
        with_code: whether Python files are fetched too. Pickled weights never are.

    Raises:
        CheckpointNotFoundError: the files cannot be had.
    """
    files = (*CHECKPOINT_FILES, "*.py") if with_code else CHECKPOINT_FILES
    if revision is not None and _COMMIT.fullmatch(revision):
        return pinned_snapshot(huggingface_id, revision, files)
    if constants.HF_HUB_OFFLINE:
        try:
            return _snapshot(huggingface_id, revision, files, local_files_only=True)
        except (OSError, HFValidationError) as error:
            raise CheckpointNotFoundError(
                _at(huggingface_id, revision),
                f"is not in the Hub's cache, and HF_HUB_OFFLINE is set: {_reason(error)}",
            ) from None
    try:
        commit = HfApi().model_info(huggingface_id, revision=revision).sha
    except (HTTPError, OSError, HFValidationError) as error:
        raise CheckpointNotFoundError(
            _at(huggingface_id, revision),
            f"the Hub does not say which commit this is: {_reason(error)}. A commit that is in the "
            "cache needs no answer: name it, as hf:ORG/MODEL@COMMIT; or set HF_HUB_OFFLINE=1",
        ) from None
    if commit is None:
        raise CheckpointError(_at(huggingface_id, revision), "the Hub's answer names no commit")
    return pinned_snapshot(huggingface_id, commit, files)


def cached_repository(huggingface_id: str, revision: str | None) -> Path | None:
    """Return the folder of the Hub's cache with a repository's files; None where it is not whole.

    Args:
        huggingface_id: the repository.
        revision: a commit; or a tag or a branch, whose commit is the one that was last seen.
    """
    try:
        return _snapshot(huggingface_id, revision, CHECKPOINT_FILES, local_files_only=True)
    except (OSError, HFValidationError):
        return None


def pinned_snapshot(
    huggingface_id: str,
    revision: str,
    files: Sequence[str],
    ignored: Sequence[str] = CONVERSIONS,
) -> Path:
    """Return the folder of the Hub's cache with the files of a commit, fetched where need be.

    Args:
        huggingface_id: the repository.
        revision: the commit.
        files: patterns of the files that are wanted.
        ignored: patterns of those that are left out nevertheless.

    Raises:
        CheckpointNotFoundError: the files cannot be had.
    """
    try:
        return _snapshot(huggingface_id, revision, files, ignored, local_files_only=False)
    except (HTTPError, OSError, HFValidationError) as error:
        reason = _reason(error)
    # A commit never changes, so what the cache has of it is right; the listing of its files that
    # huggingface_hub keeps beside them tells whether it is whole.
    try:
        return _snapshot(huggingface_id, revision, files, ignored, local_files_only=True)
    except (OSError, HFValidationError):
        patterns = " ".join(f"--include {pattern!r}" for pattern in files)
        raise CheckpointNotFoundError(
            f"{huggingface_id}@{revision}",
            f"is not in the Hub's cache and cannot be fetched: {reason}. Where there is a "
            f"connection run: hf download {huggingface_id} --revision {revision} "
            f"{patterns}; a gated model needs HF_TOKEN. Or pass a local folder as checkpoint=",
        ) from None


def _at(huggingface_id: str, revision: str | None) -> str:
    return huggingface_id if revision is None else f"{huggingface_id}@{revision}"


def _reason(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


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
