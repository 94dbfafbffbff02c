"""How the batches that run at once share the processor.

What a batch does besides its products, only one core can do: reading texts, and handing out
results. So two batches of a model run at once, each with half of the threads of torch, while a
batch that runs alone has all of them.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock, local
from typing import Any

_AT_ONCE = 2
_LIBRARIES = ("libgomp", "libiomp5", "libomp")
_MAPS = Path("/proc/self/maps")

SetThreads = Callable[[int], None]
"""Sets how many threads the products of the calling thread use."""


class Cores:
    """Shares the threads of torch. Safe to share between threads."""

    def __init__(self) -> None:
        """Share nothing yet."""
        self._lock = Lock()
        self._n_running = 0
        self._own = local()

    def at_once(self, model: Any) -> int:
        """Return how many batches of a model may run at once, on the thread of one of them.

        More than one only where torch runs it on several cores, and each can be given its part.
        """
        return _AT_ONCE if _is_divisible(model) and self._n_threads > 1 else 1

    @contextmanager
    def share(self) -> Iterator[None]:
        """Run a batch with its part of the threads, on the thread that calls this.

        The batch is one of a model of which several may run at once; see `at_once`.
        """
        with self._lock:
            self._n_running += 1
            is_alone = self._n_running == 1
        try:
            # Two numbers alone: oneDNN keeps its products for each.
            self._use(self._n_threads if is_alone else max(1, self._n_threads // _AT_ONCE))
            yield
        finally:
            with self._lock:
                self._n_running -= 1

    @property
    def _n_threads(self) -> int:
        """How many threads torch gives to the calling thread, before any are taken away."""
        found: int | None = getattr(self._own, "n_threads", None)
        if found is None:
            found = self._own.n_threads = self._own.n_used = int(
                sys.modules["torch"].get_num_threads()
            )
        return found

    def _use(self, n_threads: int) -> None:
        set_threads = _set_threads()
        if set_threads is not None and self._own.n_used != n_threads:
            set_threads(n_threads)
            self._own.n_used = n_threads


def _is_divisible(model: Any) -> bool:
    """Return whether torch runs a model on the CPU, and its threads can be divided."""
    backend = getattr(getattr(model, "config", None), "backend", None)
    if backend != "torch" or getattr(model, "device", None) != "cpu":
        return False
    return "torch" in sys.modules and _set_threads() is not None


@cache
def _set_threads() -> SetThreads | None:
    """Return what sets the threads of the calling thread alone; None where nothing does.

    torch's own function also changes the number for all threads to come. OpenMP's does not; which
    of the loaded libraries is torch's, torch says itself.
    """
    torch: Any = sys.modules["torch"]
    before = int(torch.get_num_threads())
    other = 2 if before == 1 else 1
    for set_threads in filter(None, map(_setter_in, _loaded_libraries())):
        set_threads(other)
        is_of_torch = torch.get_num_threads() == other
        set_threads(before)
        if is_of_torch:
            return set_threads
    return None


def _setter_in(path: str) -> SetThreads | None:
    """Return the function of a loaded library; None where it has none, or its file is gone."""
    try:
        found = ctypes.CDLL(path).omp_set_num_threads
    except (OSError, AttributeError):
        # An environment was upgraded meanwhile, or a name only begins like that of OpenMP.
        return None
    return lambda n_threads: found(ctypes.c_int(n_threads))


def _loaded_libraries() -> list[str]:
    try:
        lines = _MAPS.read_text(encoding="utf-8").splitlines()
    except OSError:
        # Elsewhere than on Linux.
        return []
    found = dict.fromkeys(line.split(maxsplit=5)[-1] for line in lines)
    return [path for path in found if Path(path).name.startswith(_LIBRARIES)]
