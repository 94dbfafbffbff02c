"""Send requests to the Hub through huggingface_hub, and bound their answers.

HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE and HF_HOME work as in huggingface_hub.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from huggingface_hub import HfApi, hf_hub_url
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import build_hf_headers, httpx, validate_repo_id

from holotype.encoders.checkpoints.hub_cache import terms_of_gated
from holotype.encoders.checkpoints.safetensors import Header, header_length, parse_header
from holotype.errors import (
    Advice,
    CheckpointError,
    CheckpointNotFoundError,
    HubUnreachableError,
    RevisionGoneError,
)
from holotype.hub.answers import Repository, parse_repository
from holotype.hub.requests import Answer, AnswerError, get
from holotype.hub.retries import Patience, passing_trouble, said_by, status_of

T = TypeVar("T")

_OWN_COPY = Advice(
    "name-folder",
    "name a folder with a copy of the repository (verify and add: with --from FOLDER)",
    "a folder with a copy of the repository",
    joint=", or ",
)

_TIMEOUT_S = 20.0
_DEADLINE_S = 120.0
# Files of weights get the time that this rate needs; slower connections fail.
_SLOWEST_BYTES_PER_S = 16_000
_FIRST_BYTES = 100_000
_LARGEST_FILE_BYTES = 16_000_000
_LARGEST_DESCRIPTION_BYTES = 64_000_000


class _TokenError(Exception):
    """The file with the token cannot be read."""


class HubClient:
    """Asks the Hub about repositories; safe to share between threads."""

    def __init__(
        self,
        patience: Patience | None = None,
        *,
        timeout_s: float = _TIMEOUT_S,
        deadline_s: float = _DEADLINE_S,
    ) -> None:
        """Take the endpoint and the token from huggingface_hub.

        Args:
            patience: how to repeat requests.
            timeout_s: how long to wait for the next byte of an answer.
            deadline_s: how long a whole answer may take; files of weights get more time.
        """
        self._api = HfApi()
        self._patience = patience or Patience()
        self._timeout_s = timeout_s
        self._deadline_s = deadline_s

    def repository(self, name: str, revision: str | None) -> Repository:
        """Return the files of a repository at a revision; None means its newest commit.

        Raises:
            CheckpointError: as for `HubClient.file`; also if the answer does not describe a
                repository, or describes another commit than the requested one.
        """
        asked = _at(name, revision)

        def request() -> bytes:
            validate_repo_id(name)
            at = "" if revision is None else f"/revision/{quote(revision, safe='')}"
            url = f"{self._api.endpoint}/api/models/{name}{at}?blobs=true"
            return self._get(url, {}, lambda answer: answer.read(_LARGEST_DESCRIPTION_BYTES))

        body = self._call(asked, request)
        try:
            return parse_repository(body, revision)
        except ValueError as error:
            raise CheckpointError(
                asked,
                f"{self._api.endpoint} did not answer with the description of a "
                f"repository ({error}); try again later, or check HF_ENDPOINT",
            ) from None

    def file(self, repository: Repository, name: str) -> bytes:
        """Return a small file of a repository.

        Raises:
            HubUnreachableError: the Hub cannot be reached, or HF_HUB_OFFLINE is set.
            RevisionGoneError: the repository has no such commit.
            CheckpointNotFoundError: there is no such repository or file, or access is denied.
            CheckpointError: the Hub's answer is not valid, or the file is too large.
        """
        location = f"{_at(repository.id, repository.commit)}/{name}"
        size = repository.sizes.get(name)
        if size is not None and size > _LARGEST_FILE_BYTES:
            raise CheckpointError(location, f"has {size} bytes, too many for a file of this kind")

        def request() -> bytes:
            url = self._url(repository, name)
            content = self._get(url, {}, lambda answer: answer.read(size or _LARGEST_FILE_BYTES))
            if size is not None and len(content) != size:
                raise httpx.RemoteProtocolError(f"only {len(content)} of {size} bytes arrived")
            return content

        return self._call(location, request)

    def header(self, repository: Repository, name: str) -> Header:
        """Return the header of a safetensors file, fetching only its first bytes.

        Raises:
            CheckpointError: as for `file`; also if the header is damaged.
        """
        location = f"{_at(repository.id, repository.commit)}/{name}"

        def request(end: int) -> bytes:
            def receive(answer: Answer) -> bytes:
                if answer.status != 206:
                    raise AnswerError(
                        "the server sends whole files only, and weights are never fetched"
                    )
                return answer.read(end)

            asked = {"Range": f"bytes=0-{end - 1}"}
            return self._get(self._url(repository, name), asked, receive)

        first = self._call(location, lambda: request(_FIRST_BYTES))
        end = header_length(first, location) + 8
        if end > len(first):
            first = self._call(location, lambda: request(end))
        if len(first) < end:
            raise CheckpointError(location, "ends in the middle of its header")
        return parse_header(first[8:end], location)

    def download(
        self,
        repository: Repository,
        name: str,
        target: Path,
        *,
        on_bytes: Callable[[int], None] | None = None,
    ) -> None:
        """Fetch a file of any size, and resume an interrupted download.

        Args:
            repository: the repository.
            name: the file.
            target: the path to write; bytes that it already has are not fetched again.
            on_bytes: called with the number of new bytes.

        Raises:
            CheckpointError: as for `file`; also if the server sends more than it announced.
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

        def receive(answer: Answer) -> int:
            goes_on = answer.headers.get("Content-Range", "").startswith(f"bytes {start}-")
            there = start if goes_on else 0
            with target.open("ab" if goes_on else "wb") as file:
                for block in answer.blocks(size - there):
                    file.write(block)
                    there += len(block)
                    tell(there)
            return there

        asked = {"Range": f"bytes={start}-"} if start else {}
        url = self._url(repository, name)
        deadline_s = self._deadline_s + (size - start) / _SLOWEST_BYTES_PER_S
        there = self._get(url, asked, receive, deadline_s)
        if there < size:
            raise httpx.RemoteProtocolError(f"only {there} of {size} bytes arrived")

    def _url(self, repository: Repository, name: str) -> str:
        return hf_hub_url(
            repository.id, name, revision=repository.commit, endpoint=self._api.endpoint
        )

    def _get(
        self,
        url: str,
        headers: dict[str, str],
        receive: Callable[[Answer], T],
        deadline_s: float | None = None,
    ) -> T:
        return get(
            url,
            {**self._own_headers(), **headers},
            receive,
            byte_timeout_s=self._timeout_s,
            deadline_s=deadline_s or self._deadline_s,
        )

    def _own_headers(self) -> dict[str, str]:
        try:
            return build_hf_headers(token=self._api.token)
        except (OSError, UnicodeDecodeError) as error:
            raise _TokenError(str(error)) from None

    def _call(self, location: str, request: Callable[[], T]) -> T:
        try:
            return self._patience.call(request)
        except HFValidationError as error:
            raise CheckpointNotFoundError(
                location, f"is not the name of a repository: {error}"
            ) from None
        except OfflineModeIsEnabled:
            raise HubUnreachableError(
                location,
                "cannot be read, since HF_HUB_OFFLINE is set; unset it",
                _OWN_COPY,
            ) from None
        except _TokenError as error:
            raise CheckpointError(
                location,
                f"cannot be asked for: the token cannot be read ({error}); set HF_TOKEN, or name another "
                "file by HF_TOKEN_PATH",
            ) from None
        except AnswerError as error:
            raise CheckpointError(
                location, f"{error}; try again later, or check HF_ENDPOINT"
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._explained(location, error) from None

    def _explained(self, location: str, error: Exception) -> CheckpointError:
        status = status_of(error)
        endpoint = self._api.endpoint
        page = f"{endpoint}/{location.partition('@')[0]}"
        if isinstance(error, GatedRepoError):
            return CheckpointNotFoundError(
                location, f"the Hub answers {status}. {terms_of_gated(page)}"
            )
        if status == 403:
            return CheckpointNotFoundError(
                location,
                f"the Hub answers 403{said_by(error)}; ask for access on {page}, or set "
                "another HF_TOKEN",
            )
        if isinstance(error, RevisionNotFoundError):
            return RevisionGoneError(
                location,
                "the repository no longer has this commit; see its newest one with: "
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
                location, "the Hub rejects the token; check HF_TOKEN or run: hf auth login"
            )
        trouble = passing_trouble(error)
        if trouble is not None:
            return CheckpointError(location, trouble)
        if status is not None:
            return CheckpointError(location, f"the Hub answers {status}; check HF_ENDPOINT")
        return HubUnreachableError(
            location,
            f"{endpoint} cannot be reached ({_reason(error)}); check the connection and HF_ENDPOINT",
            _OWN_COPY,
        )


def _at(name: str, revision: str | None) -> str:
    return name if revision is None else f"{name}@{revision}"


def _reason(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
