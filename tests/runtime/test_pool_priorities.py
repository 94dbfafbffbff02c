"""What a swapped model leaves behind on Linux: no thread that serves with a low priority."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from holotype.encoders.config import Backend
from holotype.encoders.exports import export

PROGRAM = """
import json, os, sys
import numpy as np
from holotype.deployment.document import (
    CustomSource, InferenceSettings, ModelSpec, ReferenceSource, VariantSpec
)
from holotype.pool import Pool, Sizes
from holotype.references.ref import ModelRef

class Own:
    fingerprint = "own"

    def encode(self, sentences):
        return np.ones((len(sentences), 16), np.float32)

def nice_of(thread):
    return os.getpriority(os.PRIO_PROCESS, thread)

def threads():
    return {int(thread) for thread in os.listdir("/proc/self/task")}

def source(of):
    if of == "own":
        return CustomSource(factory="own")
    return ReferenceSource(ref=ModelRef.parse(f"local:{of}/"))

first, second, backend = sys.argv[1:]
settings = InferenceSettings(backend=backend, device="cpu")
spec = ModelSpec(
    name="search",
    variants=(VariantSpec(source=source(first), inference=settings),),
    inference=settings,
    allow_moving=True,
)
builder = Pool.builder().with_spec(spec).with_custom("own", Own).remember_sizes_in(Sizes(None))
with builder.build() as pool:
    search = pool.encoder("search")
    # A single text: nothing but the loads makes pools of threads.
    search.encode(["cat"])
    before = threads()
    pool.swap("search", source(second), allow_different_vectors=True)
    search.encode(["cat", "dog", "cat dog"] * 20)
    now = threads()
    usual = nice_of(os.getpid())
    print(json.dumps({
        "version": pool.call("search", "encode", ["cat"]).version.number,
        "raised": sorted(nice_of(one) - usual for one in now if nice_of(one) > usual),
        "n_new": len(now - before),
    }))
"""

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux has priorities of threads"),
    pytest.mark.usefixtures("_each_network_is_traced_once"),
]


def after_a_swap(first: str | Path, second: str | Path, backend: Backend) -> dict[str, Any]:
    """What `PROGRAM` finds in a process of its own."""
    command = [sys.executable, "-c", PROGRAM, str(first), str(second), backend]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


@pytest.mark.parametrize("backend", ["torch", "onnx", "openvino"])
def test_no_thread_that_outlives_a_swap_has_a_low_priority(
    backend: Backend, folder: Path, tmp_path: Path
) -> None:
    first = folder
    if backend != "torch":
        first = export(folder, backend=backend, to=tmp_path / "made").folder
    second = Path(shutil.copytree(first, tmp_path / "second"))
    found = after_a_swap(first, second, backend)
    assert (found["version"], found["raised"]) == (2, [])


def test_nor_has_one_that_the_first_checkpoint_of_a_process_starts(folder: Path) -> None:
    """The threads of tokenizers start once for the process, with the first batch."""
    found = after_a_swap("own", folder, "torch")
    assert (found["version"], found["raised"]) == (2, [])
    assert found["n_new"] > 0
