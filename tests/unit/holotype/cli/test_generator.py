"""`holotype validate` and `holotype generate` hand over to the generator."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.unit.holotype.cli.command import run

ROOT = Path(__file__).parents[4]
CATALOGUE = ROOT / "tests" / "fixtures" / "small" / "models.json"


@pytest.fixture
def handed_over(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Collect the arguments of the generator, which answers with exit code 1."""
    calls: list[list[str]] = []

    def answer(command: list[str], *, check: bool) -> subprocess.CompletedProcess[bytes]:
        calls.append(command[1:])
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr(subprocess, "run", answer)
    return calls


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["validate"], ["validate", "models.json"]),
        (["validate", "a.json", "--json"], ["validate", "a.json", "--json"]),
        (
            ["generate", "--output", "m.py"],
            ["generate", "models.json", "--output", "m.py"],
        ),
        (
            ["generate", "a.json", "--output", "m.py", "--check", "--line-length", "79"],
            ["generate", "a.json", "--output", "m.py", "--line-length", "79", "--check"],
        ),
        (["generate", "--stdout"], ["generate", "models.json", "--stdout"]),
    ],
)
def test_arguments_and_exit_code_are_passed_on(
    handed_over: list[list[str]], arguments: list[str], expected: list[str]
) -> None:
    assert run(*arguments).exit_code == 1
    assert handed_over == [["-P", "-m", "holotype_codegen", *expected]]


@pytest.mark.parametrize(
    "arguments",
    [["generate"], ["generate", "--stdout", "--check"], ["generate", "--line-length", "0"]],
)
def test_a_wrong_call_never_reaches_the_generator(
    handed_over: list[list[str]], arguments: list[str]
) -> None:
    assert run(*arguments).exit_code == 2
    assert handed_over == []


def test_the_generator_runs_in_a_process_of_its_own(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    module = tmp_path / "models.py"
    assert run("validate", str(CATALOGUE)).exit_code == 0
    assert run("generate", str(CATALOGUE), "--output", str(module)).exit_code == 0
    assert run("generate", str(CATALOGUE), "--output", str(module), "--check").exit_code == 0
    module.write_text("stale", encoding="utf-8")
    assert run("generate", str(CATALOGUE), "--output", str(module), "--check").exit_code == 1
    printed = capfd.readouterr()
    assert "11 models, no problems" in printed.out
    assert "is stale" in printed.err


def test_problems_of_a_catalogue_are_reported_with_exit_code_one(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    broken = tmp_path / "models.json"
    broken.write_text('{"models": [}', encoding="utf-8")
    assert run("validate", str(broken)).exit_code == 1
    assert f"{broken.name}:1:13: " in capfd.readouterr().err
