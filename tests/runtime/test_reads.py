"""A `load` opens each file of a checkpoint at most once, and a plan of every kind does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.holotype.hub import checkpoints

MADE = Path(__file__).parent.parent / "fixtures/made_by_0_1_0"
COUNT = """
import collections, json, os, sys
folder, program = sys.argv[1:]
opened = collections.Counter()

def hook(event, arguments):
    if event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
        path = os.path.realpath(os.fsdecode(arguments[0]))
        if path.startswith(folder + os.sep):
            opened[os.path.relpath(path, folder)] += 1

sys.addaudithook(hook)
exec(program)
print(json.dumps(opened))
"""
PLAN = """
from pathlib import Path
from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.kinds.derived_record import derive_record
from holotype.encoders.kinds.planning import make_plan
checkpoint = Checkpoint(Path(folder))
make_plan(derive_record(checkpoint, name="tiny"), checkpoint)
"""


def opened(folder: Path, program: str) -> dict[str, int]:
    """How often a program opens each file of a folder from Python."""
    command = [sys.executable, "-c", COUNT, str(folder.resolve()), program]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, int] = json.loads(run.stdout)
    return found


def test_load_opens_each_file_once() -> None:
    program = "from holotype.encoders import load; load(f'local:{folder}', device='cpu')"
    counts = opened(MADE / "checkpoint", program)
    assert counts
    assert "config.json" in counts
    assert max(counts.values()) == 1, counts


@pytest.mark.parametrize(
    "name",
    [
        *("dense", "model2vec", "static", "colbert_stanford", "colbert_pylate"),
        *("colbert_multi_vector", "sparse", "cross_encoder", "classifier"),
    ],
)
def test_a_derived_record_and_its_plan_open_each_file_once(name: str, tmp_path: Path) -> None:
    checkpoints.saved(tmp_path, getattr(checkpoints, name)())
    counts = opened(tmp_path, PLAN)
    assert counts
    assert max(counts.values()) == 1, counts
