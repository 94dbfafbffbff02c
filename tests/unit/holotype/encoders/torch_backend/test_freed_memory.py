"""Freed memory goes back to the system when nothing runs, and only if it is much."""

from __future__ import annotations

import subprocess
import sys
from threading import Thread, current_thread

import pytest

from holotype.encoders.torch_backend import freed_memory
from holotype.encoders.torch_backend.freed_memory import FreedMemory
from holotype.glibc import glibc

MB = 1 << 20
FREEING = """
import ctypes
from threading import Thread
from holotype.encoders.torch_backend import freed_memory
from holotype.glibc import glibc

library = glibc()
library.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
library.mallopt(M_TRIM_THRESHOLD, 64 << 20)
library.mallopt(M_MMAP_THRESHOLD, 32 << 20)

def work():
    library.malloc(1 << 20)
    before = freed_memory._resident_bytes()
    block = library.malloc(20 << 20)
    library.memset(block, 1, 20 << 20)
    library.free(block)
    library.malloc_trim(0)
    print((freed_memory._resident_bytes() - before) / 2**20)
    freed_memory._give_back_own()
    print((freed_memory._resident_bytes() - before) / 2**20)
    block, _behind = library.malloc(2 << 20), library.malloc(1 << 20)
    library.memset(block, 1, 2 << 20)
    library.free(block)
    freed_memory._give_back_own()
    print((freed_memory._resident_bytes() - before) / 2**20)

thread = Thread(target=work)
thread.start()
thread.join()
"""


class Library:
    """The C library of a process whose memory a test sets."""

    def __init__(self) -> None:
        """Start with what the weights take."""
        self.resident = 100 * MB
        self.n_trims = 0

    def trim(self) -> None:
        """Give back all but the weights."""
        self.n_trims += 1
        self.resident = 100 * MB


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    found = Library()
    monkeypatch.setattr(freed_memory, "_is_measured", lambda: True)
    monkeypatch.setattr(freed_memory, "give_back_freed", found.trim)
    monkeypatch.setattr(freed_memory, "_resident_bytes", lambda: found.resident)
    return found


def run(memory: FreedMemory, n_times: int) -> None:
    for _ in range(n_times):
        with memory.running():
            pass


def test_a_thread_looks_now_and_then(library: Library) -> None:
    memory = FreedMemory()
    run(memory, 7)
    assert library.n_trims == 0
    run(memory, 1)
    assert library.n_trims == 1
    run(memory, 80)
    assert library.n_trims == 1
    library.resident += 50 * MB
    run(memory, 8)
    assert library.n_trims == 2


def test_several_threads_look_when_all_have_ended(library: Library) -> None:
    memory = FreedMemory()
    with memory.running():
        run(memory, 20)
        assert library.n_trims == 0
    assert library.n_trims == 1


def test_threads_give_back_their_own_once_several_run(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends: list[str] = []
    monkeypatch.setattr(freed_memory, "_give_back_own", lambda: ends.append(current_thread().name))
    memory = FreedMemory()

    def run_on_a_thread(name: str) -> None:
        thread = Thread(target=run, args=(memory, 1), name=name)
        thread.start()
        thread.join()

    run_on_a_thread("alone")
    assert not ends
    with memory.running():
        run_on_a_thread("beside the main one")
    run_on_a_thread("when little is free")
    library.resident += 9 * MB
    run_on_a_thread("later")
    assert ends == ["beside the main one", "later"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux says what is resident")
def test_what_is_free_behind_and_between_blocks_goes_back() -> None:
    """A thread frees a block behind one in use, which the C library keeps; then one between two."""
    if glibc() is None:
        pytest.skip("another C library")
    run = subprocess.run(
        [sys.executable, "-c", FREEING], capture_output=True, check=True, timeout=60, text=True
    )
    kept, left_behind, left_between = map(float, run.stdout.split())
    assert kept > 15
    assert left_behind < 1
    assert left_between < 1


def test_a_run_that_fails_has_ended(library: Library) -> None:
    memory = FreedMemory()
    for _ in range(8):
        with pytest.raises(ValueError), memory.running():
            raise ValueError
    assert library.n_trims == 1


def test_other_libraries_keep_what_they_have(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freed_memory, "_is_measured", lambda: False)
    run(FreedMemory(), 50)
    assert library.n_trims == 0
