"""What all tests share: one thread a process, how far hypothesis looks, and the parity matrix."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable, Generator

# Before anything imports torch. Several workers whose threads wait for each other on the same cores
# take twice as long, and tiny matrices have no work for a second thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import settings
from tests import parity_table, warm_process

# The usual run takes the same examples every time. `make thorough` draws new and more ones.
settings.register_profile("usual", max_examples=100, derandomize=True, database=None, deadline=None)
settings.register_profile("thorough", max_examples=1000, deadline=None)
settings.load_profile("usual")


def pytest_collection_finish() -> None:
    """Take what was imported and collected out of the sight of the garbage collector.

    It stays until the end of the run, and a full collection, which each `close` of an encoder and
    each unloading of the pool asks for, would look through all of it: 0.3 s each time.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def _warm_process() -> None:
    """The process whose forks `warm_process.run` runs programs in, which has imported torch."""
    warm_process.start()


@pytest.fixture
def new_threads() -> Callable[[], set[str]]:
    """What names holotype's threads that run now and did not when the test began."""
    before = set(threading.enumerate())
    return lambda: {
        thread.name
        for thread in threading.enumerate()
        if thread not in before and "holotype" in thread.name
    }


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
