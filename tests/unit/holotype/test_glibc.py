"""Freed memory is given back through glibc, and other C libraries are left alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from holotype import glibc


@pytest.fixture(autouse=True)
def _asked_anew() -> Iterator[None]:
    """Forget which library there is, before and after."""
    glibc.glibc.cache_clear()
    yield
    glibc.glibc.cache_clear()


class Library:
    """A C library that notes what it is asked for."""

    def __init__(self) -> None:
        """Nothing has been asked for."""
        self.kept: list[int] = []

    def malloc_trim(self, kept_bytes: int) -> int:
        """Note how much may stay."""
        self.kept.append(kept_bytes)
        return 1


def test_nothing_of_what_was_freed_may_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library()
    monkeypatch.setattr(glibc, "glibc", lambda: library)
    glibc.give_back_freed()
    assert library.kept == [0]


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_systems_have_no_glibc(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert glibc.glibc() is None
    glibc.give_back_freed()


def test_linux_with_another_library_has_no_glibc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    assert glibc.glibc() is None
    glibc.give_back_freed()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc is that of Linux")
def test_blocks_have_addresses_of_64_bits() -> None:
    library = glibc.glibc()
    if library is None:
        pytest.skip("another C library")
    # Above 128 KiB, a block is mapped, far above what 32 bits can say.
    block = library.malloc(64 << 20)
    library.free(block)
    assert block > 1 << 32
