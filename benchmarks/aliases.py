"""What it costs to switch an alias of a store of artifacts, and to follow it."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from corpus import CHECKPOINT
from holotype.publishing import create_artifact, rollback_alias, set_alias
from holotype.references.aliases import read_alias, resolve_alias
from report import Table

NAMES = ("blue", "green")
N_CALLS = 100
HISTORIES = (10, 300)


def table(histories: Sequence[int] = HISTORIES, n_calls: int = N_CALLS) -> Table:
    """Measure, and return one row for each operation, one column for each length of history."""
    columns = [_times_s(n_changes, n_calls) for n_changes in histories]
    rows = [[what, *(_cell(*column[what]) for column in columns)] for what in columns[0]]
    header = ["median / 95th percentile", *(f"{n:,} changes" for n in histories)]
    notes = [
        "Two artifacts of all-MiniLM-L6-v2. Before a switch, digests are compared, which the process "
        "remembers of files that it has read, and every tensor with what the model needs; before a "
        "rollback, digests alone. A switch is flushed to the disk, whose share the first row is."
    ]
    return Table("An alias of a store of artifacts", header, rows, notes)


def _cell(median_s: float, slow_s: float) -> str:
    return f"{1e3 * median_s:.2f} / {1e3 * slow_s:.2f} ms"


def _times_s(n_changes: int, n_calls: int) -> dict[str, tuple[float, float]]:
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder)
        _make_artifacts(store)
        for at in range(n_changes):
            set_alias(store, "production", NAMES[at % 2], reason="as it grows")
        names = iter(NAMES * n_calls)
        followed = _call_s(lambda: resolve_alias(store, "production"), n_calls)
        switched = _call_s(
            lambda: set_alias(store, "production", next(names), reason="measured"), n_calls
        )
        n_rollbacks = min(n_calls, len(read_alias(store, "production").changes) // 2)
        back = _call_s(lambda: rollback_alias(store, "production"), n_rollbacks)
        path = store / "file"
        disk = _call_s(lambda: _replace(path), n_calls)
    return {"the disk's share": disk, "switch": switched, "rollback": back, "follow": followed}


def _call_s(function: Callable[[], object], n_calls: int) -> tuple[float, float]:
    times = []
    for _ in range(n_calls):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return statistics.median(times), statistics.quantiles(times, n=20)[-1]


def _replace(path: Path) -> None:
    """Write a file and rename it, flushed to the disk: the least that a durable switch costs."""
    temporary = path.with_suffix(".new")
    with temporary.open("wb") as file:
        file.write(b"x" * 400)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def _make_artifacts(store: Path) -> None:
    """Make two artifacts of one model, which differ in a setting that decides nothing."""
    with tempfile.TemporaryDirectory() as place:
        source = Path(place) / "model"
        shutil.copytree(CHECKPOINT, source)
        config = source / "config.json"
        settings = json.loads(config.read_text(encoding="utf-8"))
        for name in NAMES:
            config.write_text(json.dumps({**settings, "_name_or_path": name}), encoding="utf-8")
            create_artifact(source, store / name)
