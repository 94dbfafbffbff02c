"""The parity matrix at the end of a run, collected from the tests of parity."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from tests import parity_table


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Hand what a test measures to its report, which also crosses from one process to another."""
    with parity_table.recording() as rows:
        try:
            yield
        finally:
            if rows:
                item.user_properties.append((parity_table.PROPERTY, rows))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the matrix where tests of parity ran; with ``-v`` a line for every option."""
    reports = [
        report
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        if isinstance(report, pytest.TestReport) and report.when == "call"
    ]
    tests = [
        (report.nodeid.rpartition("::")[2], report.passed, rows)
        for report in reports
        for name, rows in report.user_properties
        if name == parity_table.PROPERTY and isinstance(rows, list)
    ]
    if not tests:
        return
    terminalreporter.section("parity: the largest differences and the lowest cosine")
    for line in parity_table.lines(tests, each_option=terminalreporter.verbosity > 0):
        terminalreporter.write_line(line)
