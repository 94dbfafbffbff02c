"""Give back to the system what was freed.

The C library keeps freed memory for every thread that asked for some, as much as the largest pass
took. With many threads, that is more than the model.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock, current_thread, main_thread

from holotype.glibc import give_back_freed, glibc

# So many bytes may stay, since giving back takes milliseconds.
_KEPT = 8 << 20
# Looking takes a hundredth of the time of a short text.
_RUNS_BETWEEN_LOOKS = 8
_STATISTICS = Path("/proc/self/statm")
# Large blocks take what lies behind the last block in use, as much as a pass takes at most; smaller
# ones the gaps between blocks in use.
_BLOCKS = 12 * (4 << 20,) + 8 * (1 << 20,) + 16 * (1 << 18,)


class FreedMemory:
    """What the C library holds for a process: given back while nothing runs, if it is much.

    Of the memory of threads other than the main one, the library gives back what lies between
    blocks in use, and keeps what lies behind the last one. So where several threads run, each gives
    back what is free in its own.
    """

    def __init__(self) -> None:
        """Start without a run."""
        self._lock = Lock()
        self._n_running = 0
        self._n_ended = 0
        self._resident = 0
        self._has_several = False

    @contextmanager
    def running(self) -> Iterator[None]:
        """Tell that something runs, on any thread."""
        with self._lock:
            self._n_running += 1
            if self._n_running > 1:
                # Several threads leave more behind: look as soon as all have ended.
                self._n_ended = _RUNS_BETWEEN_LOOKS
                self._has_several = True
        try:
            yield
        finally:
            if self._has_several and current_thread() is not main_thread() and self._is_much():
                _give_back_own()
            with self._lock:
                self._n_running -= 1
                self._n_ended += 1
                looks = not self._n_running and self._n_ended >= _RUNS_BETWEEN_LOOKS
                if looks:
                    self._n_ended = 0
            if looks:
                self._give_back()

    def _is_much(self) -> bool:
        return _is_measured() and _resident_bytes() > self._resident + _KEPT

    def _give_back(self) -> None:
        if self._is_much():
            give_back_freed()
            resident = _resident_bytes()
            with self._lock:
                # What began meanwhile uses memory that it will free.
                if not self._n_running:
                    self._resident = resident


def _give_back_own() -> None:
    """Give back what is free in this thread's memory: take it in blocks, and drop their pages."""
    library = glibc()
    blocks = [(library.malloc(size), size) for size in _BLOCKS]
    for block, size in blocks:
        if block is not None:
            first, end = -(-block // mmap.PAGESIZE), (block + size) // mmap.PAGESIZE
            length = (end - first) * mmap.PAGESIZE
            library.madvise(first * mmap.PAGESIZE, length, mmap.MADV_DONTNEED)
    for block, _ in blocks:
        library.free(block)


@cache
def _is_measured() -> bool:
    """Return whether the C library can be told to give memory back, and Linux says what is held."""
    return glibc() is not None and _STATISTICS.exists()


def _resident_bytes() -> int:
    n_pages = int(_STATISTICS.read_text(encoding="ascii").split()[1])
    return n_pages * os.sysconf("SC_PAGE_SIZE")


FREED_MEMORY = FreedMemory()
"""That of this process."""
