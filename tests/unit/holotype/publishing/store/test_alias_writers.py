"""Aliases under several processes: nothing is lost, nothing is half made, no lock outlives its owner."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.holotype.publishing.store.made import make_artifact

from holotype.errors import StoreBusyError
from holotype.publishing.alias_switching import set_alias
from holotype.references.aliases import read_alias, resolve_alias

N_SWITCHES = 40

WRITER = """
import sys
from pathlib import Path
from holotype.publishing.alias_switching import set_alias
store, *artifacts = sys.argv[1:]
for at in range({n}):
    set_alias(Path(store), "production", artifacts[at % 2], reason=f"{{artifacts[0]}} {{at}}")
"""

HOLDER = """
import os, signal, sys
from pathlib import Path
from holotype.publishing import alias_switching
def hang(descriptor):
    print("holding", flush=True)
    signal.pause()
os.fsync = hang
alias_switching.set_alias(Path(sys.argv[1]), "production", "model-v2", reason="never")
"""


def start(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True
    )


def test_two_writers_lose_no_change_and_readers_always_see_a_whole_one(store: Path) -> None:
    for name in ("a1", "a2", "b1", "b2"):
        make_artifact(store / name, weights=name.encode())
    set_alias(store, "production", "model-v1", reason="before")
    code = WRITER.format(n=N_SWITCHES)
    writers = [start(code, str(store), "a1", "a2"), start(code, str(store), "b1", "b2")]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        seen.add(resolve_alias(store, "production").name)
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    assert {"model-v1", "a1", "a2", "b1", "b2"} >= seen
    reasons = [change.reason for change in read_alias(store, "production").changes]
    assert len(reasons) == 1 + 2 * N_SWITCHES
    for name in ("a1", "b1"):
        ours = [reason for reason in reasons if reason.startswith(name)]
        assert ours == [f"{name} {at}" for at in range(N_SWITCHES)]


def test_a_writer_that_is_killed_leaves_the_alias_as_it_was_and_holds_no_lock(store: Path) -> None:
    set_alias(store, "production", "model-v1")
    writer = start(HOLDER, str(store))
    assert writer.stdout is not None
    assert writer.stdout.readline() == "holding\n"
    try:
        with pytest.raises(StoreBusyError, match=r"has held its aliases for 0\.05 s"):
            set_alias(store, "production", "model-v2", patience_s=0.05)
        assert resolve_alias(store, "production").name == "model-v1"
    finally:
        os.kill(writer.pid, signal.SIGKILL)
        writer.communicate()
    assert resolve_alias(store, "production").name == "model-v1"
    set_alias(store, "production", "model-v2", reason="after", patience_s=0.05)
    assert [each.reason for each in read_alias(store, "production").changes] == ["", "after"]
    assert sorted(path.name for path in (store / ".aliases").glob("*.new")) == []
