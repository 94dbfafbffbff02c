"""How much memory a process keeps for lengths of texts that it has seen, and what a new one costs.

python benchmarks/growth.py TYPE THREADS CALLS [kernels]
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from threading import Barrier
from typing import Any, TypedDict, cast

import holotype
import kernels
from corpus import CHECKPOINT
from holotype.models import ALL_MINILM_L6_V2
from holotype.run_options import Precision
from report import Table
from variants import TORCH_DTYPES

N_CALLS = 5000
N_THREADS = (1, 16)
_SHORTEST_CALL, _LONGEST_CALL = 3, 900
_LEAST_TOKENS_OF_FOUR = 16
# So often memory is looked at, when no thread runs.
_N_LOOKS = 5
_MOST_MB = 64
_MOST_TIMES = 1.1
_KERNELS = "kernels"


class Growth(TypedDict):
    """What a process has kept.

    Attributes:
        grown: MB, after each fifth of the calls.
        first: the time of a length that is seen for the first time, by that of the same again.
    """

    grown: list[float]
    first: float


def table() -> Table:
    """Measure in new processes: a row for each type of arithmetic, number of threads, and way."""
    rows = []
    for dtype in TORCH_DTYPES:
        for n_threads in N_THREADS:
            for by_kernels in (False, True) if kernels.are_installed() else (False,):
                found = in_a_process(dtype, n_threads, by_kernels=by_kernels)
                grown = ", ".join(f"{value:.0f}" for value in found["grown"])
                times = f"{found['first']:.2f}" if n_threads == 1 else ""
                rows.append([dtype, "yes" if by_kernels else "", str(n_threads), grown, times])
    header = [
        *("all-MiniLM-L6-v2, cpu", "kernels", "threads", "growth in MB, by fifths of the calls"),
        "a new length by a known one",
    ]
    notes = [
        f"{N_CALLS:,} calls of {_SHORTEST_CALL} to {_LONGEST_CALL} tokens each, in up to four texts.",
        f"Targets: at most {_MOST_MB} MB, and at most {_MOST_TIMES} times the time.",
    ]
    return Table("Lengths of texts", header, rows, notes)


def in_a_process(
    dtype: Precision, n_threads: int, n_calls: int = N_CALLS, *, by_kernels: bool = False
) -> Growth:
    """Measure in a new process."""
    command = [sys.executable, __file__, dtype, str(n_threads), str(n_calls)]
    command += [_KERNELS] * by_kernels
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    found: Growth = json.loads(done.stdout)
    return found


def _measure(dtype: Precision, n_threads: int, n_calls: int, *, by_kernels: bool) -> Growth:
    with kernels.found() if by_kernels else nullcontext():
        encoder: Any = holotype.load(
            ALL_MINILM_L6_V2, checkpoint=CHECKPOINT, device="cpu", dtype=dtype
        )
    encoder.encode_document(_texts(40))
    before = _resident_mb()
    # All lengths before any comes again, in no order.
    spread = _LONGEST_CALL - _SHORTEST_CALL
    totals = [_SHORTEST_CALL + number * 389 % spread for number in range(n_calls)]
    grown: list[float] = []
    pause = Barrier(n_threads, lambda: grown.append(_resident_mb() - before))
    borders = [n_calls * look // _N_LOOKS for look in range(_N_LOOKS + 1)]
    ratios: list[float] = []

    def run(first: int) -> None:
        seen: set[int] = set()
        try:
            for begin, end in itertools.pairwise(borders):
                _run(encoder, totals[begin:end][first::n_threads], seen, ratios)
                pause.wait()
        except BaseException:
            pause.abort()
            raise

    with ThreadPoolExecutor(n_threads) as threads:
        list(threads.map(run, range(n_threads)))
    return {"grown": grown, "first": statistics.median(ratios)}


def _run(encoder: Any, totals: Sequence[int], seen: set[int], ratios: list[float]) -> None:
    for total in totals:
        texts = _texts(total)
        first = _cpu_s(encoder, texts)
        if total not in seen:
            seen.add(total)
            ratios.append(first / _cpu_s(encoder, texts))


def _cpu_s(encoder: Any, texts: Sequence[str]) -> float:
    started = time.process_time()
    encoder.encode_document(texts)
    return time.process_time() - started


def _texts(n_tokens: int) -> list[str]:
    """Return texts of so many tokens together, two special ones in each."""
    if n_tokens < _LEAST_TOKENS_OF_FOUR:
        return ["a " * (n_tokens - 2)]
    return ["a " * (n_tokens // 4 - 2 + (place < n_tokens % 4)) for place in range(4)]


def _resident_mb() -> float:
    """Return what the process takes; Linux alone says it."""
    n_pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return n_pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    own_dtype, own_threads, own_calls, *more = sys.argv[1:]
    result = _measure(
        cast("Precision", own_dtype),
        int(own_threads),
        int(own_calls),
        by_kernels=more == [_KERNELS],
    )
    print(json.dumps(result))
