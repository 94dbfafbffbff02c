"""Give back to the system what was freed.

The C library keeps freed memory for every thread that ever asked for some, as much as its largest
pass took. With many threads, that is more than the model.
"""

from __future__ import annotations

import ctypes
import itertools
import os
from functools import cache
from pathlib import Path
from typing import Any

# So many bytes may come before anything is given back, which takes milliseconds.
_GROWTH = 16 << 20
# Looking takes a hundredth of a short text's time.
_CALLS_BETWEEN_LOOKS = 8
_STATISTICS = Path("/proc/self/statm")


class FreedMemory:
    """What the C library holds of this process, and gives back when it becomes too much."""

    def __init__(self) -> None:
        """Start where the process is."""
        self._calls = itertools.count(1)
        self._resident = 0

    def give_back(self) -> None:
        """Give memory back where the process has grown since the last time; to be called often."""
        if next(self._calls) % _CALLS_BETWEEN_LOOKS or not (trim := _trim()):
            return
        if _resident_bytes() > self._resident + _GROWTH:
            trim(0)
            self._resident = _resident_bytes()


def _resident_bytes() -> int:
    return int(_STATISTICS.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@cache
def _trim() -> Any:
    """Return glibc's function; None where another library allocates."""
    if not _STATISTICS.exists():
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)


FREED_MEMORY = FreedMemory()
"""That of this process."""
