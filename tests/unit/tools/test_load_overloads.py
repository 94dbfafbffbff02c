"""What type checkers know of `load`, derived from models.json."""

from __future__ import annotations

from pathlib import Path

import pytest

import load_overloads


def test_the_overloads_in_the_package_are_not_stale() -> None:
    assert load_overloads.main(["--check"]) == 0, "run: python tools/load_overloads.py"


def test_stale_overloads_are_told_and_not_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "overloads.py"
    assert load_overloads.main(["--check", "--output", str(file)]) == 1
    assert "is stale; run: python tools/load_overloads.py" in capsys.readouterr().out
    assert not file.exists()
