"""Answers leave in one piece, and connections are for requests.

uvicorn writes the head of an answer and its body apart. Each is a call of the system, a packet, and
on the other side a client that wakes up for it.

It closes a connection on which nothing comes. A client that sends a byte now and then, of a body that was
answered before it was read or of a head that never ends, would keep one open for ever.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_LARGE = 65_536
"""What is longer is not copied behind a head: a packet less would cost more than it saves."""
_HAS_BODY = b"\r\ncontent-length: "


class JoiningTransport:
    """A transport that holds the head of an answer until its body comes.

    Only a head that states the length of a body is held; that of a stream leaves at once.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        """Wrap a transport; it does whatever is not said here."""
        self._transport = transport
        self._held = b""

    def write(self, data: bytes) -> None:
        """Write what is held and this, or hold it."""
        held = self._held
        if held:
            self._held = b""
            if len(data) <= _LARGE:
                data = held + data
            else:
                self._transport.write(held)
        elif data.startswith(b"HTTP/1.1 ") and _HAS_BODY in data:
            self._held = data
            return
        self._transport.write(data)

    def flush(self) -> None:
        """Write what is held: nothing follows a head alone."""
        if self._held:
            held, self._held = self._held, b""
            self._transport.write(held)

    def close(self) -> None:
        """Write what is held, and close the connection."""
        self.flush()
        self._transport.close()

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Return what the transport has."""
            return getattr(self._transport, name)


class JoiningProtocol(HttpToolsProtocol):
    """uvicorn's protocol, over a transport that joins.

    The head of a request must have come as long after the beginning of the connection, or after the
    last answer, as an idle connection stays open.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin a connection."""
        self._joining = JoiningTransport(transport)
        super().connection_made(cast("asyncio.Transport", self._joining))
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """End a connection."""
        self._unrequested.cancel()
        super().connection_lost(exc)

    def on_headers_complete(self) -> None:
        """Begin a request."""
        self._unrequested.cancel()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """End an answer: to a HEAD, its head is all of it."""
        self._joining.flush()
        super().on_response_complete()
        # Another request may wait for its turn.
        if self.cycle.response_complete:
            self._await_request()

    def _await_request(self) -> None:
        # What is written yet leaves before a transport closes.
        self._unrequested = self.loop.call_later(self.timeout_keep_alive, self._joining.close)
