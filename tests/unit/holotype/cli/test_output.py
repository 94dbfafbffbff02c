from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

import pytest

from holotype.cli import output
from holotype.cli.output import note, terminal, write, write_json, write_row, write_rows
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


BREAKS = "a\tb\nc\r\u2028\u2029d\x85"
SPELT = r"a\tb\nc\u000d\u2028\u2029d\u0085"


def test_what_would_end_a_field_or_a_row_is_spelt(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_row((BREAKS, "x"))
    write_rows(("name", "state"), [(BREAKS, "x")])
    assert capsys.readouterr().out.splitlines() == [f"{SPELT}\tx"] * 2
    monkeypatch.setattr(output, "is_terminal", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")
    write_rows(("name", "state"), [(BREAKS, "x")])
    heading, row = capsys.readouterr().out.splitlines()
    assert row == f"{SPELT}  x"
    assert heading.index("state") == row.index("x")


def test_only_one_module_writes_the_tabs_between_fields() -> None:
    folder = Path(output.__file__).parent
    trees = {each.name: ast.parse(each.read_text()) for each in folder.glob("*.py")}
    assert [name for name, tree in trees.items() if any(map(_makes_fields, ast.walk(tree)))] == [
        "output.py"
    ]


def _makes_fields(node: ast.AST) -> bool:
    match node:
        case ast.JoinedStr(parts):
            return any("\t" in str(part.value) for part in parts if isinstance(part, ast.Constant))
        case ast.Call(ast.Attribute(ast.Constant(text), "join")):
            return "\t" in str(text)
    return False


def test_json_stays_what_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    write_json({"name": NAME})
    assert json.loads(capsys.readouterr().out) == {"name": NAME}


def test_a_closed_stderr_shows_no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with bytes_progress("reading", 10) as more:
        assert more is None
