"""Freed memory goes back to the system when nothing runs, and only if it is much."""

from __future__ import annotations

import pytest

from holotype.encoders.torch_backend import freed_memory
from holotype.encoders.torch_backend.freed_memory import FreedMemory

MB = 1 << 20


class Library:
    """The C library of a process whose memory a test sets."""

    def __init__(self) -> None:
        """Start with what the weights take."""
        self.resident = 100 * MB
        self.n_trims = 0

    def trim(self, _kept: int) -> None:
        """Give back all but the weights."""
        self.n_trims += 1
        self.resident = 100 * MB


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    found = Library()
    monkeypatch.setattr(freed_memory, "_trim", lambda: found.trim)
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


def test_a_run_that_fails_has_ended(library: Library) -> None:
    memory = FreedMemory()
    for _ in range(8):
        with pytest.raises(ValueError), memory.running():
            raise ValueError
    assert library.n_trims == 1


def test_other_libraries_keep_what_they_have(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freed_memory, "_trim", lambda: None)
    run(FreedMemory(), 50)
    assert library.n_trims == 0
