"""Serve a model on a Ray cluster of two nodes, and kill and switch what serves, under load.

    python serve_and_kill.py MODEL_FOLDER OTHER_FOLDER PLACE REPORT

The report has what clients saw. The other folder makes other vectors.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import openai
import ray
from ray.cluster_utils import Cluster

from holotype import cluster, load
from holotype.errors import ArtifactError
from holotype.pool.errors import PoolError
from holotype.server import ServerSettings

TEXT = "what is late interaction?"
N_CLIENTS = 4
GIB = 2**30


def main(folder: Path, other: Path, place: Path, report: Path) -> None:
    """Run it all, and write what was seen."""
    expected = []
    for each in (folder, other):
        with load(each, device="cpu") as encoder:
            vectors: Any = encoder
            expected.append(vectors.encode_document([TEXT])[0])
    file = place / "deployment.yaml"

    def write(served: Path) -> None:
        file.write_text(
            f"""
version: "1.0"
pool: {{memory: 700MiB, min_resident: 0s}}
models:
  text:
    source: "local:{served}/"
    inference: {{device: cpu}}
    preload: true
    allow_different_vectors: true
"""
        )

    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "memory": 3 * GIB})
    nodes.add_node(num_cpus=2, memory=3 * GIB)
    ray.init(address=nodes.address, log_to_driver=False)
    port = free_port()
    settings = ServerSettings(deployment=str(file), port=port, stop_s=10.0)
    found: dict[str, Any] = {}
    try:
        write(folder)
        # Two replicas of 2 GiB do not fit on one node of 3 GiB.
        options: dict[str, Any] = {"replicas": 2, "memory_bytes": 2 * GIB, "num_cpus": 1}
        cluster.serve(settings, **options)
        found["nodes"] = sorted(node for _, node in replicas().values())
        with Load(port, expected) as clients:
            clients.wait_for(20)
            victim = min(replicas())
            os.kill(victim, signal.SIGKILL)
            found["killed"] = victim
            clients.wait_for(20)
            wait_until(lambda: len(replicas()) == 2 and victim not in replicas())
            clients.wait_for(20)
            write(other)
            cluster.serve(settings, **options)
            clients.wait_for(20)
            n_so_far = len(clients.seen)
            write(place / "nothing")
            try:
                cluster.serve(settings, **options)
            except ArtifactError as error:
                found["refused"] = str(error)
            clients.wait_for(20)
        found["failures"] = clients.failures
        found["n_calls"] = len(clients.seen)
        found["n_wrong"] = clients.seen.count(-1)
        # Which of the two models answered, in the order of the answers.
        found["first"], found["last"] = clients.seen[:20], clients.seen[n_so_far:]
        try:
            cluster.serve(settings, **{**options, "memory_bytes": 100 * GIB})
        except PoolError as error:
            found["too_large"] = str(error)
    finally:
        ray.shutdown()
        nodes.shutdown()  # type: ignore[no-untyped-call]
    report.write_text(json.dumps(found), encoding="utf-8")


class Load:
    """Clients that call all the time, and note which model answered."""

    def __init__(self, port: int, expected: list[Any]) -> None:
        """Begin with the ``with`` statement."""
        self.expected = expected
        self.seen: list[int] = []
        self.failures: list[str] = []
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._threads = [threading.Thread(target=self._run, args=(port,)) for _ in range(N_CLIENTS)]

    def _run(self, port: int) -> None:
        # A replica that is killed takes with it what it was answering; that is repeated.
        client = openai.OpenAI(
            base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=5, timeout=60
        )
        while not self._stop.is_set():
            try:
                answer = client.embeddings.create(model="text", input=TEXT)
            except openai.OpenAIError as error:
                self.failures.append(repr(error))
                # What fails at once must not fill the report.
                self._stop.wait(0.1)
                continue
            which = [np.allclose(answer.data[0].embedding, one, atol=1e-4) for one in self.expected]
            with self._changed:
                self.seen.append(which.index(True) if any(which) else -1)
                self._changed.notify_all()

    def wait_for(self, n_calls: int) -> None:
        """Return after so many more answers."""
        with self._changed:
            enough = len(self.seen) + n_calls
            if not self._changed.wait_for(lambda: len(self.seen) >= enough, 120):
                raise TimeoutError(f"{len(self.seen)} answers; {self.failures[-3:]}")

    def __enter__(self) -> Load:
        """Start."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._stop.set()
        for thread in self._threads:
            thread.join()


def replicas() -> dict[int, tuple[str, str]]:
    """The processes of the replicas that run: their names, and their nodes."""
    from ray.util.state import list_actors

    found: Any = list_actors(filters=[("state", "=", "ALIVE")], detail=True)
    return {
        actor.pid: (actor.name, actor.node_id)
        for actor in found
        if actor.class_name.startswith("ServeReplica:holotype")
    }


def wait_until(is_so: Any) -> None:
    """Return when something is so."""
    ends_s = time.monotonic() + 120
    while not is_so():
        if time.monotonic() > ends_s:
            raise TimeoutError
        time.sleep(0.2)


def free_port() -> int:
    """Return a port that nobody has."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
