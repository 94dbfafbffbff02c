"""Give back to the system what was freed.

The C library keeps freed memory for every thread that asked for some, as much as the largest pass
took. With many threads, that is more than the model.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock, current_thread, main_thread
from typing import Any

# So many bytes may stay, since giving back takes milliseconds.
_KEPT = 8 << 20
# Looking takes a hundredth of the time of a short text.
_RUNS_BETWEEN_LOOKS = 8
_STATISTICS = Path("/proc/self/statm")
# What a pass takes at most, in blocks that the C library does not map one by one.
_N_BLOCKS = 12
_BLOCK = 4 << 20


class FreedMemory:
    """What the C library holds for a process: given back while nothing runs, if it is much.

    Of the memory of threads other than the main one, the library gives back what lies between blocks
    in use, and keeps what lies behind the last one. So where several threads run, each gives that
    back itself.
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
            if self._has_several and current_thread() is not main_thread():
                _give_back_end()
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


def _give_back_end() -> None:
    """Give back the end of this thread's memory: take it in a few blocks, and drop their pages."""
    library = _library()
    if library is None:
        return
    blocks = [library.malloc(_BLOCK) for _ in range(_N_BLOCKS)]
    for block in filter(None, blocks):
        first, end = -(-block // mmap.PAGESIZE), (block + _BLOCK) // mmap.PAGESIZE
        size = (end - first) * mmap.PAGESIZE
        library.madvise(first * mmap.PAGESIZE, size, mmap.MADV_DONTNEED)
    for block in blocks:
        library.free(block)


def _resident_bytes() -> int:
    n_pages = int(_STATISTICS.read_text(encoding="ascii").split()[1])
    return n_pages * os.sysconf("SC_PAGE_SIZE")


@cache
def _library() -> Any:
    """Return glibc; None where another library allocates."""
    if not _STATISTICS.exists():
        return None
    library: Any = ctypes.CDLL(None)
    if not hasattr(library, "malloc_trim"):
        return None
    library.malloc.restype = ctypes.c_void_p
    library.malloc.argtypes = [ctypes.c_size_t]
    library.free.argtypes = [ctypes.c_void_p]
    library.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    return library


def _trim() -> Any:
    """Return glibc's function; None where another library allocates."""
    library = _library()
    return None if library is None else library.malloc_trim


FREED_MEMORY = FreedMemory()
"""That of this process."""
