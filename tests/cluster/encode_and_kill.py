"""Encode a corpus on a cluster of two nodes, kill an actor in the middle, and report as JSON.

python encode_and_kill.py CORPUS OUTPUT CHECKPOINT REPORT
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import ray
from ray.cluster_utils import Cluster

from holotype import cluster


def main(corpus: Path, output: Path, checkpoint: Path, report: Path) -> None:
    """Report which process was killed, and how many files were written at that time."""
    nodes: Any = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False}
    )
    nodes.add_node(num_cpus=2)
    ray.init(address=nodes.address, log_to_driver=False)
    killed: list[tuple[int, int]] = []
    finished = threading.Event()
    killer = threading.Thread(target=kill_one, args=(output, finished, killed))
    killer.start()
    documents = ray.data.read_parquet(str(corpus)).repartition(24)
    vectors = cluster.encode(documents, "all-minilm-l6-v2", checkpoint=checkpoint, batch_size=50)
    vectors.write_parquet(str(output))
    finished.set()
    killer.join()
    report.write_text(json.dumps({"killed": killed}), encoding="utf-8")
    # Ray ends a program with 1 whose cluster is torn down by the end of the program.
    shutdown: Any = ray.shutdown
    shutdown()
    nodes.shutdown()


def kill_one(output: Path, finished: threading.Event, killed: list[tuple[int, int]]) -> None:
    """Kill one of the actors as soon as the first vectors have been written."""
    while not finished.is_set():
        written = len(list(output.glob("*.parquet")))
        actors = encoding_processes()
        if written and actors:
            os.kill(actors[0], signal.SIGKILL)
            killed.append((actors[0], written))
            return
        time.sleep(0.01)


def encoding_processes() -> list[int]:
    """Return the processes that hold an actor of the encoding."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            command = (process / "cmdline").read_bytes()
        except (OSError, NotADirectoryError):
            continue
        if command.startswith(b"ray::") and b"_EncodingActor" in command:
            found.append(int(process.name))
    return sorted(found)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
