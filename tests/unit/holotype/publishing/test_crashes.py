"""SIGKILL at any step of making an artifact leaves nothing, or all of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.holotype.hub.server import REPOSITORY, REVISION, HubState

PROGRAM = Path(__file__).with_name("crashing.py")


@pytest.fixture
def stride(pytestconfig: pytest.Config) -> int:
    """How far the points lie apart: `make thorough` kills at every one."""
    return 1 if pytestconfig.getoption("--hypothesis-profile") == "thorough" else 7


def crash(source: str, folder: Path, stride: int, **environment: str) -> dict[str, int]:
    """Run the program, and return how many runs were killed and left what, and how many ended."""
    folder.mkdir()
    result = subprocess.run(
        [sys.executable, str(PROGRAM), source, str(folder / "artifact"), str(stride)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert result.returncode == 0, result.stderr
    found: dict[str, int] = json.loads(result.stdout)
    return found


def test_a_copy_that_is_killed_at_any_point_leaves_nothing_or_all(
    checkpoint: Path, tmp_path: Path, stride: int
) -> None:
    found = crash(f"local:{checkpoint}", tmp_path / "made", stride)
    assert found["nothing"] > 100 / stride
    assert found["complete"] >= 1  # killed after the rename
    assert found["finished"] >= 1


def test_a_download_that_is_killed_at_any_point_leaves_nothing_or_all(
    hub: HubState, tmp_path: Path, stride: int
) -> None:
    files = hub.repositories[REPOSITORY][REVISION]
    length, rest = files["model.safetensors"][:8], files["model.safetensors"][8:]
    n = int.from_bytes(length, "little")
    blanks = b" " * 200_000
    files["model.safetensors"] = (
        (n + len(blanks)).to_bytes(8, "little") + rest[:n] + blanks + rest[n:]
    )
    found = crash(
        f"hf:{REPOSITORY}",
        tmp_path / "made",
        stride,
        HF_ENDPOINT=hub.endpoint,
        HF_HOME=str(tmp_path / "home"),
        HF_HUB_OFFLINE="0",
    )
    # Threads make the number of events differ from run to run; the last run ends by itself.
    assert found["nothing"] > 100 / stride
    assert found["finished"] >= 1
