"""What comes to a server that nobody wishes for: attacks, floods, clients that leave."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any, ClassVar

import httpx
import numpy as np
import pytest
from tests.runtime.server_process import RunningServer, running_server, write_deployment

from holotype.errors import HolotypeError
from holotype.registry import Database, upgrade
from holotype.registry.keys import ApiKeys
from holotype.server import ServerSettings, ServerState

MIB = 1024 * 1024


class SlowEncoder:
    """Encodes when it is told to, and remembers what."""

    dim = 2
    fingerprint = "sha256:slow"
    go = Event()
    begun = Event()
    seen: ClassVar[list[str]] = []

    def encode(self, sentences: list[str]) -> Any:
        if sentences != ["text"]:
            self.begun.set()
            assert self.go.wait(30)
            self.seen.extend(sentences)
        return np.ones((len(sentences), 2), dtype=np.float32)


CLASS = f"{__name__}:SlowEncoder"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    source = f"{{source: {{type: custom, factory: '{CLASS}'}}, preload: true}}"
    deployment = write_deployment(tmp_path_factory.mktemp("slow"), {"slow": source})
    with running_server(
        deployment=str(deployment), allow=(CLASS,), max_body_bytes=MIB, max_queued_requests=4
    ) as running:
        yield running


@pytest.fixture
def slow(server: RunningServer) -> Iterator[RunningServer]:
    """A server whose model answers when `SlowEncoder.go` is set; nothing runs before and after."""
    SlowEncoder.go.clear()
    SlowEncoder.begun.clear()
    SlowEncoder.seen.clear()
    try:
        yield server
    finally:
        SlowEncoder.go.set()
        until(lambda: server.state.n_running == 0)
        until(lambda: all(one.n_leases == 0 for one in server.state.pool.status().models))


def embed(server: RunningServer, text: str, **headers: str) -> httpx.Response:
    return server.post("/v1/embeddings", {"model": "slow", "input": text}, **headers)


def test_a_client_that_left_is_not_computed(slow: RunningServer) -> None:
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(embed, slow, "first")
        assert SlowEncoder.begun.wait(30)
        body = json.dumps({"model": "slow", "input": "left"}).encode()
        head = (
            f"POST /v1/embeddings HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n"
            "content-type: application/json\r\n\r\n"
        )
        host, port = slow.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(head.encode() + body)
            until(lambda: slow.state.n_running == 2)
        until(lambda: slow.state.n_running == 1)
        last = ThreadPoolExecutor(1).submit(embed, slow, "last")
        until(lambda: slow.state.n_running == 2)
        SlowEncoder.go.set()
        assert first.result().status_code == last.result().status_code == 200
    assert SlowEncoder.seen == ["first", "last"]
    counted = slow.client.get("/metrics").text
    assert "holotype_http_clients_left_total 1.0" in counted
    assert 'holotype_http_requests_total{route="/v1/embeddings",status="499"} 1.0' in counted


def test_health_answers_while_models_run(slow: RunningServer) -> None:
    with ThreadPoolExecutor(8) as threads:
        running = [threads.submit(embed, slow, f"text {number}") for number in range(4)]
        assert SlowEncoder.begun.wait(30)
        assert slow.client.get("/health").json() == {"status": "ok"}
        assert slow.client.get("/ready").status_code == 200
        SlowEncoder.go.set()
        assert {each.result().status_code for each in running} == {200}


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
def test_probes_may_ask_for_the_head_alone(slow: RunningServer, path: str) -> None:
    head, whole = slow.client.head(path), slow.client.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == whole.headers["content-type"]
    assert int(head.headers["content-length"]) > 0
    # The connection goes on: nothing of a body is left in it.
    assert slow.client.get("/health").json() == {"status": "ok"}


def test_a_deadline_is_kept(slow: RunningServer) -> None:
    response = embed(slow, "x", x_request_timeout_ms="100")
    assert response.status_code == 504
    assert response.json()["error"]["code"] == "deadline_exceeded"
    SlowEncoder.go.set()


def test_a_deadline_names_the_model_that_was_not_loaded_and_why(tmp_path: Path) -> None:
    model = f"{{source: {{type: custom, factory: '{CLASS}'}}, memory: 60MiB"
    deployment = tmp_path / "deployment.yaml"
    deployment.write_text(
        "version: '1.0'\n"
        "pool: {memory: 100MiB, min_resident: 60s}\n"
        "models:\n"
        f"  first: {model}, preload: true}}\n"
        f"  second: {model}}}\n"
        "  both: {ensemble: {of: {first: 0.5, second: 0.5}}}\n"
    )
    SlowEncoder.go.set()
    with running_server(deployment=str(deployment), allow=(CLASS,)) as running:
        for name in ("second", "both"):
            response = running.post(
                "/v1/embeddings", {"model": name, "input": "x"}, x_request_timeout_ms="300"
            )
            assert response.status_code == 503
            error = response.json()["error"]
            assert error["code"] == "loading"
            assert f"{name!r} was not loaded within 0.3 s" in error["message"]
            assert "('second' is " in error["message"] and "'first'" not in error["message"]


def test_a_deadline_is_not_laid_to_a_variant_that_nobody_waits_for(tmp_path: Path) -> None:
    source = f"{{type: custom, factory: '{CLASS}'}}"
    deployment = tmp_path / "deployment.yaml"
    deployment.write_text(
        "version: '1.0'\n"
        "models:\n"
        "  slow:\n"
        "    variants:\n"
        f"      - {{name: serving, weight: 1, source: {source}}}\n"
        f"      - {{name: spare, weight: 0, source: {source}}}\n"
    )
    SlowEncoder.go.clear()
    with running_server(deployment=str(deployment), allow=(CLASS,)) as running:
        assert embed(running, "text").status_code == 200
        response = embed(running, "x", x_request_timeout_ms="200")
        states = {one.variant: one.state for one in running.state.pool.status().models}
        SlowEncoder.go.set()
    assert states == {"serving": "ready", "spare": "cold"}
    assert response.status_code == 504
    assert response.json()["error"]["code"] == "deadline_exceeded"


def answer_to_a_byte_of_100(running: RunningServer, path: str, *headers: str) -> str:
    host, port = running.url.removeprefix("http://").split(":")
    lines = (f"Host: {host}", "Content-Type: application/json", *headers, "Content-Length: 100")
    head = "\r\n".join((f"POST {path} HTTP/1.1", *lines))
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(f"{head}\r\n\r\n{{".encode())
        return b"".join(iter(partial(connection.recv, 4096), b"")).decode()


def test_a_body_that_does_not_come_is_not_waited_for(slow: RunningServer) -> None:
    answer = answer_to_a_byte_of_100(slow, "/v1/embeddings", "X-Request-Timeout-Ms: 50")
    assert answer.startswith("HTTP/1.1 504 ")
    assert "did not come whole within 0.05 s" in answer


def test_a_body_is_not_waited_for_before_a_key_is_asked_for() -> None:
    with running_server(timeout_s=0.05, api_keys=("secret",)) as running:
        answer = answer_to_a_byte_of_100(running, "/api/models/text_embedding/benchmark")
    assert answer.startswith("HTTP/1.1 504 ")
    assert "did not come whole within 0.05 s; send it faster" in answer
    assert '"code":"deadline_exceeded"' in answer


@pytest.mark.parametrize("text", ["0", "-1", "soon", "1e3", "٣", "9" * 30])
def test_a_deadline_that_is_none_is_refused(slow: RunningServer, text: str) -> None:
    response = slow.client.post(
        "/embed", json={"inputs": "x"}, headers={b"x-request-timeout-ms": text.encode()}
    )
    assert response.status_code == 400


def test_a_full_queue_says_when_to_come_back(slow: RunningServer) -> None:
    with ThreadPoolExecutor(12) as threads:
        first = threads.submit(embed, slow, "first")
        assert SlowEncoder.begun.wait(30)
        more = [threads.submit(embed, slow, f"text {number}") for number in range(11)]
        until(lambda: sum(each.done() for each in more) >= 7)
        refused = [each.result() for each in more if each.done()]
        assert {each.status_code for each in refused} == {429}
        assert all(int(each.headers["retry-after"]) >= 1 for each in refused)
        assert refused[0].json()["error"]["type"] == "rate_limit_error"
        SlowEncoder.go.set()
        accepted = [each.result() for each in (first, *more)]
        assert [each.status_code for each in accepted].count(200) == 12 - len(refused)
        # Then it holds: the queue is empty again.
        time.sleep(float(refused[0].headers["retry-after"]))
        assert embed(slow, "again").status_code == 200


def test_a_body_that_is_too_long_is_refused(slow: RunningServer) -> None:
    body = {"model": "slow", "input": "x" * (MIB + 1)}
    stated = slow.post("/v1/embeddings", body)
    assert stated.status_code == 413
    assert "1,048,576 bytes" in stated.json()["error"]["message"]

    def chunks() -> Iterator[bytes]:
        yield from (json.dumps(body).encode() for _ in range(2))

    chunked = slow.client.post(
        "/v1/embeddings", content=chunks(), headers={"content-type": "application/json"}
    )
    assert chunked.status_code == 413


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"model": "slow", "input": "\\ud800"}', "application/json", 400),
        (b'{"model": "slow", "input": "\xff"}', "application/json", 400),
        (b"null", "application/json", 422),
        (b'{"model": "slow", "input": {"x": 1}}', "application/json", 422),
        (b'{"model": "slow", "input": "x"}', "text/plain", 415),
        (b'{"model": "slow", "input": "x"}', "", 415),
        (b"model=slow&input=x", "application/x-www-form-urlencoded", 415),
    ],
)
def test_a_body_that_is_no_request_is_refused(
    slow: RunningServer, content: bytes, content_type: str, status: int
) -> None:
    headers = {"content-type": content_type} if content_type else {}
    response = slow.client.post("/v1/embeddings", content=content, headers=headers)
    assert response.status_code == status
    assert response.json()["error"]["message"]


def test_a_compressed_body_is_refused(slow: RunningServer) -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    assert slow.client.post("/embed", content=b"x", headers=headers).status_code == 415


def test_a_request_id_that_could_break_a_log_is_replaced(slow: RunningServer) -> None:
    response = slow.client.get("/health", headers={"x-request-id": "a\tb" + "c" * 200})
    assert response.headers["x-request-id"].isalnum()


def test_an_unknown_path_is_a_problem_everywhere(slow: RunningServer) -> None:
    missing = slow.client.get("/nowhere").json()
    assert missing["code"] == "not_found"
    assert "GET /openapi.json lists the paths" in missing["detail"]
    method = slow.client.get("/embed")
    assert method.json()["detail"] == "this path does not take this method; expected POST"
    broken = slow.client.post("/embed", content=b"{", headers={"content-type": "application/json"})
    assert broken.json()["detail"].startswith("the body is not JSON: EOF while")
    assert "error" in slow.client.get("/v1/nowhere").json()
    assert slow.client.get("/embed").status_code == 405


def test_a_mistake_of_the_server_says_nothing_of_its_inside(
    slow: RunningServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> bytes:
        raise RuntimeError("a secret of the server")

    monkeypatch.setattr(slow.state.metrics, "text", fail)
    response = slow.client.get("/metrics", headers={"x-request-id": "find-me"})
    assert response.status_code == 500
    assert "secret" not in response.text and response.headers["x-request-id"] == "find-me"
    assert response.headers["connection"] == "close"
    assert "find-me" in caplog.text


def test_a_page_of_another_site_cannot_call_a_server_without_keys(slow: RunningServer) -> None:
    SlowEncoder.go.set()
    ask = {"inputs": "x"}
    assert slow.client.post("/embed", json=ask).status_code == 200
    assert slow.client.post("/embed", json=ask, headers={"origin": slow.url}).status_code == 200
    for headers in ({"origin": "https://evil.example"}, {"host": "evil.example"}):
        response = slow.client.post("/embed", json=ask, headers=headers)
        assert (response.status_code, response.json()["code"]) == (403, "forbidden")
        assert "access-control-allow-origin" not in response.headers


def test_browsers_of_named_origins_may_call(tmp_path: Path) -> None:
    origin = "https://app.example"
    deployment = write_deployment(tmp_path, {"pii": "{source: {type: builtin, name: pii}}"})
    with running_server(deployment=str(deployment), cors_origins=(origin,)) as server:
        asked = {"origin": origin, "access-control-request-method": "POST"}
        may = server.client.options("/classify", headers=asked)
        assert may.headers["access-control-allow-origin"] == origin
        # Also what is answered without a search for the route.
        for found in (
            server.post("/classify", {"input": "x"}, origin=origin),
            server.post("/classify", {"input": []}, origin=origin),
        ):
            assert found.headers["access-control-allow-origin"] == origin, found.text
            assert found.headers["access-control-expose-headers"] == "*"
            assert found.headers["x-request-id"]
        allowed = server.client.get("/v1/models", headers={"origin": origin})
        assert allowed.headers["access-control-allow-origin"] == origin
        other = server.client.get("/v1/models", headers={"origin": "https://other.example"})
        assert "access-control-allow-origin" not in other.headers
    with pytest.raises(HolotypeError, match="name the origins"):
        ServerSettings(cors_origins=("*",))


def test_a_server_for_other_machines_needs_a_key() -> None:
    with pytest.raises(HolotypeError, match="has no key"):
        ServerState.open(ServerSettings(host="0.0.0.0"))
    state = ServerState.open(ServerSettings(host="0.0.0.0", api_keys=("k",)))
    state.close()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(f"sqlite:///{tmp_path}/registry.db") as made:
        upgrade(made)
        yield made


def test_keys_allow_what_their_scopes_say(database: Database, tmp_path: Path) -> None:
    keys = ApiKeys(database)
    address = f"sqlite:///{database.file}"
    with running_server(database=address, state_file=tmp_path / "state.json") as server:
        # Without a key everything is allowed on this machine.
        assert server.client.get("/v1/models").status_code == 200
        key, known = keys.create("reader", ["infer"], actor="tests")
        until(lambda: server.client.get("/v1/models").status_code == 401)
        good = {"authorization": f"Bearer {key}"}
        assert server.client.get("/v1/models", headers=good).status_code == 200
        refused = server.client.get("/v1/models")
        assert refused.headers["www-authenticate"] == "Bearer"
        for wrong in (
            f"Bearer {key}x",
            f"Bearer {key[:-1]}",
            f"Basic {key}",
            "Bearer \u00fc",
            key,
            f"bearer {'x' * 5000}",
        ):
            headers = {b"authorization": wrong.encode()}
            assert server.client.get("/v1/models", headers=headers).status_code == 401, wrong
        assert server.client.get("/v1/models", headers={"x-api-key": key}).status_code == 401
        assert server.client.get("/health").status_code == 200
        assert key not in (tmp_path / "state.json").read_text()
        # Revoked by another process, and refused within a second.
        keys.create("another", ["admin"], actor="tests")
        assert server.client.get("/v1/models", headers=good).status_code == 200
        keys.revoke(known.id, actor="tests")
        revoked_s = time.monotonic()
        sent_s = revoked_s
        while server.client.get("/v1/models", headers=good).status_code == 200:
            assert sent_s - revoked_s < 1, "sent a second after the revocation, and let in"
            sent_s = time.monotonic()


def test_an_expired_key_is_refused(database: Database, tmp_path: Path) -> None:
    ends = datetime.now(UTC) + timedelta(seconds=1)
    key, _ = ApiKeys(database).create("short", ["infer"], actor="tests", expires_at=ends)
    ApiKeys(database).create("long", ["infer"], actor="tests")
    address = f"sqlite:///{database.file}"
    with running_server(database=address, state_file=tmp_path / "state.json") as server:
        good = {"authorization": f"Bearer {key}"}
        until(lambda: server.client.get("/v1/models", headers=good).status_code == 401)
        assert datetime.now(UTC) >= ends


def until(true: Any, *, within_s: float = 30.0) -> None:
    """Wait for something that comes true; it fails otherwise."""
    ends_s = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < ends_s, "it has not come true"
        Event().wait(0.01)
