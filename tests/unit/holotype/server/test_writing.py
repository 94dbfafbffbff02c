"""Answers leave in one piece, and nothing of them is kept back."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any, cast

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from holotype.server import writing
from holotype.server.writing import JoiningProtocol, JoiningTransport

LARGE = 300_000


class Written:
    """A transport that keeps what is written, piece by piece."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self.pieces: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:
        assert not self.is_closed
        self.pieces.append(data)

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed


def joining() -> tuple[Written, JoiningTransport]:
    written = Written()
    return written, JoiningTransport(cast("asyncio.Transport", written))


HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n"
STREAM = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


def test_a_head_leaves_with_its_body() -> None:
    written, transport = joining()
    transport.write(HEAD)
    assert written.pieces == []
    transport.write(b"body")
    transport.write(b"HTTP/1.1 is what this text begins with")
    assert written.pieces == [HEAD + b"body", b"HTTP/1.1 is what this text begins with"]


def test_a_body_that_is_large_is_not_copied() -> None:
    written, transport = joining()
    body = bytes(writing._LARGE + 1)
    transport.write(HEAD)
    transport.write(body)
    assert written.pieces[0] == HEAD and written.pieces[1] is body


def test_the_head_of_a_stream_leaves_at_once() -> None:
    written, transport = joining()
    transport.write(STREAM)
    assert written.pieces == [STREAM]


@pytest.mark.parametrize("end", ["flush", "close"])
def test_a_head_without_a_body_is_not_lost(end: str) -> None:
    written, transport = joining()
    transport.write(HEAD)
    getattr(transport, end)()
    assert written.pieces == [HEAD]
    assert cast("Any", transport).is_closing() == (end == "close")


async def _stream() -> AsyncIterator[bytes]:
    yield b"one"
    await asyncio.Event().wait()


async def _answer(request: Request) -> Response:
    return PlainTextResponse("text")


async def _large(request: Request) -> Response:
    return Response(b"x" * LARGE)


async def _empty(request: Request) -> Response:
    return Response(status_code=204)


async def _streaming(request: Request) -> Response:
    return StreamingResponse(_stream())


APP = Starlette(
    routes=[
        Route("/text", _answer, methods=["GET", "HEAD", "POST"]),
        Route("/large", _large),
        Route("/empty", _empty),
        Route("/stream", _streaming),
    ]
)


@contextmanager
def served(**options: Any) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(
            APP, http=JoiningProtocol, log_level="warning", timeout_graceful_shutdown=1, **options
        )
        server = uvicorn.Server(config)
        thread = Thread(target=lambda: asyncio.run(server.serve([listening])))
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def read_until(client: socket.socket, end: bytes) -> bytes:
    found = b""
    while not found.endswith(end):
        piece = client.recv(65_536)
        assert piece, found
        found += piece
    return found


def test_answers_of_every_kind_come_whole_over_one_connection() -> None:
    with served() as port, socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"GET /text HTTP/1.1\r\nhost: x\r\n\r\n")
        assert read_until(client, b"text").startswith(b"HTTP/1.1 200")
        client.sendall(b"HEAD /text HTTP/1.1\r\nhost: x\r\n\r\n")
        assert b"content-length: 4" in read_until(client, b"\r\n\r\n")
        client.sendall(b"GET /empty HTTP/1.1\r\nhost: x\r\n\r\n")
        assert read_until(client, b"\r\n\r\n").startswith(b"HTTP/1.1 204")
        client.sendall(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n")
        assert read_until(client, b"x" * LARGE).startswith(b"HTTP/1.1 200")
        client.sendall(b"GET /none HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        last = b"".join(iter(lambda: client.recv(65_536), b""))
        assert last.endswith(b"Not Found")


def test_requests_that_are_sent_at_once_are_answered_in_their_order() -> None:
    with served() as port, socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        one = b"GET /text HTTP/1.1\r\nhost: x\r\n\r\n"
        client.sendall(one * 3 + one.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
        found = b"".join(iter(lambda: client.recv(65_536), b""))
    assert found.count(b"HTTP/1.1 200 OK") == found.count(b"\r\n\r\ntext") == 4


@pytest.mark.parametrize(
    "begun",
    [
        pytest.param(
            b"POST /text HTTP/1.1\r\nhost: x\r\ncontent-length: 100000000\r\n\r\n",
            id="a body that was answered before it was read",
        ),
        pytest.param(b"GET /text HTTP/1.1\r\nhost: ", id="a head that does not end"),
    ],
)
def test_single_bytes_keep_no_connection_open(begun: bytes) -> None:
    with (
        served(timeout_keep_alive=1) as port,
        socket.create_connection(("127.0.0.1", port), timeout=0.02) as client,
    ):
        client.sendall(begun)
        with pytest.raises(ConnectionError):
            for _ in range(1500):
                client.sendall(b"x")
                with suppress(TimeoutError):
                    if not client.recv(65_536):
                        raise ConnectionResetError


def test_a_stream_begins_before_it_ends() -> None:
    with served() as port, socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"GET /stream HTTP/1.1\r\nhost: x\r\n\r\n")
        assert read_until(client, b"one\r\n").startswith(b"HTTP/1.1 200")
