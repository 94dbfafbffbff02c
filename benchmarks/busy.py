"""Processes that keep the machine busy."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """Run loops that do nothing, one on each of the first cores, as long as the block runs."""
    code = "import os, sys; os.sched_setaffinity(0, {int(sys.argv[1])})\nwhile True: pass"
    running = [subprocess.Popen([sys.executable, "-c", code, str(core)]) for core in range(count)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()
