"""A Hub on this machine: as much of its interface as reading small files needs, and its faults."""

from __future__ import annotations

import hashlib
import json
import socket
import struct
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

REVISION = "0123456789abcdef0123456789abcdef01234567"
NEWER = "fedcba9876543210fedcba9876543210fedcba98"
REPOSITORY = "tests/tiny"

# What the Hub says in X-Error-Code beside the status.
NO_REPOSITORY = (404, {"X-Error-Code": "RepoNotFound"})
NO_REVISION = (404, {"X-Error-Code": "RevisionNotFound"})
NO_FILE = (404, {"X-Error-Code": "EntryNotFound"})
GATED = (401, {"X-Error-Code": "GatedRepo"})
FORBIDDEN = (403, {"X-Error-Code": "GatedRepo"})
BAD_TOKEN = (401, {"X-Error-Message": "Invalid credentials in Authorization header"})
TOO_MANY = (429, {"Retry-After": "7"})
BROKEN: tuple[int, dict[str, str]] = (500, {})
RESET = (0, {"fault": "reset"})
TRUNCATED = (0, {"fault": "truncated"})
GARBAGE = (0, {"fault": "garbage"})
NO_RANGES = (0, {"fault": "no ranges"})
ENDLESS = (0, {"fault": "endless"})
OTHER_BYTES = (0, {"fault": "other bytes"})
DRIPPING = (0, {"fault": "dripping"})
DRIPPING_HEAD = (0, {"fault": "dripping head"})
NEVER_ENDING = (0, {"fault": "never ending"})
ENDLESS_ERROR = (0, {"fault": "endless error"})
ENDLESS_REDIRECT = (0, {"fault": "endless redirect"})
BOMB = (0, {"fault": "bomb"})


@dataclass
class Fault:
    """What goes wrong with requests whose path holds a text, and how often."""

    path: str
    answer: tuple[int, Mapping[str, str]]
    times: int = 1_000
    body: bytes = b"{}"


@dataclass
class Request:
    """What ."""

    path: str
    range: str | None
    token: str | None


@dataclass
class HubState:
    """Repositories by name and commit, the newest commit last; faults; and what was asked."""

    repositories: dict[str, dict[str, dict[str, bytes]]]
    faults: list[Fault] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    endpoint: str = ""
    stopped: threading.Event = field(default_factory=threading.Event)

    def fault(
        self,
        path: str,
        answer: tuple[int, Mapping[str, str]],
        times: int = 1_000,
        body: bytes = b"{}",
    ) -> None:
        self.faults.append(Fault(path, answer, times, body))

    def paths(self, part: str) -> list[str]:
        """The paths that were asked for and hold a text."""
        return [request.path for request in self.requests if part in request.path]


class _Server(ThreadingHTTPServer):
    def __init__(self, state: HubState) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.state = state

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep the tests' output clean of connections that clients closed."""


class _Answer(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    wbufsize = 65_536  # One packet for head and body: two wait for an acknowledgement between them.

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def _answer(self) -> None:
        state = self.server.state
        path = unquote(urlsplit(self.path).path)
        asked = Request(path, self.headers.get("Range"), self.headers.get("Authorization"))
        state.requests.append(asked)
        for fault in state.faults:
            if fault.path in path and fault.times > 0:
                fault.times -= 1
                status, headers = fault.answer
                if status:
                    self._send(status, fault.body, headers)
                    return
                self._misbehave(path, headers["fault"])
                return
        self._serve(path)

    def _serve(self, path: str, *, ranges: bool = True) -> None:
        state = self.server.state
        for old, new in state.renamed.items():
            if f"/{old}/" in f"{path}/":
                self._send(307, b"", {"Location": path.replace(old, new)})
                return
        status, body, headers = self._found(path)
        asked = self.headers.get("Range")
        if status == 200 and asked and ranges:
            begin, _, end = asked.removeprefix("bytes=").partition("-")
            last = end or len(body) - 1
            headers |= {"Content-Range": f"bytes {begin}-{last}/{len(body)}"}
            status, body = 206, body[int(begin) : int(end) + 1 if end else len(body)]
        self._send(status, body, headers)

    def _found(self, path: str) -> tuple[int, bytes, dict[str, str]]:
        repositories = self.server.state.repositories
        is_api = path.startswith("/api/models/")
        organization, name, *rest = path.removeprefix("/api/models").strip("/").split("/")
        commits = repositories.get(f"{organization}/{name}")
        if commits is None:
            return NO_REPOSITORY[0], b"{}", dict(NO_REPOSITORY[1])
        commit = rest[1] if len(rest) > 1 else list(commits)[-1]
        if commit not in commits:
            return NO_REVISION[0], b"{}", dict(NO_REVISION[1])
        files = commits[commit]
        if is_api and rest[:1] == ["tree"]:
            tree = [_in_tree(each, body) for each, body in files.items()]
            return 200, json.dumps(tree).encode(), {"Content-Type": "application/json"}
        if is_api:
            listed = [_listed(each, body) for each, body in files.items()]
            info = {
                "id": f"{organization}/{name}",
                "modelId": f"{organization}/{name}",
                "sha": commit,
                "lastModified": "2026-01-02T03:04:05.000Z",
                "siblings": listed,
                "tags": [],
                "downloads": 0,
            }
            return 200, json.dumps(info).encode(), {"Content-Type": "application/json"}
        file = "/".join(rest[2:])
        if file not in files:
            return NO_FILE[0], b"{}", dict(NO_FILE[1])
        return 200, files[file], {"X-Repo-Commit": commit, "ETag": f'"{len(files[file])}"'}

    def _misbehave(self, path: str, fault: str) -> None:
        if fault == "garbage":
            self._send(200, b"<html>not what </html>", {})
        elif fault == "no ranges":
            self._serve(path, ranges=False)
        elif fault == "endless":
            _, body, headers = self._found(path)
            self._send(200, body + b"more" * 1000, headers)
        elif fault == "other bytes":
            _, body, headers = self._found(path)
            self._send(200, body[::-1], headers)
        elif fault == "never ending":
            self._pour(200, {"Content-Encoding": "identity"}, b"[" * 65_536)
        elif fault == "endless error":
            self._pour(500, {}, b"x" * 65_536)
        elif fault == "endless redirect":
            self._pour(302, {"Location": path}, b"x" * 65_536)
        elif fault == "bomb":
            self._send(200, _bomb(), {"Content-Encoding": "gzip"})
        elif fault in ("dripping", "dripping head"):
            self._drip(with_head=fault == "dripping")
        elif fault == "truncated":
            _, body, headers = self._found(path)
            self._send(200, body[: len(body) // 2], headers, length=len(body))
            self.close_connection = True
        else:
            # A close that lingers for no time sends a reset.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True

    def _pour(self, status: int, headers: Mapping[str, str], block: bytes) -> None:
        """Send a body for as long as anybody reads it."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = True
        while not self.server.state.stopped.is_set():
            self.wfile.write(block)

    def _drip(self, *, with_head: bool) -> None:
        """Send a byte now and then, for as long as anybody waits for the next."""
        self.close_connection = True
        if with_head:
            self.send_response(200)
            self.end_headers()
        else:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not self.server.state.stopped.wait(0.02):
            self.wfile.write(b" ")
            self.wfile.flush()

    def _send(
        self, status: int, body: bytes, headers: Mapping[str, str], length: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the tests' output clean."""


def _bomb() -> bytes:
    """A megabyte that unpacks to 256 of them."""
    packer = zlib.compressobj(1, wbits=zlib.MAX_WBITS | 16)
    block = bytes(1 << 20)
    return b"".join([*(packer.compress(block) for _ in range(256)), packer.flush()])


def _in_tree(name: str, body: bytes) -> dict[str, object]:
    """What the Hub says of a file in the listing of a whole repository."""
    listed = _listed(name, body)
    return {"type": "file", "path": name, "size": listed["size"], "oid": listed["blobId"]}


def _listed(name: str, body: bytes) -> dict[str, object]:
    """What the Hub says of a file: of a large one its SHA-256, of others what git calls them."""
    blob = b"blob %d\0" % len(body) + body
    listed: dict[str, object] = {
        "rfilename": name,
        "size": len(body),
        "blobId": hashlib.sha1(blob).hexdigest(),
    }
    if name.endswith((".safetensors", ".bin")):
        digest = hashlib.sha256(body).hexdigest()
        listed["lfs"] = {"sha256": digest, "size": len(body), "pointerSize": 100}
    return listed


@contextmanager
def serving(repositories: dict[str, dict[str, dict[str, bytes]]]) -> Iterator[HubState]:
    """Run a Hub with these files; `endpoint` is where it listens."""
    state = HubState(repositories)
    server = _Server(state)
    state.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()
