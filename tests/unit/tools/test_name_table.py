"""The table of names, derived from registries."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest

pytest.importorskip("babel")

import name_table
from holotype.languages import table


def test_the_table_in_the_package_is_not_stale() -> None:
    made_with = [f"{package} {version(package)}" for package in ("langcodes", "packaging")]
    made_with.append(f"Babel {version('babel')}")
    if not all(each in table()["source"] for each in made_with):
        pytest.skip("the table was made with other versions of the registries")
    assert name_table.main(["--check"]) == 0, "run: python tools/name_table.py"


def test_a_stale_table_is_told_and_not_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "names.json"
    assert name_table.main(["--check", "--output", str(file)]) == 1
    assert "is stale; run: python tools/name_table.py" in capsys.readouterr().out
    assert not file.exists()
