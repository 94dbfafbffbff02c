"""Traces reach a collector that the environment names."""

from __future__ import annotations

import gzip
import signal
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.runtime.server_process import server_process, write_deployment


@pytest.fixture
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """A collector of OpenTelemetry: its address, and the traces that it got."""
    received: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            if self.path == "/v1/traces":
                received.append(body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", received
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_request_is_traced_with_the_model_that_answered(
    collector: tuple[str, list[bytes]], tmp_path: Path
) -> None:
    address, received = collector
    deployment = write_deployment(tmp_path, {"pii": "{source: {type: builtin, name: pii}}"})
    with server_process(str(deployment), "--drain", "0", OTEL_EXPORTER_OTLP_ENDPOINT=address) as (
        process,
        url,
    ):
        answer = httpx.post(f"{url}/classify", json={"input": "x"}, timeout=60, trust_env=False)
        assert answer.status_code == 200, answer.text
        # What it has not sent yet, it sends in the end.
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    spans = [
        span
        for body in received
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    traced = [
        (span.name, found)
        for span in spans
        if "holotype.model"
        in (
            found := {
                each.key: each.value.string_value or each.value.int_value
                for each in span.attributes
            }
        )
    ]
    assert [name for name, _ in traced] == ["POST /classify"]
    _, found = traced[0]
    assert (found["holotype.model"], found["holotype.generation"]) == ("pii", 1)
    assert (found["http.route"], found["http.response.status_code"]) == ("/classify", 200)
