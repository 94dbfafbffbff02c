"""How the batches that run at once share the threads of torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
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

STRANGE = """
import ctypes, json, os, shutil, sys
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
import torch
from holotype.pool import cores

place = Path(sys.argv[1])
lines = Path("/proc/self/maps").read_text().splitlines()
(openmp,) = {line.split(maxsplit=5)[-1] for line in lines if "libgomp" in line}
mapped = {line.split(maxsplit=5)[-1] for line in lines if "libm.so" in line or "libm-" in line}
# No OpenMP, although its name begins like one.
ctypes.CDLL(shutil.copy(mapped.pop(), place / "libompl.so"))
# Of an environment that was upgraded while it ran.
ctypes.CDLL(shutil.copy(openmp, place / "libgomp-old.so.1"))
(place / "libgomp-old.so.1").unlink()
maps = place / "maps"
loaded = Path("/proc/self/maps").read_text().splitlines()
# Whatever the order of the addresses, the strange ones are asked first.
maps.write_text("\\n".join(sorted(loaded, key=lambda line: str(place) not in line)))
cores._MAPS = maps

found = []
model = SimpleNamespace(config=SimpleNamespace(backend="torch"), device="cpu")
shared = cores.Cores()

def look():
    found.append(shared.at_once(model))
    with shared.share():
        found.append(torch.get_num_threads())

for n_threads in (1, 4):
    torch.set_num_threads(n_threads)
    thread = Thread(target=look)
    thread.start()
    thread.join()
print(json.dumps({"names": [Path(one).name for one in cores._loaded_libraries()], "found": found}))
"""

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux says which libraries are loaded"
)


def run(argument: object, program: str = PROGRAM) -> dict[str, Any]:
    ran = subprocess.run(
        [sys.executable, "-c", program, str(argument)],
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


def test_libraries_that_are_gone_or_no_openmp_are_passed_over_and_a_later_number_counts(
    tmp_path: Path,
) -> None:
    found = run(tmp_path, STRANGE)
    assert {"libompl.so", "libgomp-old.so.1 (deleted)"} <= {*found["names"][:2]}
    assert found["found"] == [1, 1, 2, 4]
