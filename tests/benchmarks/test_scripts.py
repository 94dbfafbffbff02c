"""The benchmarks run: each is imported or shows its options, and the quick ones measure little."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
# They are programs without options, which others start: one in an environment of its own.
STARTED = {"bare_server", "pylate_worker"}
NAMES = sorted(path.stem for path in BENCHMARKS.glob("*.py"))
WITH_OPTIONS = [
    name
    for name in NAMES
    if "ArgumentParser" in (BENCHMARKS / f"{name}.py").read_text(encoding="utf-8")
]

SHOW_OPTIONS = """
import runpy, sys
for name in sys.argv[1:]:
    sys.argv = [f"{name}.py", "--help"]
    try:
        runpy.run_module(name, run_name="__main__")
    except SystemExit as error:
        if error.code != 0:
            raise
    else:
        sys.exit(f"{name} takes --help for nothing, and ran")
"""
IMPORT = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]"
FOLLOW_ALIASES = "import aliases; print(aliases.table([2], 2).markdown())"
JUDGE = """
from targets import Bounded, CannotMeasureError, Case, QUICK, Target, table
missing = CannotMeasureError("no such package")
goals = [Target(work=work, peer="a peer", bound=1.5) for work in ("one", "two", "three", "four")]
case = Case(goals, lambda sizes: [1.6, Bounded(1.4, 1.45), 1.4, missing])
print(table(QUICK, [case], lambda line: None).markdown())
"""


def run(program: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=BENCHMARKS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_each_benchmark_shows_its_options() -> None:
    shown = run(SHOW_OPTIONS, *WITH_OPTIONS)
    assert shown.count("usage: ") == len(WITH_OPTIONS) >= 7


def test_all_others_are_imported() -> None:
    assert not run(IMPORT, *(name for name in NAMES if name not in {*WITH_OPTIONS, *STARTED}))


def test_an_alias_is_measured() -> None:
    shown = run(FOLLOW_ALIASES)
    assert [line.split(" | ")[0] for line in shown.splitlines() if line.startswith("| ")][2:] == [
        "| the disk's share",
        "| switch",
        "| rollback",
        "| follow",
    ]


@pytest.mark.parametrize(
    "row",
    [
        "| one | a peer | 1.60 | ≥ 1.5 | met |",
        "| two | a peer | 1.40 | ≥ 1.5 | missed, at best 1.45 here |",
        "| three | a peer | 1.40 | ≥ 1.5 | missed |",
        "| four | a peer |  | ≥ 1.5 | not on this machine: no such package |",
    ],
)
def test_each_target_has_a_verdict(row: str) -> None:
    assert row in run(JUDGE).splitlines()
