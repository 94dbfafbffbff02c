"""`holotype pool`: a client of a running server, here a small one on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from tests.unit.holotype.cli.command import Answer, headings, run
from tests.unit.holotype.pool.serving import Kitchen

from holotype.pool import ModelLoadError


class Stub:
    """A server that answers as it is told, and remembers what it was asked."""

    def __init__(self) -> None:
        """Begin."""
        self.answers: dict[tuple[str, str], tuple[int, Any]] = {}
        self.asked: list[tuple[str, str, str | None]] = []
        self.headers: dict[str, str] = {}
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                stub.asked.append((self.command, self.path, self.headers.get("authorization")))
                problem = {"title": "Not Found", "detail": f"there is no {self.path}"}
                code, body = stub.answers.get((self.command, self.path), (404, problem))
                content = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(code)
                for name, value in stub.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = answer  # noqa: N815 -- the names of http.server

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def pool(self, *arguments: str) -> Answer:
        return run("pool", *arguments, "--url", self.url)


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    monkeypatch.delenv("HOLOTYPE_API_KEY", raising=False)
    stub = Stub()
    yield stub
    stub.server.shutdown()
    stub.server.server_close()
    stub.thread.join()


@pytest.fixture
def served(stub: Stub) -> Iterator[Stub]:
    """A server whose pool has one model loaded, one that failed, and one in two copies."""
    kitchen = Kitchen()
    kitchen.fails["b"] = OSError("the disk is gone")
    specs = (
        kitchen.spec("a", memory_bytes=3 * 2**20),
        kitchen.spec("b"),
        kitchen.spec("c", copies=2),
    )
    kitchen.machine.total_bytes = 2**30
    kitchen.orders["a"] = {"n_bytes": 3 * 2**20}
    with kitchen.pool(*specs) as pool:
        pool.pin("a")
        pool.load("a")
        with pytest.raises(ModelLoadError, match="the disk is gone"):
            pool.load("b")
        status = asdict(pool.status())
        events = [str(event) for event in pool.events.last()]
        stub.answers["GET", "/api/pool"] = 200, {**status, "events": events}
        yield stub


def test_an_error_of_several_lines_is_one_field(served: Stub) -> None:
    (_, found) = served.answers["GET", "/api/pool"]
    found["models"][1]["last_error"] = "gone:\n\tthe disk"
    assert [line[-1] for line in served.pool("status").lines] == [
        "-",
        r"gone:\n\tthe disk",
        "-",
        "-",
    ]
    (_, second, *_) = json.loads(served.pool("status", "--json").stdout)["models"]
    assert second["last_error"] == "gone:\n\tthe disk"


def test_the_status_has_a_line_for_each_copy_and_devices_beside_it(served: Stub) -> None:
    answer = served.pool("status")
    assert answer.exit_code == 0, answer.stderr
    a, b, *c = answer.lines
    assert a[:8] == ["a", "default", "1", "ready", "1", "cpu", "3.0", "0"]
    assert a[9:] == ["pinned", "custom:a", "-"]
    assert b[:7] == ["b", "default", "1", "cold", "-", "-", "0.0"]
    assert "the disk is gone" in b[-1]
    assert [one[2] for one in c] == ["1", "2"]
    assert headings("pool", "status", "--url", served.url)[6:9] == ["MiB", "calls", "idle s"]
    assert answer.stderr.startswith("cpu: 3.0 of 1024.0 MiB held, ")
    assert {*served.asked} == {("GET", "/api/pool", None)}


def test_one_name_or_json_can_be_asked_for(served: Stub) -> None:
    assert [line[0] for line in served.pool("status", "b").lines] == ["b"]
    found = json.loads(served.pool("status", "--json").stdout)
    assert [one["name"] for one in found["models"]] == ["a", "b", "c", "c"]
    wrong = served.pool("status", "z")
    assert (wrong.exit_code, wrong.stdout) == (1, "")
    assert "'z' is no model of this server; it has a, b, c" in wrong.stderr


def test_models_are_loaded_unloaded_and_pinned_by_hand(stub: Stub) -> None:
    stub.answers["POST", "/api/pool/my%2Fname/load"] = 202, {"id": "job-7", "state": "queued"}
    stub.answers["POST", "/api/pool/a/unload"] = 200, {"name": "a", "state": "cold"}
    stub.answers["POST", "/api/reload"] = 200, {"swapped": ["a"]}
    assert stub.pool("load", "my/name").lines == [["my/name", "load", "job-7"]]
    assert stub.pool("unload", "a").lines == [["a", "unload", "-"]]
    assert json.loads(stub.pool("reload").stdout) == {"swapped": ["a"]}
    for what in ("pin", "unpin"):
        answer = stub.pool(what, "b")
        assert answer.exit_code == 1
        assert f"answers 404: there is no /api/pool/b/{what}" in answer.stderr


def test_a_deployment_that_was_applied_in_part_fails_the_command(stub: Stub) -> None:
    changed = {"changed": ["b"], "failed": {"a": "there is no folder '/gone'"}}
    stub.answers["POST", "/api/reload"] = 200, changed
    answer = stub.pool("reload")
    assert answer.exit_code == 1
    assert json.loads(answer.stdout) == changed
    assert "a was not changed: there is no folder '/gone'" in answer.stderr


def test_a_model_that_cannot_be_loaded_fails_the_reload(stub: Stub) -> None:
    added = {"added": ["a"], "failed": {}, "missing": {"a": "there is no such folder"}}
    stub.answers["POST", "/api/reload"] = 200, added
    answer = stub.pool("reload")
    assert answer.exit_code == 1
    assert json.loads(answer.stdout) == added
    assert "a cannot be loaded: there is no such folder" in answer.stderr


def test_a_key_comes_from_the_environment_and_its_lack_is_said(
    stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub.answers["GET", "/api/pool"] = 401, {"detail": "no key"}
    assert "no key; put a key into HOLOTYPE_API_KEY" in stub.pool("status").stderr
    monkeypatch.setenv("HOLOTYPE_API_KEY", "secret")
    answer = stub.pool("status")
    assert stub.asked[-1] == ("GET", "/api/pool", "Bearer secret")
    assert "put a key" not in answer.stderr
    assert "secret" not in answer.stdout + answer.stderr


def test_a_key_is_not_sent_where_a_redirect_leads(
    stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLOTYPE_API_KEY", "secret")
    stub.answers["GET", "/api/pool"] = 302, {}
    stub.headers["location"] = f"{stub.url}/elsewhere"
    assert "answers 302" in stub.pool("status").stderr
    assert len(stub.asked) == 1


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<html>", "something else than JSON"),
        ({"models": [{"name": "a"}], "devices": []}, "is no status of a pool"),
        ([], "is no status of a pool"),
    ],
)
def test_another_kind_of_server_is_recognized(stub: Stub, body: Any, says: str) -> None:
    stub.answers["GET", "/api/pool"] = 200, body
    answer = stub.pool("status")
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert says in answer.stderr


def test_where_no_server_is_the_message_says_how_to_start_one(stub: Stub) -> None:
    stub.server.shutdown()
    stub.server.server_close()
    answer = stub.pool("status")
    assert answer.exit_code == 1
    assert "does not answer: Connection refused; start it" in answer.stderr
    assert "holotype serve" in answer.stderr
    answer = run("pool", "status", "--url", "file:///etc/passwd")
    assert "is no address of a server" in answer.stderr
