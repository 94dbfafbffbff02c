"""SIGKILL at any statement leaves a registry as it was, or as it was to become."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from holotype.registry import Database, ModelRegistry, upgrade

PROGRAM = Path(__file__).with_name("crashing.py")
RELEASED = Path(__file__).parents[3] / "fixtures/registry"


def left_after(file: Path, action: str) -> list[str]:
    """Return what each run left, the one that came to its end last."""
    command = [sys.executable, str(PROGRAM), str(file), action]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [("activate", "('v1', 1)", "('v2', 2)"), ("rollback", "('v2', 2)", "('v1', 3)")],
)
def test_a_switch_that_is_killed_has_happened_or_has_not(
    store: Path, tmp_path: Path, action: str, before: str, after: str
) -> None:
    file = tmp_path / "registry.db"
    with Database(f"sqlite:///{file}") as database:
        upgrade(database)
        registry = ModelRegistry(database)
        for name in ("v1", "v2"):
            registry.register("text_embedding", name, store / name, actor="alice")
        registry.activate("text_embedding", "v1", actor="alice")
        if action == "rollback":
            registry.activate("text_embedding", "v2", actor="alice")
    found = left_after(file, action)
    assert len(found) > 5
    assert {state.partition(" ")[2] for state in found[:-1]} == {before}
    assert found[-1].endswith(after)


@pytest.mark.parametrize("version", ["0001", "0002"])
def test_an_upgrade_that_is_killed_has_happened_or_has_not(tmp_path: Path, version: str) -> None:
    file = tmp_path / "registry.db"
    connection = sqlite3.connect(file)
    connection.executescript((RELEASED / f"{version}.sqlite.sql").read_text())
    connection.close()
    found = left_after(file, "upgrade")
    assert len(found) > 5
    assert {state.partition(" ")[0] for state in found[:-1]} == {version}
    assert found[-1].startswith("0003")
