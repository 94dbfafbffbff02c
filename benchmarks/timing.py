"""Times that hold on a noisy machine: runs that take turns, and the best or the middle of them."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


def processes_s(
    programs: Mapping[str, str],
    *,
    path: Path | None = None,
    rounds: int = 11,
    warm_up: bool = True,
) -> dict[str, float]:
    """Return the best wall time of each program as a whole process, in seconds.

    The programs take turns, so that a slow moment of the machine hits all of them alike; what is
    left of the noise only adds, so the best round is the nearest to the truth. What runs before the
    count also writes the bytecode.

    Args:
        programs: Python code by name.
        path: a folder to import from, before all others.
        rounds: how often each program is counted.
        warm_up: whether each runs once before that.
    """
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    times: dict[str, list[float]] = {name: [] for name in programs}
    for round_number in range(-warm_up, rounds):
        for name, code in programs.items():
            started = time.perf_counter()
            command = [sys.executable, "-c", code]
            subprocess.run(command, env=environment, capture_output=True, check=True)
            if round_number >= 0:
                times[name].append(time.perf_counter() - started)
    return {name: min(values) for name, values in times.items()}


def in_turns(
    functions: Mapping[str, Callable[[], object]],
    n_rounds: int,
    *,
    warm_up: bool = True,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Return the times of each in seconds, round by round.

    Args:
        functions: what is measured, by name.
        n_rounds: how often each is counted.
        warm_up: whether there is a round before these that is not counted.
        clock: tells the time in seconds, of the wall or of the processor.
    """
    times: dict[str, list[float]] = {name: [] for name in functions}
    for round_number in range(-warm_up, n_rounds):
        for name, function in functions.items():
            started = clock()
            function()
            if round_number >= 0:
                times[name].append(clock() - started)
    return times


def times_faster(theirs: Sequence[float], ours: Sequence[float]) -> float:
    """Return how often `ours` goes into `theirs`, round by round, as neighbours share the noise."""
    return statistics.median(one / other for one, other in zip(theirs, ours, strict=True))


def wall_and_cpu(
    theirs: Callable[[], object], ours: Callable[[], object], n_rounds: int
) -> tuple[float, float]:
    """Return how many times faster ours is, by wall time and by processor time, in one run."""
    times: dict[str, list[tuple[float, float]]] = {"theirs": [], "ours": []}
    for round_number in range(-1, n_rounds):
        for name, function in (("theirs", theirs), ("ours", ours)):
            wall, cpu = time.perf_counter(), time.process_time()
            function()
            if round_number >= 0:
                times[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    wall_ratio, cpu_ratio = (
        times_faster(*([both[clock] for both in times[name]] for name in ("theirs", "ours")))
        for clock in (0, 1)
    )
    return wall_ratio, cpu_ratio


def call_s(function: Callable[[], object], *, rounds: int = 7, at_least_s: float = 0.05) -> float:
    """Return the median time of one call within this process, in seconds."""
    n_calls = 1
    while (took := _calls_s(function, n_calls)) < at_least_s:
        n_calls = max(n_calls * 2, int(n_calls * at_least_s / max(took, 1e-9)))
    return statistics.median(_calls_s(function, n_calls) / n_calls for _ in range(rounds))


def _calls_s(function: Callable[[], object], n_calls: int) -> float:
    started = time.perf_counter()
    for _ in range(n_calls):
        function()
    return time.perf_counter() - started
