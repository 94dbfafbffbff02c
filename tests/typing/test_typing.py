"""mypy and pyright must accept positive.py, and refuse negative.py exactly where it says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
_EXPECTED = re.compile(r"# E: (?P<mypy>[\w-]+), (?P<pyright>\w+)$")


def expected_errors(file: Path, checker: str) -> set[tuple[int, str]]:
    """The line and the code of every error that the file announces."""
    lines = file.read_text().splitlines()
    matches = ((number, _EXPECTED.search(line)) for number, line in enumerate(lines, 1))
    return {(number, match[checker]) for number, match in matches if match}


def mypy_errors(file: Path, cache: Path) -> set[tuple[int, str]]:
    """What `mypy --strict` reports, by line and code."""
    command = [sys.executable, "-m", "mypy", "--strict", "--output", "json", "--config-file", ""]
    command += ["--no-error-summary", "--cache-dir", str(cache), str(file)]
    result = subprocess.run(command, capture_output=True, text=True, cwd=cache, check=False)
    assert result.returncode in (0, 1), result.stdout + result.stderr
    reports = [json.loads(line) for line in result.stdout.splitlines()]
    assert all(Path(report["file"]).name == file.name for report in reports), result.stdout
    return {(report["line"], report["code"]) for report in reports if report["severity"] == "error"}


def pyright_errors(file: Path) -> set[tuple[int, str]]:
    """What pyright reports as errors, by line and rule."""
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
    result = subprocess.run(
        [*command, str(file)], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert result.returncode in (0, 1), result.stdout + result.stderr
    reports = json.loads(result.stdout)["generalDiagnostics"]
    return {
        (report["range"]["start"]["line"] + 1, report["rule"])
        for report in reports
        if report["severity"] == "error"
    }


@pytest.mark.parametrize("name", ["positive.py", "negative.py"])
def test_mypy_reports_exactly_the_errors_that_the_file_announces(name: str, tmp_path: Path) -> None:
    file = HERE / name
    assert mypy_errors(file, tmp_path) == expected_errors(file, "mypy")


@pytest.mark.parametrize("name", ["positive.py", "negative.py"])
def test_pyright_reports_exactly_the_errors_that_the_file_announces(name: str) -> None:
    file = HERE / name
    assert pyright_errors(file) == expected_errors(file, "pyright")


def test_the_negative_file_announces_errors() -> None:
    assert len(expected_errors(HERE / "negative.py", "mypy")) >= 10
