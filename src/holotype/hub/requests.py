"""One request to the Hub: bounded in bytes, packed and unpacked, and in time, whatever comes back.

The HTTP library is the one that huggingface_hub uses and exports: httpx with its version 1, httpx2
with its version 2.
"""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from typing import TypeVar

from huggingface_hub import get_session, hf_raise_for_status
from huggingface_hub.utils import httpx

T = TypeVar("T")

_MOST_REDIRECTS = 10
_MOST_ERROR_BYTES = 64_000
_BLOCK_BYTES = 1 << 16
# A thread that waits for a byte notices the deadline when one comes; nobody waits for it longer.
_GRACE_S = 0.5


class AnswerError(Exception):
    """An answer is not what was asked for, and asking again would not help."""


class Answer:
    """The head of an answer, and its body, which is read once."""

    def __init__(self, response: httpx.Response, deadline: float) -> None:
        """Take an answer whose body has not been read.

        Args:
            response: the answer.
            deadline: when all of it must have come, on the clock of `time.monotonic`.
        """
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self._response = response
        self._deadline = deadline

    def blocks(self, most: int) -> Iterator[bytes]:
        """Yield the body as it comes, unpacked.

        Raises:
            AnswerError: there are more than `most` bytes, packed or unpacked; it takes too long; or
                it is packed in a way that was not asked for.
            httpx.HTTPError: the connection breaks.
        """
        n_packed = n_bytes = 0
        unpack = _unpacking(self.headers.get("Content-Encoding", ""))
        for packed in self._response.iter_raw():
            if time.monotonic() > self._deadline:
                raise _too_slow()
            n_packed += len(packed)
            for block in unpack(packed):
                n_bytes += len(block)
                if n_bytes > most:
                    break
                yield block
            if max(n_packed, n_bytes) > most:
                raise AnswerError(f"the server sends more than the {most} bytes that are expected")

    def read(self, most: int) -> bytes:
        """Return the body; see `blocks`."""
        return b"".join(self.blocks(most))


def get(
    url: str,
    headers: Mapping[str, str],
    receive: Callable[[Answer], T],
    *,
    byte_timeout_s: float,
    deadline_s: float,
) -> T:
    """Ask for a URL and return what `receive` makes of the answer.

    All of it runs on a thread of its own, since HTTP libraries bound the wait for each byte only,
    and a server that sends one byte at a time could hold the caller for ever.

    Args:
        url: what to ask for.
        headers: what to send along.
        receive: reads the body.
        byte_timeout_s: how long to wait for the next byte.
        deadline_s: how long all of it may take, redirects included.

    Raises:
        AnswerError: the answer is too large, takes too long or is packed in an unknown way.
        httpx.HTTPError: the server cannot be reached, or answers with an error.
    """
    future: Future[T] = Future()
    deadline = time.monotonic() + deadline_s

    def run() -> None:
        try:
            future.set_result(_exchange(url, headers, receive, byte_timeout_s, deadline))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True, name="holotype-hub").start()
    try:
        return future.result(deadline_s + _GRACE_S)
    except TimeoutError:
        if future.done():
            raise
        raise _too_slow() from None


def _exchange(
    url: str,
    headers: Mapping[str, str],
    receive: Callable[[Answer], T],
    byte_timeout_s: float,
    deadline: float,
) -> T:
    session = get_session()
    asked = {**headers, "Accept-Encoding": "identity"}
    request = session.build_request("GET", url, headers=asked, timeout=byte_timeout_s)
    for _ in range(_MOST_REDIRECTS):
        # Redirects are followed here: the library would read their bodies to the end.
        response = session.send(request, stream=True, follow_redirects=False)
        try:
            if response.next_request is None:
                answer = Answer(response, deadline)
                if response.is_error:
                    _raise_for(response, answer)
                return receive(answer)
            request = response.next_request
        finally:
            response.close()
        if time.monotonic() > deadline:
            raise _too_slow()
    raise AnswerError(f"the server redirects more than {_MOST_REDIRECTS} times")


def _raise_for(response: httpx.Response, answer: Answer) -> None:
    """Raise the error of huggingface_hub that an answer stands for, from the first of its bytes."""
    try:
        body = answer.read(_MOST_ERROR_BYTES)
    except AnswerError:
        body = b""
    plain = {
        name: value
        for name, value in response.headers.items()
        if name.lower() not in ("content-encoding", "content-length", "transfer-encoding")
    }
    short = httpx.Response(
        response.status_code, headers=plain, content=body, request=response.request
    )
    try:
        hf_raise_for_status(short)
    except httpx.HTTPError:
        raise
    # A body that holds other JSON than the Hub's stops huggingface_hub from reading it.
    except Exception:
        short.raise_for_status()


def _unpacking(encoding: str) -> Callable[[bytes], Iterator[bytes]]:
    """Return what turns blocks as they come into blocks of a bounded size."""
    if encoding.strip().lower() in ("", "identity"):
        return lambda block: iter((block,))
    if encoding.strip().lower() not in ("gzip", "x-gzip", "deflate"):
        raise AnswerError(
            f"the server packs its answer as {encoding[:40]!r}, although it was asked not to"
        )
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)

    def unpack(packed: bytes) -> Iterator[bytes]:
        while packed:
            try:
                block = unpacker.decompress(packed, _BLOCK_BYTES)
            except zlib.error as error:
                raise AnswerError(f"the server's answer cannot be unpacked: {error}") from None
            packed = unpacker.unconsumed_tail
            yield block

    return unpack


def _too_slow() -> AnswerError:
    return AnswerError("the server takes too long to send its answer")
