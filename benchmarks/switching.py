"""Switches of a served model by the API while clients go on: who fails, and who waits longer."""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any, get_args

import numpy as np

from corpus import CHECKPOINT
from holotype.encoders.exports import export
from holotype.publishing import CreationOptions, create_artifact
from holotype.registry import Database, ModelRegistry, upgrade
from holotype.run_options import Backend
from report import Table
from server import N_CLIENTS, SHORT, Running, free_port, put_load, request, running

KIND = "text_embedding"
N_SWITCHES = 50
SECONDS = 10.0
_PATIENCE_S = 60.0


@contextmanager
def switching_server(folder: Path) -> Iterator[Running]:
    """Run a server whose model follows a registry of two versions, both of the real MiniLM."""
    address = f"sqlite:///{folder}/registry.db"
    with Database(address) as database:
        upgrade(database)
        versions = ModelRegistry(database)
        for name in ("v1", "v2"):
            checkpoint = folder / f"checkpoint-{name}"
            shutil.copytree(CHECKPOINT, checkpoint)
            # Another digest, and the same vectors.
            (checkpoint / "LICENSE").write_text(f"the licence of {name}\n", encoding="utf-8")
            options = CreationOptions(entry="all-minilm-l6-v2", link=True)
            create_artifact(f"local:{checkpoint}", folder / name, options)
            versions.register(KIND, name, folder / name, actor="benchmark")
        versions.activate(KIND, "v1", actor="benchmark")
    file = folder / "deployment.yaml"
    file.write_text(
        "version: '1.0'\npool: {min_resident: 0s}\nmodels:\n"
        f"  search: {{source: 'registry:{KIND}', preload: true}}\n",
        encoding="utf-8",
    )
    with _serving(
        file, "--database", address, "--state-file", str(folder / "state.json")
    ) as server:
        yield server


@contextmanager
def reloading_server(folder: Path, backend: Backend) -> Iterator[Running]:
    """Run a server of an export of MiniLM, of which there are two folders; see `reload`."""
    made = export("all-minilm-l6-v2", backend=backend, checkpoint=CHECKPOINT, to=folder / "v1")
    shutil.copytree(made.folder, folder / "v2")
    with _serving(_deploy(folder, "v1", backend)) as server:
        yield server


def _deploy(folder: Path, version: str, backend: Backend) -> Path:
    file = folder / "deployment.yaml"
    source = f"{{type: local, path: {folder / version}}}"
    file.write_text(
        "version: '1.0'\npool: {min_resident: 0s}\nmodels:\n"
        f"  search: {{source: {source}, inference: {{backend: {backend}}}, preload: true}}\n",
        encoding="utf-8",
    )
    return file


@contextmanager
def _serving(file: Path, *options: str) -> Iterator[Running]:
    port = free_port()
    command = [sys.executable, "-m", "holotype", "serve", str(file), "--port", str(port)]
    with running([*command, "--drain", "0", *options], port) as server:
        put_load(server, request("search", SHORT), n_clients=1, seconds=_PATIENCE_S, n_most=20)
        yield server


class Watched:
    """A load that goes on until it is told to end; it counts what fails instead of ending there."""

    def __init__(self, server: Running, sent: bytes, n_clients: int) -> None:
        """Prepare the clients; see `start`."""
        self.latencies_s: list[float] = []
        self.failures: list[str] = []
        self.versions: set[str] = set()
        self._server, self._sent, self._n_clients = server, sent, n_clients
        self._over = Event()
        self._thread = Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> Watched:
        """Start the clients."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Let every client end its request, and stop."""
        self._over.set()
        self._thread.join()

    async def _run(self) -> None:
        await asyncio.gather(*(self._client() for _ in range(self._n_clients)))

    async def _client(self) -> None:
        while not self._over.is_set():
            try:
                await self._connected()
            except (OSError, asyncio.IncompleteReadError) as error:
                self.failures.append(repr(error))

    async def _connected(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._server.port)
        try:
            while not self._over.is_set():
                started_s = time.perf_counter()
                writer.write(self._sent)
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                fields = dict(line.split(": ", 1) for line in head.splitlines()[1:] if line)
                await reader.readexactly(int(fields["content-length"]))
                self.latencies_s.append(time.perf_counter() - started_s)
                if " 200 " not in head.partition("\r\n")[0]:
                    self.failures.append(head.partition("\r\n")[0])
                self.versions.add(fields.get("x-holotype-version", ""))
        finally:
            writer.close()

    def percentile_ms(self, q: float) -> float:
        """Return a percentile of the latencies, in milliseconds."""
        return 1000 * float(np.percentile(self.latencies_s, q))


def switch(server: Running, version: str) -> None:
    """Switch by the API, and wait until the job is over.

    Raises:
        RuntimeError: it failed.
    """
    job = _ask(server, f"/api/models/{KIND}/switch/{version}", {"reason": "benchmark"})
    ends_s = time.monotonic() + _PATIENCE_S
    while job["finished_at"] is None and time.monotonic() < ends_s:
        time.sleep(0.05)
        job = _ask(server, f"/api/jobs/{job['id']}")
    if job["state"] != "succeeded":
        raise RuntimeError(f"the switch to {version} is {job['state']}: {job['problem']}")


def reload(server: Running, folder: Path, version: str, backend: Backend) -> None:
    """Write the other folder into the deployment, and let the server read it again.

    Raises:
        RuntimeError: it was not swapped.
    """
    _deploy(folder, version, backend)
    applied = _ask(server, "/api/reload", {})
    if applied["failed"] or applied["swapped"] != ["search"]:
        raise RuntimeError(f"the reload of {version} did not swap it: {applied}")


def _ask(server: Running, path: str, body: Any = None) -> Any:
    content = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(
        f"http://127.0.0.1:{server.port}{path}",
        content,
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(asked, timeout=_PATIENCE_S) as response:  # noqa: S310
        return json.load(response)


def table(
    n_switches: int = N_SWITCHES,
    n_clients: int = N_CLIENTS,
    seconds: float = SECONDS,
    *,
    backend: Backend = "torch",
) -> Table:
    """Measure latencies before the switches, and while they go on.

    On torch, versions of a registry are switched. Graphs are no artifacts, and their folders take
    turns in the deployment.
    """
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        opened = (
            switching_server(folder) if backend == "torch" else reloading_server(folder, backend)
        )
        with opened as server:
            sent = request("search", SHORT, encoding_format="base64")
            with Watched(server, sent, n_clients) as before:
                time.sleep(seconds)
            with Watched(server, sent, n_clients) as during:
                started_s = time.perf_counter()
                for number in range(n_switches):
                    version = f"v{2 - number % 2}"
                    if backend == "torch":
                        switch(server, version)
                    else:
                        reload(server, folder, version, backend)
                took_s = time.perf_counter() - started_s
    ratio = during.percentile_ms(99) / before.percentile_ms(99)
    rows = [
        [
            what,
            str(len(load.latencies_s)),
            str(len(load.failures)),
            *(f"{load.percentile_ms(q):.1f}" for q in (50, 99)),
        ]
        for what, load in (("before", before), (f"during {n_switches} switches", during))
    ]
    notes = [
        f"The aim: none failed, and a p99 of at most twice that before; it is {ratio:.2f} ×. "
        f"A switch takes {took_s / n_switches:.2f} s beside the load; of versions of a registry: files "
        "compared, model loaded, called and compared, recorded, switched.",
        *sorted(set(before.failures + during.failures))[:5],
    ]
    title = f"Switches on {backend} under {n_clients} clients with one short text each"
    return Table(title, ["", "answered", "failed", "p50, ms", "p99, ms"], rows, notes)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--switches", type=int, default=N_SWITCHES)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of the load before")
    parser.add_argument("--backend", choices=get_args(Backend), default="torch")
    given = parser.parse_args()
    print(table(given.switches, seconds=given.seconds, backend=given.backend).markdown())
