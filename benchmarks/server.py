"""The server: its own cost, batches across clients, and the same weights behind other servers.

Servers run in processes of their own, on loopback. Infinity runs if HOLOTYPE_BENCHMARK_INFINITY
names its program, infinity_emb, in an environment of its own, since it cannot share one with us.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from corpus import CHECKPOINT
from holotype.encoders import load
from report import Table

_PSUTIL: Any = importlib.import_module("psutil")
_UVLOOP: Any = importlib.import_module("uvloop")
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
SHORT = "how do I keep bread from going stale?"
LONG = " ".join(["model"] * 126)
N_CLIENTS = 32
SECONDS = 8.0
_INFINITY = "HOLOTYPE_BENCHMARK_INFINITY"


class Nothing:
    """An encoder that costs nothing, of MiniLM's size."""

    dim, fingerprint, memory_bytes = 384, "nothing", 0

    def encode(self, sentences: Sequence[str]) -> Any:
        """Return the same vector for any text."""
        return np.full((len(sentences), 384), 0.12345678, dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a load of a server found.

    Attributes:
        n_requests: how many were answered.
        seconds: how long it took.
        latencies_s: how long each took.
        cpu_s: the processor time of the server.
    """

    n_requests: int
    seconds: float
    latencies_s: list[float]
    cpu_s: float

    @property
    def per_s(self) -> float:
        """Requests a second."""
        return self.n_requests / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Processor time of the server for each request, in milliseconds."""
        return 1000 * self.cpu_s / self.n_requests

    def percentile_ms(self, q: float) -> float:
        """Return a percentile of the latencies, in milliseconds."""
        return 1000 * float(np.percentile(self.latencies_s, q))


@dataclass(frozen=True, slots=True)
class Running:
    """A server that runs.

    Attributes:
        port: its port on loopback.
        process: its process.
    """

    port: int
    process: Any

    def cpu_s(self) -> float:
        """Return the processor time so far, in seconds."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


def request(model: str, texts: str | list[str], **more: Any) -> bytes:
    """Return the bytes of a request."""
    body = json.dumps({"model": model, "input": texts, **more}).encode()
    head = (
        "POST /v1/embeddings HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class _Client(asyncio.Protocol):
    """Sends the same request again as soon as it is answered, and costs as little as it can."""

    def __init__(self, sent: bytes, ends_s: float, n_most: int, took: list[float]) -> None:
        self.over = asyncio.get_running_loop().create_future()
        self._sent, self._ends_s, self._n_most, self._took = sent, ends_s, n_most, took
        self._head = b""
        self._n_missing = 0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._send()

    def _send(self) -> None:
        self._started_s = time.perf_counter()
        self._transport.write(self._sent)

    def data_received(self, data: bytes) -> None:
        if self._n_missing:
            self._n_missing -= len(data)
        else:
            self._head += data
            head, end, body = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            found = _LENGTH.search(head)
            if found is None or b" 200 " not in head.partition(b"\r\n")[0]:
                self.over.set_exception(RuntimeError(f"the server answered {head!r}"))
                self._transport.close()
                return
            self._head = b""
            self._n_missing = int(found[1]) - len(body)
        if not self._n_missing:
            self._end()

    def _end(self) -> None:
        now_s = time.perf_counter()
        self._took.append(now_s - self._started_s)
        if now_s < self._ends_s and len(self._took) < self._n_most:
            self._send()
        else:
            self._transport.close()
            self.over.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.over.done():
            self.over.set_exception(error or RuntimeError("the server closed the connection"))


def put_load(
    server: Running, sent: bytes, *, n_clients: int, seconds: float, n_most: int = 10**9
) -> Load:
    """Send the same request from several clients, each one after the other."""
    took: list[float] = []

    async def run() -> None:
        ends_s = time.perf_counter() + seconds

        async def one() -> None:
            made = asyncio.get_running_loop().create_connection(
                lambda: _Client(sent, ends_s, n_most, took), "127.0.0.1", server.port
            )
            await (await made)[1].over

        await asyncio.gather(*(one() for _ in range(n_clients)))

    cpu_s, started = server.cpu_s(), time.perf_counter()
    _UVLOOP.run(run())
    return Load(
        n_requests=len(took),
        seconds=time.perf_counter() - started,
        latencies_s=took,
        cpu_s=server.cpu_s() - cpu_s,
    )


def burst_s(server: Running, sent: bytes, n: int) -> float:
    """Return how long `n` clients with one request each take together."""

    async def once() -> float:
        connections = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(n)]

        async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(sent)
            head = await reader.readuntil(b"\r\n\r\n")
            found = _LENGTH.search(head)
            assert found is not None and b" 200 " in head.split(b"\r\n", 1)[0], head
            await reader.readexactly(int(found[1]))
            writer.close()

        started = time.perf_counter()
        await asyncio.gather(*(one(*each) for each in connections))
        return time.perf_counter() - started

    return asyncio.run(once())


@contextmanager
def running(command: Sequence[str], port: int, **variables: str) -> Iterator[Running]:
    """Run a server until the block ends; it answers when the block begins."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", **variables}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(1200):
            if process.poll() is not None:
                raise RuntimeError(f"{command[0]} ended with {process.returncode}")
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield Running(port, _PSUTIL.Process(process.pid))
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


@contextmanager
def our_server() -> Iterator[Running]:
    """Run `holotype serve` with MiniLM and with an encoder that costs nothing."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "deployment.yaml"
        file.write_text(
            "version: '1.0'\nmodels:\n"
            f"  minilm: {{source: {{type: local, path: {CHECKPOINT}}}, preload: true}}\n"
            "  nothing: {source: {type: custom, factory: 'server:Nothing'}, preload: true}\n"
        )
        command = [sys.executable, "-m", "holotype", "serve", str(file), "--port", str(port)]
        command += ["--allow", "server:Nothing", "--drain", "0"]
        paths = os.pathsep.join(
            [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
        )
        with running(command, port, PYTHONPATH=paths) as server:
            for model in ("minilm", "nothing"):
                put_load(server, request(model, SHORT), n_clients=1, seconds=60, n_most=20)
            yield server


@contextmanager
def bare_server() -> Iterator[Running]:
    """Run sentence-transformers behind bare FastAPI."""
    port = free_port()
    script = str(Path(__file__).with_name("bare_server.py"))
    with running([sys.executable, script, str(CHECKPOINT), str(port)], port) as server:
        put_load(server, request("minilm", SHORT), n_clients=1, seconds=60, n_most=20)
        yield server


@contextmanager
def infinity_server(program: str) -> Iterator[Running]:
    """Run Infinity, with torch in float32 as we do."""
    port = free_port()
    command = [program, "v2", "--model-id", str(CHECKPOINT), "--port"]
    command += [str(port), "--served-model-name", "minilm", "--engine", "torch", "--device", "cpu"]
    command += ["--dtype", "float32", "--url-prefix", "/v1", "--no-bettertransformer"]
    command += ["--log-level", "warning"]
    with running(command, port, PYTHONPATH="") as server:
        put_load(server, request("minilm", SHORT), n_clients=1, seconds=60, n_most=20)
        yield server


def encoder_cpu_ms(texts: str | list[str], n: int) -> float:
    """Return the processor time of the encoder alone for a call, in milliseconds."""
    with load("all-minilm-l6-v2", checkpoint=CHECKPOINT, device="cpu") as encoder:
        for _ in range(3):
            encoder.encode(texts)
        took = []
        for _ in range(n):
            started = time.process_time()
            encoder.encode(texts)
            took.append(time.process_time() - started)
    return 1000 * statistics.median(took)


def own_cost_table(seconds: float = SECONDS) -> Table:
    """Measure what the server costs above the encoder, and what batches across clients gain."""
    rows: list[list[str]] = []
    with our_server() as server:
        for name, texts in (("one short text", SHORT), ("32 texts of 128 tokens", [LONG] * 32)):
            for form in ("base64", "float"):
                sent = request("nothing", texts, encoding_format=form)
                found = put_load(server, sent, n_clients=1, seconds=seconds / 2)
                rows.append([f"{name}, {form}", f"{found.cpu_ms:.2f} ms CPU"])
        alone_ms = encoder_cpu_ms([LONG] * 32, 3)
        rows.append(["the encoder alone, 32 texts of 128 tokens", f"{alone_ms:.0f} ms CPU"])
        one = request("minilm", SHORT, encoding_format="base64")
        together = request("minilm", [SHORT] * 256, encoding_format="base64")
        bursts, calls = [], []
        for _ in range(3):
            bursts.append(burst_s(server, one, 256))
            calls.append(burst_s(server, together, 1))
        ratio = min(bursts) / min(calls)
        rows.append(["256 clients with one text / one call of 256", f"{ratio:.2f} ×"])
        single = put_load(server, one, n_clients=1, seconds=seconds)
        many = put_load(server, one, n_clients=64, seconds=seconds)
        gain = many.per_s / single.per_s
        rows.append(["64 clients / one client, requests a second", f"{gain:.2f} ×"])
    notes = [
        "CPU is the processor time of the server's process for each request, with an encoder that "
        "costs nothing: reading, queueing, writing."
    ]
    return Table("The server's own cost", ["what", "found"], rows, notes)


def peers_table(n_clients: int = N_CLIENTS, seconds: float = SECONDS) -> Table:
    """Measure the same weights behind our server and behind others, in turns."""
    servers: dict[str, Any] = {
        "holotype serve": our_server,
        "sentence-transformers, bare FastAPI": bare_server,
    }
    program = os.environ.get(_INFINITY)
    if program:
        servers["Infinity"] = lambda: infinity_server(program)
    found: dict[str, list[Load]] = {name: [] for name in servers}
    sent = request("minilm", SHORT, encoding_format="float")
    for _ in range(2):
        for name, start in servers.items():
            with start() as server:
                found[name].append(put_load(server, sent, n_clients=n_clients, seconds=seconds))
    rows = []
    for name, loads in found.items():
        best = max(loads, key=lambda load: load.per_s)
        shown = [best.percentile_ms(50), best.percentile_ms(99), best.cpu_ms]
        rows.append([name, f"{best.per_s:.0f}", *(f"{value:.1f}" for value in shown)])
    return Table(
        f"MiniLM behind servers, {n_clients} clients with one short text each",
        ["server", "requests a second", "p50, ms", "p99, ms", "CPU a request, ms"],
        rows,
        ["float32, the best of two runs in turns, numbers as JSON."],
    )


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each load")
    seconds = parser.parse_args().seconds
    print(own_cost_table(seconds).markdown())
    print(peers_table(seconds=seconds).markdown())


if __name__ == "__main__":
    main()
