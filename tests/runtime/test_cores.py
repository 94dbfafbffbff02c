"""How the batches that run at once share the threads of torch."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

PROGRAM = """
import json, sys
from threading import Barrier, Thread
from types import SimpleNamespace
import torch
from holotype.pool.cores import Cores

torch.set_num_threads(int(sys.argv[1]))

def model(backend="torch", device="cpu"):
    return SimpleNamespace(config=SimpleNamespace(backend=backend), device=device)

cores, found = Cores(), {}

def alone():
    found["at once"] = [cores.at_once(one) for one in (model(), model("onnx"), model(device="cuda:0"), object())]
    with cores.share():
        found["alone"] = torch.get_num_threads()

def run(target):
    thread = Thread(target=target)
    thread.start()
    thread.join()

run(alone)
first_runs, second_ran = Barrier(2), Barrier(2)

def first():
    with cores.share():
        first_runs.wait(30)
        second_ran.wait(30)
        found["the first"] = torch.get_num_threads()

def second():
    first_runs.wait(30)
    with cores.share():
        found["the second"] = torch.get_num_threads()
        torch.ones(300, 300) @ torch.ones(300, 300)
        found["after a product"] = torch.get_num_threads()
    second_ran.wait(30)
    threads[0].join()
    with cores.share():
        found["the second, alone again"] = torch.get_num_threads()

threads = [Thread(target=each) for each in (first, second)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
run(lambda: found.update({"a later thread": torch.get_num_threads()}))
found["the process"] = torch.get_num_threads()
print(json.dumps(found))
"""

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux says which libraries are loaded"
)


def run(n_threads: int) -> dict[str, Any]:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(n_threads)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def test_a_batch_beside_another_has_half_of_the_threads_and_one_alone_has_all() -> None:
    assert run(4) == {
        "at once": [2, 1, 1, 1],
        "alone": 4,
        "the first": 4,
        "the second": 2,
        "after a product": 2,
        "the second, alone again": 4,
        "a later thread": 4,
        "the process": 4,
    }


def test_one_thread_is_not_divided() -> None:
    found = run(1)
    assert found["at once"] == [1, 1, 1, 1]
    assert {value for name, value in found.items() if name != "at once"} == {1}
