"""SIGKILL at every step of making an artifact leaves nothing, or all of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.unit.holotype.hub.server import REPOSITORY, REVISION, HubState

PROGRAM = Path(__file__).with_name("crashing.py")


def crash(source: str, folder: Path, **environment: str) -> dict[str, int]:
    """Run the program, and return how many points there were, and what was left how often."""
    folder.mkdir()
    result = subprocess.run(
        [sys.executable, str(PROGRAM), source, str(folder / "artifact")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert result.returncode == 0, result.stderr
    found: dict[str, int] = json.loads(result.stdout)
    return found


def test_a_copy_that_is_killed_at_any_point_leaves_nothing_or_all(
    checkpoint: Path, tmp_path: Path
) -> None:
    found = crash(f"local:{checkpoint}", tmp_path / "made")
    assert found["points"] > 100
    assert found["nothing"] > 100
    # Killed after the rename, and the run that was not killed.
    assert found["complete"] >= 2
    assert found["nothing"] + found["complete"] == found["points"] + 1


def test_a_download_that_is_killed_at_any_point_leaves_nothing_or_all(
    hub: HubState, tmp_path: Path
) -> None:
    hub.repositories[REPOSITORY][REVISION]["model.safetensors"] += b"\0" * 200_000
    found = crash(
        f"hf:{REPOSITORY}",
        tmp_path / "made",
        HF_ENDPOINT=hub.endpoint,
        HF_HOME=str(tmp_path / "home"),
        HF_HUB_OFFLINE="0",
    )
    # Threads make the number of events differ from run to run; the last run ends by itself.
    assert found["points"] > 100
    assert found["complete"] >= 1
    assert found["nothing"] + found["complete"] == found["points"] + 1
