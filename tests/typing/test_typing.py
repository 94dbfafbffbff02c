"""Five type checkers must accept what is right, and refuse negative.py exactly where it says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
BIN = Path(sys.executable).parent
_EXPECTED = re.compile(r"# E: (?P<mypy>[\w-]+), (?P<pyright>\w+)$")

Errors = dict[int, set[str]]

KNOWN_GAPS: Mapping[str, frozenset[str]] = {}
"""The lines of negative.py that a checker misses; a line that it finds must leave."""

WRONG_SIZES = ["load(JINA_COLBERT_V2, dim=100)", 'load("jina-colbert-v2", dim=100)']


def run(command: list[str], cwd: Path) -> str:
    """Run a checker that finds errors, or none, and return what it says."""
    result = subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)
    assert result.returncode in (0, 1), result.stdout + result.stderr
    return result.stdout


def mypy(file: Path, cwd: Path) -> Iterator[tuple[int, str, str]]:
    """`mypy --strict`."""
    command = [sys.executable, "-m", "mypy", "--strict", "--output", "json", "--config-file", ""]
    command += ["--no-error-summary", "--cache-dir", str(cwd), str(file)]
    for line in run(command, cwd).splitlines():
        report = json.loads(line)
        assert Path(report["file"]).name == file.name, line
        if report["severity"] == "error":
            yield report["line"], report["code"], f"{report['message']} {report['hint']}"


def _pyright(name: str, file: Path, cwd: Path) -> Iterator[tuple[int, str, str]]:
    (cwd / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}', encoding="utf-8")
    command = [str(BIN / name), "--outputjson", "--pythonpath", sys.executable, str(file)]
    for report in json.loads(run(command, cwd))["generalDiagnostics"]:
        if report["severity"] == "error" and report.get("rule") not in _ASIDE:
            yield report["range"]["start"]["line"] + 1, report["rule"], report["message"]


_ASIDE = {"reportUnusedExpression", "reportUnknownMemberType", "reportUnknownArgumentType"}
"""Rules of the strict mode that speak of statements without a use, and of what errors leave."""


def pyright(file: Path, cwd: Path) -> Iterator[tuple[int, str, str]]:
    """Pyright in its strict mode."""
    yield from _pyright("pyright", file, cwd)


def basedpyright(file: Path, cwd: Path) -> Iterator[tuple[int, str, str]]:
    """Basedpyright in the same mode; what it recommends besides concerns a program's style."""
    yield from _pyright("basedpyright", file, cwd)


def ty(file: Path, cwd: Path) -> Iterator[tuple[int, str, str]]:
    """ty, which has no strict mode, with every rule that it has by default."""
    command = [str(BIN / "ty"), "check", "--python", sys.executable, "--color", "never", str(file)]
    text = run(command, cwd)
    found = re.compile(rf"^error\[(\S+)\].*\n +--> .*{re.escape(file.name)}:(\d+):", re.M)
    parts = [*found.finditer(text)]
    for n, part in enumerate(parts, 1):
        end = parts[n].start() if n < len(parts) else len(text)
        yield int(part[2]), part[1], text[part.start() : end]


def pyrefly(file: Path, cwd: Path) -> Iterator[tuple[int, str, str]]:
    """Pyrefly with its strict preset."""
    command = [str(BIN / "pyrefly"), "check", "--preset", "strict", "--output-format", "json"]
    command += ["--python-interpreter-path", sys.executable, str(file)]
    report: dict[str, Any] = json.loads(run(command, cwd))
    for error in report["errors"]:
        if error["severity"] == "error":
            yield error["line"], error["name"], error["description"]


CHECKERS = [mypy, pyright, basedpyright, ty, pyrefly]

Checker = Callable[[Path, Path], Iterator[tuple[int, str, str]]]


def errors(checker: Checker, file: Path, cwd: Path) -> Errors:
    """What a checker reports, by line."""
    found: Errors = defaultdict(set)
    for line, code, _ in checker(file, cwd):
        found[line].add(code)
    return found


def announced(file: Path) -> dict[int, re.Match[str]]:
    """The error that each line announces."""
    lines = file.read_text(encoding="utf-8").splitlines()
    matches = ((number, _EXPECTED.search(line)) for number, line in enumerate(lines, 1))
    return {number: match for number, match in matches if match}


@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.parametrize("name", ["positive.py", "narrowing.py"])
def test_every_checker_accepts_what_is_right(checker: Checker, name: str, tmp_path: Path) -> None:
    assert not errors(checker, HERE / name, tmp_path)


@pytest.mark.parametrize("checker", CHECKERS)
def test_every_checker_finds_exactly_the_announced_lines(checker: Checker, tmp_path: Path) -> None:
    file = HERE / "negative.py"
    lines = file.read_text(encoding="utf-8").splitlines()
    found = errors(checker, file, tmp_path)
    gaps = KNOWN_GAPS.get(checker.__name__, frozenset())
    missed = {lines[n - 1].partition("  #")[0] for n in announced(file) if n not in found}
    assert missed == gaps
    assert not found.keys() - announced(file).keys()


@pytest.mark.parametrize(("checker", "name"), [(mypy, "mypy"), (pyright, "pyright")])
def test_an_announced_line_has_the_error_that_it_names(
    checker: Checker, name: str, tmp_path: Path
) -> None:
    file = HERE / "negative.py"
    found = errors(checker, file, tmp_path)
    wrong = [line for line, match in announced(file).items() if match[name] not in found[line]]
    assert not wrong, found


@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.parametrize("call", WRONG_SIZES)
def test_the_error_of_a_wrong_size_names_the_sizes_that_there_are(
    checker: Checker, call: str, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    imports = "from holotype import load\nfrom holotype.models import JINA_COLBERT_V2\n"
    use = "print(JINA_COLBERT_V2.id)\n"
    program.write_text(f"{imports}{use}{call}\n", encoding="utf-8")
    reports = list(checker(program, tmp_path))
    assert {line for line, _, _ in reports} == {4}
    assert any("64, 96, 128" in message for _, _, message in reports), reports


def test_the_negative_file_announces_errors() -> None:
    assert len(announced(HERE / "negative.py")) >= 30
