"""Progress: on request, or for long work that a terminal watches."""

from __future__ import annotations

import sys
import threading

import pytest

from holotype.encoders.running import progress
from holotype.encoders.running.progress import show_progress
from holotype.errors import MissingExtraError


def work(wanted: bool | None, total: int | None = 200) -> None:
    with show_progress(wanted, what="tiny", total=total) as line:
        for _ in range(2):
            line.advance(100, 3000)


def test_texts_and_tokens_per_second_and_the_time_left_are_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    work(True)
    shown = capsys.readouterr().err
    assert "tiny: 100%" in shown
    assert "200/200 [00:00<00:00" in shown
    assert " texts/s" in shown
    assert " tokens/s" in shown


def test_texts_are_counted_where_nobody_knows_how_many_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    work(True, total=None)
    assert "200 texts [00:00" in capsys.readouterr().err


@pytest.mark.parametrize("wanted", [None, False])
def test_nothing_is_told_where_nobody_watches(
    capsys: pytest.CaptureFixture[str], wanted: bool | None
) -> None:
    work(wanted)
    assert capsys.readouterr().err == ""


def test_a_terminal_is_told_of_long_work_only(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    work(None)
    assert "tokens/s" not in capsys.readouterr().err
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(progress, "_LONG_S", 1e-9)
    work(None)
    assert "tokens/s" in capsys.readouterr().err


def test_no_thread_is_left_behind() -> None:
    before = set(threading.enumerate())
    work(True)
    assert set(threading.enumerate()) <= before


def test_without_tqdm_only_a_wish_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    work(None)
    with pytest.raises(
        MissingExtraError, match=r"progress=True needs 'tqdm'.*holotype\[encoders\]"
    ):
        work(True)
