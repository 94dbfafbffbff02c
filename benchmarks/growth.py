"""How much memory a process keeps for the lengths of texts that it has seen, and what a new one costs."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from typing import Any, cast

import holotype
from corpus import CHECKPOINT
from holotype.models import ALL_MINILM_L6_V2
from holotype.run_options import Precision
from report import Table
from variants import TORCH_DTYPES

N_CALLS = 5000
N_THREADS = (1, 16)
_SHORTEST_CALL, _LONGEST_CALL = 3, 900
_LEAST_TOKENS_OF_FOUR = 16
_MOST_MB = 64
_MOST_TIMES = 1.1


def table() -> Table:
    """Measure in new processes: a row for each type of arithmetic and number of threads."""
    rows = []
    for dtype in TORCH_DTYPES:
        for n_threads in N_THREADS:
            found = in_a_process(dtype, n_threads)
            times = f"{found['first']:.2f}" if n_threads == 1 else ""
            rows.append([dtype, str(n_threads), f"{found['grown']:.0f} MB", times])
    header = ["all-MiniLM-L6-v2, cpu", "threads", "growth", "a new length by a known one"]
    notes = [
        f"{N_CALLS:,} calls of {_SHORTEST_CALL} to {_LONGEST_CALL} tokens each, in up to four texts.",
        f"Targets: at most {_MOST_MB} MB, and at most {_MOST_TIMES} times the time.",
    ]
    return Table("Lengths of texts", header, rows, notes)


def in_a_process(dtype: Precision, n_threads: int, n_calls: int = N_CALLS) -> dict[str, float]:
    """Return what a process keeps in MB, ``grown``, and a new length by a known one, ``first``."""
    command = [sys.executable, __file__, dtype, str(n_threads), str(n_calls)]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _measure(dtype: Precision, n_threads: int, n_calls: int) -> dict[str, float]:
    encoder: Any = holotype.load(ALL_MINILM_L6_V2, checkpoint=CHECKPOINT, device="cpu", dtype=dtype)
    encoder.encode_document(_texts(40))
    before = _resident_mb()
    # All lengths before any comes again, in no order.
    spread = _LONGEST_CALL - _SHORTEST_CALL
    totals = [_SHORTEST_CALL + number * 389 % spread for number in range(n_calls)]
    parts = [totals[first::n_threads] for first in range(n_threads)]
    ratios: list[float] = []
    threads = [Thread(target=_run, args=(encoder, part, ratios)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"grown": _resident_mb() - before, "first": statistics.median(ratios)}


def _run(encoder: Any, totals: Sequence[int], ratios: list[float]) -> None:
    seen: set[int] = set()
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
    print(json.dumps(_measure(cast("Precision", sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
