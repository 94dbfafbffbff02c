"""mypy and pyright must accept positive.py, and refuse negative.py exactly where it says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
_EXPECTED = re.compile(r"# E: (?P<mypy>[\w-]+), (?P<pyright>\w+)$")

Errors = dict[int, set[str]]


def expected_errors(file: Path, checker: str) -> Errors:
    """The code of the error that each line announces."""
    lines = file.read_text(encoding="utf-8").splitlines()
    matches = ((number, _EXPECTED.search(line)) for number, line in enumerate(lines, 1))
    return {number: {match[checker]} for number, match in matches if match}


def mypy_errors(file: Path, cache: Path) -> Errors:
    """What `mypy --strict` reports, by line."""
    command = [sys.executable, "-m", "mypy", "--strict", "--output", "json", "--config-file", ""]
    command += ["--no-error-summary", "--cache-dir", str(cache), str(file)]
    result = subprocess.run(command, capture_output=True, text=True, cwd=cache, check=False)
    assert result.returncode in (0, 1), result.stdout + result.stderr
    errors: Errors = defaultdict(set)
    for line in result.stdout.splitlines():
        report = json.loads(line)
        assert Path(report["file"]).name == file.name, line
        if report["severity"] == "error":
            errors[report["line"]].add(report["code"])
    return errors


def pyright_errors(file: Path) -> Errors:
    """What pyright reports, by line."""
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
    command += [str(file)]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert result.returncode in (0, 1), result.stdout + result.stderr
    errors: Errors = defaultdict(set)
    for report in json.loads(result.stdout)["generalDiagnostics"]:
        if report["severity"] == "error":
            errors[report["range"]["start"]["line"] + 1].add(report["rule"])
    return errors


def assert_announced(found: Errors, expected: Errors) -> None:
    """Each announced line has its error, and no other line has any."""
    assert sorted(found) == sorted(expected)
    missing = {line: codes for line, codes in expected.items() if not codes <= found[line]}
    assert not missing, found


@pytest.mark.parametrize("name", ["positive.py", "negative.py"])
def test_mypy_reports_exactly_the_errors_that_the_file_announces(name: str, tmp_path: Path) -> None:
    file = HERE / name
    assert_announced(mypy_errors(file, tmp_path), expected_errors(file, "mypy"))


@pytest.mark.parametrize("name", ["positive.py", "negative.py"])
def test_pyright_reports_exactly_the_errors_that_the_file_announces(name: str) -> None:
    file = HERE / name
    assert_announced(pyright_errors(file), expected_errors(file, "pyright"))


def test_the_negative_file_announces_errors() -> None:
    assert len(expected_errors(HERE / "negative.py", "mypy")) >= 10
