"""The module is written in one step, or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.unit.holotype_codegen.catalogues import valid_catalogue

from holotype_codegen.generate import generate, module_text
from holotype_codegen.report import CatalogueError


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "models.json"
    path.write_text(json.dumps(valid_catalogue()), encoding="utf-8")
    return path


def broken(source: Path) -> None:
    catalogue = valid_catalogue()
    catalogue["models"][0]["revision"] = "main"
    source.write_text(json.dumps(catalogue), encoding="utf-8")


def test_generating_says_whether_the_module_changed(source: Path) -> None:
    output = source.parent / "package" / "models.py"
    assert generate(source, output, root=source.parent) is True
    written = output.stat().st_mtime_ns
    assert generate(source, output, root=source.parent) is False
    assert output.stat().st_mtime_ns == written


def test_a_catalogue_with_problems_leaves_the_old_module_alone(source: Path) -> None:
    output = source.parent / "models.py"
    generate(source, output, root=source.parent)
    before = output.read_bytes()
    broken(source)
    with pytest.raises(CatalogueError, match="is no commit"):
        generate(source, output, root=source.parent)
    assert output.read_bytes() == before


def test_the_header_names_files_relative_to_the_project(source: Path) -> None:
    output = source.parent / "src" / "acme" / "models.py"
    text = module_text(source, output, root=source.parent, line_length=100)
    assert (
        "# Make it again with: python -m holotype_codegen generate models.json "
        "--output src/acme/models.py --line-length 100\n"
    ) in text


def test_no_path_of_the_machine_gets_into_the_module(source: Path, tmp_path: Path) -> None:
    text = module_text(source, tmp_path / "models.py", root=tmp_path / "elsewhere")
    assert str(tmp_path) not in text
