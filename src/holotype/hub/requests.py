"""Send one request to the Hub, and bound the time and the bytes of any answer.

The bound on bytes holds before and after decompression. The HTTP library is the one that
huggingface_hub exports: httpx in its version 1, httpx2 in its version 2.
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
# A thread notices the deadline only when a byte arrives; the caller waits this much longer for it.
_GRACE_S = 0.5


class AnswerError(Exception):
    """An answer is not valid, and repeating the request would not help."""


class Answer:
    """The head of an answer, and its body, which can be read once."""

    def __init__(self, response: httpx.Response, deadline: float) -> None:
        """Wrap an answer whose body has not been read.

        Args:
            response: the answer.
            deadline: when the body must be complete, on the clock of `time.monotonic`.
        """
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self._response = response
        self._deadline = deadline

    def blocks(self, most: int) -> Iterator[bytes]:
        """Yield the body as it arrives, decompressed.

        Raises:
            AnswerError: the body exceeds `most` bytes, compressed or decompressed; takes too long;
                or has an encoding that was not requested.
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
                raise AnswerError(f"the server sent more than the expected {most} bytes")

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
    """Fetch a URL, and return the result of `receive` for the answer.

    The request runs on its own thread: HTTP libraries bound only the wait for each byte, so a
    server that sends one byte at a time could block the caller for ever.

    Args:
        url: the URL.
        headers: the headers to send.
        receive: reads the body.
        byte_timeout_s: how long to wait for the next byte.
        deadline_s: how long the whole request may take, redirects included.

    Raises:
        AnswerError: the answer is too large, takes too long or has an unknown encoding.
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
        # Follow redirects here: the library would read their bodies to the end.
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
    raise AnswerError(f"the server redirected more than {_MOST_REDIRECTS} times")


def _raise_for(response: httpx.Response, answer: Answer) -> None:
    """Raise huggingface_hub's error for an answer, reading only the start of its body."""
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
    # huggingface_hub fails on bodies with JSON that is not the Hub's.
    except Exception:
        short.raise_for_status()


def _unpacking(encoding: str) -> Callable[[bytes], Iterator[bytes]]:
    """Return a function that decompresses a block into blocks of bounded size."""
    if encoding.strip().lower() in ("", "identity"):
        return lambda block: iter((block,))
    if encoding.strip().lower() not in ("gzip", "x-gzip", "deflate"):
        raise AnswerError(
            f"the server compressed its answer as {encoding[:40]!r}, although the request forbids that"
        )
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)

    def unpack(packed: bytes) -> Iterator[bytes]:
        while packed:
            try:
                block = unpacker.decompress(packed, _BLOCK_BYTES)
            except zlib.error as error:
                raise AnswerError(f"the server's answer cannot be decompressed: {error}") from None
            packed = unpacker.unconsumed_tail
            yield block

    return unpack


def _too_slow() -> AnswerError:
    return AnswerError("the server takes too long to send its answer")
