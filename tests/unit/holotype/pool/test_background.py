"""Work that gives way to calls."""

from __future__ import annotations

import os
import sys
from threading import Thread, current_thread, get_native_id

import pytest

from holotype.pool.background import run_in_background


def nice() -> int:
    return os.getpriority(os.PRIO_PROCESS, get_native_id())


def test_what_work_returns_and_raises_reaches_the_caller() -> None:
    assert run_in_background(lambda: current_thread()) is not current_thread()
    error = ValueError("no")

    def fail() -> None:
        raise error

    with pytest.raises(ValueError, match="no") as caught:
        run_in_background(fail)
    assert caught.value is error


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has priorities of threads")
def test_the_work_and_its_threads_have_a_low_priority_and_the_caller_keeps_its_own() -> None:
    before = nice()
    found: list[int] = []

    def work() -> None:
        found.append(nice())
        inner = Thread(target=lambda: found.append(nice()))
        inner.start()
        inner.join()

    run_in_background(work)
    assert found == [min(before + 10, 19)] * 2
    assert nice() == before


def test_where_the_priority_may_not_be_changed_the_work_is_done_anyway(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setpriority", refuse)
    assert run_in_background(lambda: 7) == 7
