"""The C library, where it is glibc: it keeps freed memory until it is told to return it."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any


@cache
def glibc() -> Any:
    """Return the library by `ctypes`; None where another one allocates."""
    if not sys.platform.startswith("linux"):
        return None
    import ctypes

    try:
        library: Any = ctypes.CDLL(None)
    except OSError:
        return None
    if not hasattr(library, "malloc_trim"):
        return None
    library.malloc.restype = ctypes.c_void_p
    library.malloc.argtypes = [ctypes.c_size_t]
    library.free.argtypes = [ctypes.c_void_p]
    library.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    library.malloc_trim.argtypes = [ctypes.c_size_t]
    return library


def give_back_freed() -> None:
    """Return freed memory between blocks in use to the system; other C libraries do so anyway."""
    library = glibc()
    if library is not None:
        library.malloc_trim(0)
