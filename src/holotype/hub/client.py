"""Requests to the Hub, through huggingface_hub, which honours the environment.

HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE and HF_HOME mean what they mean there. Nothing here fetches
weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import httpx
from huggingface_hub import HfApi, get_session, hf_hub_url, hf_raise_for_status
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils._headers import build_hf_headers

from holotype.encoders.checkpoints.safetensors import Header, header_length, parse_header
from holotype.errors import (
    CheckpointError,
    CheckpointNotFoundError,
    HubUnreachableError,
    RevisionGoneError,
)
from holotype.hub.retries import Patience, status_of

T = TypeVar("T")

_TIMEOUT_S = 20.0
_FIRST_BYTES = 100_000
_LARGEST_FILE_BYTES = 16_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A repository at one commit.

    Attributes:
        id: its name, which is another one than asked for where it was renamed.
        commit: the commit.
        sizes: the size of every file in bytes; None where the Hub does not say.
        changed: when the commit was made, ISO 8601; None where the Hub does not say.
        sha256: the SHA-256 of large files.
        git_sha1: what git calls the contents of files: the SHA-1 of their length and bytes.
    """

    id: str
    commit: str
    sizes: Mapping[str, int | None]
    changed: str | None
    sha256: Mapping[str, str] = field(default_factory=dict)
    git_sha1: Mapping[str, str] = field(default_factory=dict)


class HubClient:
    """Asks the Hub about repositories; one of these serves several threads."""

    def __init__(self, patience: Patience | None = None, *, timeout_s: float = _TIMEOUT_S) -> None:
        """Take the endpoint and the token from huggingface_hub.

        Args:
            patience: how requests are repeated.
            timeout_s: how long to wait for the next byte of an answer.
        """
        self._api = HfApi()
        self._patience = patience or Patience()
        self._timeout_s = timeout_s

    def repository(self, name: str, revision: str | None) -> Repository:
        """Return the files of a repository at a revision; None means its newest commit.

        Raises:
            CheckpointError: see `HubClient.file`.
        """
        asked = _at(name, revision)

        def request() -> Repository:
            info = self._api.model_info(
                name, revision=revision, files_metadata=True, timeout=self._timeout_s
            )
            if not info.sha:
                raise ValueError("the answer names no commit")
            files = info.siblings or ()
            return Repository(
                id=info.id,
                commit=info.sha,
                sizes={file.rfilename: file.size for file in files},
                changed=info.last_modified.isoformat() if info.last_modified else None,
                sha256={file.rfilename: file.lfs.sha256 for file in files if file.lfs},
                # Of a large file, this is what git calls the note that stands in its place.
                git_sha1={
                    file.rfilename: file.blob_id for file in files if file.blob_id and not file.lfs
                },
            )

        try:
            return self._call(asked, request)
        except (ValueError, TypeError, KeyError) as error:
            raise CheckpointError(
                asked,
                f"{self._api.endpoint} answers with something that is no description of a "
                f"repository ({error}); try again later, or check HF_ENDPOINT",
            ) from None

    def file(self, repository: Repository, name: str) -> bytes:
        """Return a small file of a repository.

        Raises:
            HubUnreachableError: the Hub cannot be reached, or nobody may ask it.
            RevisionGoneError: the repository has no such commit.
            CheckpointNotFoundError: there is no such repository or file, or it may not be read.
            CheckpointError: the Hub does not answer as it should, or the file is too large.
        """
        location = f"{_at(repository.id, repository.commit)}/{name}"
        size = repository.sizes.get(name)
        if size is not None and size > _LARGEST_FILE_BYTES:
            raise CheckpointError(location, f"has {size} bytes, too many for such a file")

        def request() -> bytes:
            content = self._get(repository, name, {}).content
            if size is not None and len(content) != size:
                raise httpx.RemoteProtocolError(f"{len(content)} of {size} bytes came")
            return content

        return self._call(location, request)

    def header(self, repository: Repository, name: str) -> Header:
        """Return the header of a safetensors file, by asking for its first bytes only.

        Raises:
            CheckpointError: as for `file`; also where the header is damaged.
        """
        location = f"{_at(repository.id, repository.commit)}/{name}"

        def request(end: int) -> bytes:
            asked = {"Range": f"bytes=0-{end - 1}"}
            return self._get(repository, name, asked, most=end).content

        first = self._call(location, lambda: request(_FIRST_BYTES))
        end = header_length(first, location) + 8
        if end > len(first):
            first = self._call(location, lambda: request(end))
        if len(first) < end:
            raise CheckpointError(location, "is cut off in its header")
        return parse_header(first[8:end], location)

    def download(
        self,
        repository: Repository,
        name: str,
        target: Path,
        *,
        on_bytes: Callable[[int], None] | None = None,
    ) -> None:
        """Fetch a file of any size, and go on where an earlier run was interrupted.

        Args:
            repository: the repository.
            name: the file.
            target: where it goes; the bytes that are there already are not fetched again.
            on_bytes: is told how many more bytes are there.

        Raises:
            CheckpointError: as for `file`; also where the server sends more than was announced.
        """
        location = f"{_at(repository.id, repository.commit)}/{name}"
        size = repository.sizes.get(name)
        if size is None:
            raise CheckpointError(location, "the Hub does not say how large it is")
        if target.exists() and target.stat().st_size > size:
            target.unlink()
        told = 0

        def tell(there: int) -> None:
            nonlocal told
            if on_bytes is not None and there > told:
                on_bytes(there - told)
                told = there

        self._call(location, lambda: self._append(repository, name, target, size, tell))

    def _append(
        self,
        repository: Repository,
        name: str,
        target: Path,
        size: int,
        tell: Callable[[int], None],
    ) -> None:
        start = target.stat().st_size if target.exists() else 0
        tell(start)
        if start == size and target.exists():
            return
        url = hf_hub_url(
            repository.id, name, revision=repository.commit, endpoint=self._api.endpoint
        )
        headers = {**build_hf_headers(token=self._api.token), "Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        with get_session().stream("GET", url, headers=headers, timeout=self._timeout_s) as response:
            if response.is_error:
                response.read()
            hf_raise_for_status(response)
            goes_on = response.headers.get("Content-Range", "").startswith(f"bytes {start}-")
            there = start if goes_on else 0
            with target.open("ab" if goes_on else "wb") as file:
                for block in response.iter_bytes():
                    there += len(block)
                    if there > size:
                        raise CheckpointError(
                            str(url), f"the server sends more than the {size} bytes it announced"
                        )
                    file.write(block)
                    tell(there)
        if there < size:
            raise httpx.RemoteProtocolError(f"{there} of {size} bytes came")

    def _get(
        self, repository: Repository, name: str, asked: Mapping[str, str], most: int | None = None
    ) -> httpx.Response:
        url = hf_hub_url(
            repository.id, name, revision=repository.commit, endpoint=self._api.endpoint
        )
        headers = {**build_hf_headers(token=self._api.token), **asked}
        with get_session().stream("GET", url, headers=headers, timeout=self._timeout_s) as response:
            if response.is_error:
                response.read()
            hf_raise_for_status(response)
            if most is not None and response.status_code != 206:
                raise CheckpointError(
                    str(url), "the server sends whole files only, and weights are never fetched"
                )
            response.read()
        return response

    def _call(self, location: str, request: Callable[[], T]) -> T:
        try:
            return self._patience.call(request)
        except HFValidationError as error:
            raise CheckpointNotFoundError(
                location, f"is no name of a repository: {error}"
            ) from None
        except OfflineModeIsEnabled:
            raise HubUnreachableError(
                location,
                "cannot be read, since HF_HUB_OFFLINE is set; unset it, or pass --from FOLDER "
                "with a copy of the repository",
            ) from None
        except httpx.HTTPError as error:
            raise self._explained(location, error) from None

    def _explained(self, location: str, error: httpx.HTTPError) -> CheckpointError:
        status = status_of(error)
        endpoint = self._api.endpoint
        if isinstance(error, GatedRepoError) or status == 403:
            return CheckpointNotFoundError(
                location,
                f"is gated: the Hub answers {status}. Ask for access on {endpoint}/"
                f"{location.partition('@')[0]}, and set HF_TOKEN or run: hf auth login",
            )
        if isinstance(error, RevisionNotFoundError):
            return RevisionGoneError(
                location,
                "the repository has no such commit any more; see what it has now with: "
                "holotype refresh",
            )
        if isinstance(error, RepositoryNotFoundError):
            return CheckpointNotFoundError(
                location,
                "there is no such repository, or it is private; check the name, or set HF_TOKEN",
            )
        if isinstance(error, EntryNotFoundError):
            return CheckpointNotFoundError(location, "there is no such file at this commit")
        if status == 401:
            return CheckpointNotFoundError(
                location, "the Hub refuses the token; check HF_TOKEN or run: hf auth login"
            )
        if status == 429:
            return CheckpointError(
                location,
                "the Hub asks for fewer requests (429); wait some minutes, use fewer --jobs, and "
                "go on with --resume FILE",
            )
        if status is not None:
            return CheckpointError(
                location, f"the Hub answers {status}; try again later with --resume FILE"
            )
        return HubUnreachableError(
            location,
            f"{endpoint} cannot be reached ({_reason(error)}); check the connection and "
            "HF_ENDPOINT, or pass --from FOLDER with a copy of the repository",
        )


def _at(name: str, revision: str | None) -> str:
    return name if revision is None else f"{name}@{revision}"


def _reason(error: httpx.HTTPError) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
