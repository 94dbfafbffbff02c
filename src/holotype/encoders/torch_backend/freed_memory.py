"""Give back to the system what was freed.

The C library keeps freed memory for every thread that asked for some, as much as the largest pass
took. With many threads, that is more than the model.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

# So many bytes may stay, since giving back takes milliseconds.
_KEPT = 8 << 20
# Looking takes a hundredth of the time of a short text.
_RUNS_BETWEEN_LOOKS = 8
_STATISTICS = Path("/proc/self/statm")


class FreedMemory:
    """What the C library holds for a process: given back while nothing runs, if it is much."""

    def __init__(self) -> None:
        """Start without a run."""
        self._lock = Lock()
        self._n_running = 0
        self._n_ended = 0
        self._resident = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Tell that something runs, on any thread."""
        with self._lock:
            self._n_running += 1
            if self._n_running > 1:
                # Several threads leave more behind: look as soon as all have ended.
                self._n_ended = _RUNS_BETWEEN_LOOKS
        try:
            yield
        finally:
            with self._lock:
                self._n_running -= 1
                self._n_ended += 1
                looks = not self._n_running and self._n_ended >= _RUNS_BETWEEN_LOOKS
                if looks:
                    self._n_ended = 0
            if looks:
                self._give_back()

    def _give_back(self) -> None:
        trim = _trim()
        if trim is not None and _resident_bytes() > self._resident + _KEPT:
            trim(0)
            resident = _resident_bytes()
            with self._lock:
                # What began meanwhile uses memory that it will free.
                if not self._n_running:
                    self._resident = resident


def _resident_bytes() -> int:
    n_pages = int(_STATISTICS.read_text(encoding="ascii").split()[1])
    return n_pages * os.sysconf("SC_PAGE_SIZE")


@cache
def _trim() -> Any:
    """Return glibc's function; None where another library allocates."""
    if not _STATISTICS.exists():
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)


FREED_MEMORY = FreedMemory()
"""That of this process."""
