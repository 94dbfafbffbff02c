from __future__ import annotations

import json
import sys

import pytest

from holotype.cli import output
from holotype.cli.output import note, terminal, write, write_json, write_rows
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


def test_rows_are_a_table_for_a_person_and_have_tabs_for_a_program(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    digest = f"sha256:{'0123456789abcdef' * 4}"
    rows = [("mean", digest, "active"), ("日本", "-"), (NAME, "x" * 200)]
    write_rows(("name", "made of", "state"), rows)
    assert capsys.readouterr().out.splitlines()[:2] == [f"mean\t{digest}\tactive", "日本\t-"]
    monkeypatch.setattr(output, "is_terminal", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    write_rows(("name", "made of", "state"), rows[:2])
    assert capsys.readouterr().out.splitlines() == [
        "name  made of                 state",
        "mean  sha256:0123456789ab...  active",
        "日本  -",
    ]
    write_rows(("name", "made of"), rows[2:])
    (_, line) = capsys.readouterr().out.splitlines()
    assert line.endswith("  " + "x" * 200)
    assert not set("\x1b\x9b\r\u202e") & set(line)
    write_rows(("name",), [])
    assert capsys.readouterr().out == ""


def test_json_stays_what_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    write_json({"name": NAME})
    assert json.loads(capsys.readouterr().out) == {"name": NAME}


def test_a_closed_stderr_shows_no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with bytes_progress("reading", 10) as more:
        assert more is None
