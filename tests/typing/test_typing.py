"""Five type checkers must accept what is right, and refuse negative.py exactly where it says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
BIN = Path(sys.executable).parent
_EXPECTED = re.compile(r"# E: (?P<mypy>[\w-]+), (?P<pyright>\w+)$")

KNOWN_GAPS: Mapping[str, frozenset[str]] = {}
"""The lines of negative.py that a checker misses; a line that it finds must leave."""

WRONG_SIZES = ["load(JINA_COLBERT_V2, dim=100)", 'load("jina-colbert-v2", dim=100)']


def run(command: list[str], cwd: Path) -> str:
    """Run a checker that finds errors, or none, and return what it says."""
    result = subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)
    assert result.returncode in (0, 1), result.stdout + result.stderr
    return result.stdout


@dataclass(frozen=True, slots=True)
class Report:
    """An error that a checker reports."""

    file: str
    line: int
    code: str
    message: str


Checker = Callable[[Sequence[Path], Path], Iterator[Report]]


def mypy(files: Sequence[Path], cwd: Path) -> Iterator[Report]:
    """`mypy --strict`."""
    command = [sys.executable, "-m", "mypy", "--strict", "--output", "json", "--config-file", ""]
    command += ["--no-error-summary", "--cache-dir", str(cwd), *map(str, files)]
    for line in run(command, cwd).splitlines():
        report = json.loads(line)
        name = Path(report["file"]).name
        assert name in PROGRAMS, line
        if report["severity"] == "error":
            yield Report(
                name, report["line"], report["code"], f"{report['message']} {report['hint']}"
            )


def _pyright(name: str, files: Sequence[Path], cwd: Path) -> Iterator[Report]:
    (cwd / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}', encoding="utf-8")
    command = [str(BIN / name), "--outputjson", "--pythonpath", sys.executable, *map(str, files)]
    for report in json.loads(run(command, cwd))["generalDiagnostics"]:
        file = Path(report["file"]).name
        aside = file == "negative.py" and report.get("rule") in _ASIDE
        if report["severity"] == "error" and not aside:
            line = report["range"]["start"]["line"] + 1
            yield Report(file, line, report["rule"], report["message"])


_ASIDE = {"reportUnusedExpression", "reportUnknownMemberType", "reportUnknownArgumentType"}
"""Rules of the strict mode that speak of statements without a use, and of what errors leave."""


def pyright(files: Sequence[Path], cwd: Path) -> Iterator[Report]:
    """Pyright in its strict mode."""
    yield from _pyright("pyright", files, cwd)


def basedpyright(files: Sequence[Path], cwd: Path) -> Iterator[Report]:
    """Basedpyright in the same mode; what it recommends besides concerns a program's style."""
    yield from _pyright("basedpyright", files, cwd)


def ty(files: Sequence[Path], cwd: Path) -> Iterator[Report]:
    """ty, which has no strict mode, with every rule that it has by default."""
    command = [str(BIN / "ty"), "check", "--python", sys.executable, "--color", "never"]
    text = run([*command, *map(str, files)], cwd)
    parts = [*re.finditer(r"^error\[(\S+)\].*\n +--> (\S+?):(\d+):", text, re.M)]
    for n, part in enumerate(parts, 1):
        end = parts[n].start() if n < len(parts) else len(text)
        yield Report(Path(part[2]).name, int(part[3]), part[1], text[part.start() : end])


def pyrefly(files: Sequence[Path], cwd: Path) -> Iterator[Report]:
    """Pyrefly with its strict preset."""
    command = [str(BIN / "pyrefly"), "check", "--preset", "strict", "--output-format", "json"]
    command += ["--python-interpreter-path", sys.executable, *map(str, files)]
    report: dict[str, Any] = json.loads(run(command, cwd))
    for error in report["errors"]:
        if error["severity"] == "error":
            yield Report(
                Path(error["path"]).name, error["line"], error["name"], error["description"]
            )


CHECKERS = [mypy, pyright, basedpyright, ty, pyrefly]
PROGRAMS = ("positive.py", "narrowing.py", "integrations.py", "negative.py")


def announced(file: Path) -> dict[int, re.Match[str]]:
    """The error that each line announces."""
    lines = file.read_text(encoding="utf-8").splitlines()
    matches = ((number, _EXPECTED.search(line)) for number, line in enumerate(lines, 1))
    return {number: match for number, match in matches if match}


@pytest.mark.parametrize("checker", CHECKERS)
def test_a_checker_accepts_what_is_right_and_finds_every_announced_line(
    checker: Checker, tmp_path: Path
) -> None:
    found: dict[str, dict[int, list[Report]]] = {name: defaultdict(list) for name in PROGRAMS}
    for report in checker([HERE / name for name in PROGRAMS], tmp_path):
        found[report.file][report.line].append(report)
    wrong, right = found.pop("negative.py"), found
    assert not any(right.values()), right
    file = HERE / "negative.py"
    lines, expected = file.read_text(encoding="utf-8").splitlines(), announced(file)
    missed = {lines[n - 1].partition("  #")[0] for n in expected if n not in wrong}
    assert missed == KNOWN_GAPS.get(checker.__name__, frozenset())
    assert not wrong.keys() - expected.keys()
    if checker.__name__ in ("mypy", "pyright"):
        codes = {n: {report.code for report in reports} for n, reports in wrong.items()}
        assert [n for n, match in expected.items() if match[checker.__name__] not in codes[n]] == []
    for call in WRONG_SIZES:
        number = next(n for n, line in enumerate(lines, 1) if line.startswith(call))
        assert any("64, 96, 128" in report.message for report in wrong[number]), wrong[number]


def test_the_negative_file_announces_errors() -> None:
    assert len(announced(HERE / "negative.py")) >= 30
