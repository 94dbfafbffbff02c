"""What it costs to switch an alias of a store of artifacts, and to follow it."""

from __future__ import annotations

import hashlib
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from holotype.publishing import rollback_alias, set_alias
from holotype.records import DenseModel
from holotype.references import FileEntry, Manifest, ModelRef
from holotype.references.aliases import read_alias, resolve_alias
from report import Table

N_FILES = 20
N_CALLS = 100
HISTORIES = (10, 300)


def table() -> Table:
    """Measure, and return one row for each operation, one column for each length of history."""
    columns = [_times_s(n_changes) for n_changes in HISTORIES]
    rows = [[what, *(_cell(*column[what]) for column in columns)] for what in columns[0]]
    header = ["median / 95th percentile", *(f"{n:,} changes" for n in HISTORIES)]
    notes = [
        f"Each artifact has {N_FILES} files, whose sizes are compared first; a switch is flushed to "
        "the disk. Target: a switch under 5 ms; the first row is what the disk takes of it."
    ]
    return Table("An alias of a store of artifacts", header, rows, notes)


def _cell(median_s: float, slow_s: float) -> str:
    return f"{1e3 * median_s:.2f} / {1e3 * slow_s:.2f} ms"


def _times_s(n_changes: int) -> dict[str, tuple[float, float]]:
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder)
        for name in ("blue", "green"):
            _make_artifact(store / name)
        for at in range(n_changes):
            set_alias(store, "production", ("blue", "green")[at % 2], reason="as it grows")
        names = iter(("blue", "green") * N_CALLS)
        followed = _call_s(lambda: resolve_alias(store, "production"))
        switched = _call_s(lambda: set_alias(store, "production", next(names), reason="measured"))
        n_rollbacks = min(N_CALLS, len(read_alias(store, "production").changes) // 2)
        back = _call_s(lambda: rollback_alias(store, "production"), n_rollbacks)
        path = store / "file"
        disk = _call_s(lambda: _replace(path))
    return {"the disk's share": disk, "switch": switched, "rollback": back, "follow": followed}


def _call_s(function: Callable[[], object], n_calls: int = N_CALLS) -> tuple[float, float]:
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


def _make_artifact(folder: Path) -> None:
    folder.mkdir()
    files = []
    for at in range(N_FILES):
        content = f"{folder.name} {at}".encode()
        path = f"file-{at:02}.json"
        (folder / path).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        files.append(FileEntry(path=path, size=len(content), sha256=digest))
    manifest = Manifest(
        reference=ModelRef.parse("hf:benchmarks/model@v1"),
        commit="1" * 40,
        record=DenseModel(
            id="benchmark",
            type="dense",
            name="Benchmark",
            huggingface_id="benchmarks/model",
            organization="Benchmarks",
            description="A model of the benchmarks.",
            embedding_dim=8,
        ),
        files=tuple(files),
        fingerprint=f"sha256:{'1' * 64}",
        created=datetime.now(UTC),
        tool="benchmarks",
    )
    (folder / "artifact.json").write_text(manifest.to_json(), encoding="utf-8")
