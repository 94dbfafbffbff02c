"""mypy and pyright must accept positive.py, and refuse negative.py exactly where it says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
FILES = (HERE / "positive.py", HERE / "negative.py")
_EXPECTED = re.compile(r"# E: (?P<mypy>[\w-]+), (?P<pyright>\w+)$")

# Of each file, the codes by line.
Errors = dict[str, dict[int, set[str]]]


def expected_errors(checker: str) -> Errors:
    """The code of the error that each line announces."""
    expected: Errors = {}
    for file in FILES:
        lines = file.read_text(encoding="utf-8").splitlines()
        matches = ((number, _EXPECTED.search(line)) for number, line in enumerate(lines, 1))
        expected[file.name] = {number: {match[checker]} for number, match in matches if match}
    return expected


def mypy_errors(cache: Path) -> Errors:
    """What `mypy --strict` reports."""
    command = [sys.executable, "-m", "mypy", "--strict", "--output", "json", "--config-file", ""]
    command += ["--no-error-summary", "--cache-dir", str(cache), *map(str, FILES)]
    result = subprocess.run(command, capture_output=True, text=True, cwd=cache, check=False)
    assert result.returncode in (0, 1), result.stdout + result.stderr
    reports = [json.loads(line) for line in result.stdout.splitlines()]
    return gathered(
        (report["file"], report["line"], report["code"])
        for report in reports
        if report["severity"] == "error"
    )


def pyright_errors() -> Errors:
    """What pyright reports."""
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
    command += map(str, FILES)
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert result.returncode in (0, 1), result.stdout + result.stderr
    return gathered(
        (report["file"], report["range"]["start"]["line"] + 1, report["rule"])
        for report in json.loads(result.stdout)["generalDiagnostics"]
        if report["severity"] == "error"
    )


def gathered(reports: Iterable[tuple[str, int, str]]) -> Errors:
    errors: Errors = {file.name: {} for file in FILES}
    for file, line, code in reports:
        errors[Path(file).name].setdefault(line, set()).add(code)
    return errors


def assert_announced(found: Errors, expected: Errors) -> None:
    """Each announced line has its error, and no other line has any."""
    for name, lines in expected.items():
        assert sorted(found[name]) == sorted(lines), name
        missing = {line: codes for line, codes in lines.items() if not codes <= found[name][line]}
        assert not missing, found


def test_mypy_reports_exactly_the_errors_that_the_files_announce(tmp_path: Path) -> None:
    assert_announced(mypy_errors(tmp_path), expected_errors("mypy"))


def test_pyright_reports_exactly_the_errors_that_the_files_announce() -> None:
    assert_announced(pyright_errors(), expected_errors("pyright"))


def test_the_negative_file_alone_announces_errors() -> None:
    expected = expected_errors("mypy")
    assert len(expected["negative.py"]) >= 10
    assert expected["positive.py"] == {}
