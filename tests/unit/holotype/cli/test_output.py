from __future__ import annotations

import json
import sys

import pytest

from holotype.cli.output import note, terminal, write, write_json
from holotype.cli.progress import bytes_progress

NAME = "label\x1b[2J\x9b\r\u202e"


def test_what_is_printed_moves_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    write(f"{NAME}\tx\n")
    note(NAME)
    terminal().print(NAME)
    captured = capsys.readouterr()
    for text in (captured.out, captured.err):
        assert "\\u001b[2J" in text
        assert not set("\x1b\x9b\r\u202e") & set(text)


def test_json_stays_what_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    write_json({"name": NAME})
    assert json.loads(capsys.readouterr().out) == {"name": NAME}


def test_a_closed_stderr_shows_no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with bytes_progress("reading", 10) as more:
        assert more is None
