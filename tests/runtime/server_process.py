"""Servers on loopback: in this process on a thread, or in a process of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
from fastapi import FastAPI

from holotype.server import ServerSettings, ServerState
from holotype.server.serving import GracefulServer, configure


@dataclass
class RunningServer:
    """A server that runs on a thread.

    Attributes:
        state: what it shares.
        url: where it listens.
        client: a client of it.
        server: what runs it.
    """

    state: ServerState
    url: str
    client: httpx.Client
    server: GracefulServer

    @property
    def app(self) -> FastAPI:
        """Its application."""
        app: FastAPI = self.server.config.app  # type: ignore[assignment]
        return app

    def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        """Send a body as JSON."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(path, json=body, headers=names)


def write_deployment(folder: Path, models: Mapping[str, str]) -> Path:
    """Write a deployment of models by name, each as YAML has it in one line."""
    lines = ["version: '1.0'", "pool: {min_resident: 0s}", "models:"]
    lines += [f"  {name}: {text}" for name, text in models.items()]
    file = folder / "deployment.yaml"
    file.write_text("\n".join(lines) + "\n")
    return file


def local(folder: Path, *more: str) -> str:
    """Return a model of a folder for `write_deployment`."""
    source = f"source: {{type: local, path: {folder}}}"
    return "{" + ", ".join((source, *more)) + "}"


@contextmanager
def running_server(**settings: Any) -> Iterator[RunningServer]:
    """Run a server on a free port as long as the block runs; what it preloads is ready."""
    chosen: dict[str, Any] = {"port": 0, "drain_s": 0.0, "stop_s": 10.0, **settings}
    state = ServerState.open(ServerSettings(**chosen))
    server = GracefulServer(configure(state), state)
    thread = Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            thread.join(0.01)
            assert thread.is_alive(), "the server has not started"
        port = server.servers[0].sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
            state.pool.wait_until_ready()
            yield RunningServer(state=state, url=url, client=client, server=server)
    finally:
        # A second signal would end this process at once.
        if not state.is_draining:
            server.handle_exit(15, None)
        thread.join()


@contextmanager
def server_process(
    *arguments: str, **variables: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `holotype serve` in a process of its own; yield it and its address."""
    command = [sys.executable, "-m", "holotype", "serve", "--port", "0", *arguments]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **variables},
    )
    drain: Thread | None = None
    said: list[str] = []
    try:
        assert process.stderr is not None
        for line in process.stderr:
            said.append(line)
            if found := re.search(r"running on (http://\S+)", line):
                break
        else:
            raise AssertionError("the server has not started: " + "".join(said))
        # Its pipe must not run full.
        drain = Thread(target=process.stderr.read)
        drain.start()
        yield process, found[1]
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        if drain is not None:
            drain.join()
        if process.stderr is not None:
            process.stderr.close()
