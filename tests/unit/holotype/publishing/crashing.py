"""Kills the making of an artifact at its steps, and says what is left each time.

python crashing.py SOURCE TARGET STRIDE: a process of its own makes the artifact, and kills itself
by SIGKILL at its n-th event, for every STRIDE-th n until one comes to its end, and for each n of
the last stride. An event is what the interpreter tells its auditors: a file is opened, renamed,
linked or deleted, a folder is made, listed or deleted, a lock is taken; and, since these are few
while files are copied, every block that passes.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from holotype.publishing import create_artifact, open_artifact
from holotype.references import ArtifactError

_EVENTS = ("open", "os.", "shutil.", "fcntl.", "socket.")


def main(source: str, target: Path, stride: int) -> None:
    """Write how many runs were killed and left nothing or all, and how many came to their end."""
    outcomes: Counter[str] = Counter()
    for point in itertools.count(1, stride):
        outcome = _outcome(point, source, target)
        outcomes[outcome] += 1
        if outcome == "finished":
            break
    # What happens last, the renaming of what is whole, is where a kill matters most.
    outcomes.update(_outcome(near, source, target) for near in range(point - stride + 1, point))
    sys.stdout.write(json.dumps(outcomes))


def _outcome(point: int, source: str, target: Path) -> str:
    """Kill a run at one point, and say what it left; the target is gone afterwards."""
    finished = _killed_at(point, source, target) == 0
    complete = os.path.lexists(target)
    if complete:
        open_artifact(target, verify="full")
    _second_run(source, target)
    if finished:
        return "finished"
    return "complete" if complete else "nothing"


def _killed_at(point: int, source: str, target: Path) -> int:
    child = os.fork()
    if child == 0:
        count = _counter(point)
        sys.addaudithook(lambda event, _: count() if event.startswith(_EVENTS) else None)

        def on_total(_: int) -> Any:
            return lambda _: count()

        create_artifact(source, target, on_total=on_total)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return status


def _counter(point: int) -> Callable[[], None]:
    events = 0

    def count() -> None:
        nonlocal events
        events += 1
        if events == point:
            os.kill(os.getpid(), signal.SIGKILL)

    return count


def _second_run(source: str, target: Path) -> None:
    """Make the artifact after all, unless it is there, and take it away again."""
    try:
        create_artifact(source, target)
    except ArtifactError:
        if not target.exists():
            raise
    open_artifact(target, verify="full")
    # A run that is killed after the rename leaves the file of its lock, which nobody holds.
    lock = f".{target.name}.lock"
    left = [path.name for path in target.parent.iterdir() if path.name != lock]
    if left != [target.name]:
        raise AssertionError(f"left behind: {left}")
    for path in sorted(target.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    target.rmdir()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
