"""What `make test-latest` and `make test-lowest` run needs no package that they do not install."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
OWN = {"holotype", "holotype_codegen", "tests", *(path.stem for path in ROOT.glob("tools/*"))}
BROUGHT_ALONG = {"markdown_it": "rich", "pydantic": "fastapi", "starlette": "fastapi"}
"""What a package of the list needs itself, whatever its version."""


def requirements(names: list[str]) -> Iterator[Requirement]:
    """Yield what extras of ours need, and what those need that they name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for name in names:
        for requirement in map(Requirement, project["optional-dependencies"][name]):
            if requirement.name == "holotype":
                yield from requirements(sorted(requirement.extras))
            else:
                yield requirement


@cache
def installed() -> frozenset[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    extras = re.search(r"^CHECKED := \.\[(.+)\]$", makefile, re.M)
    assert extras is not None
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found = [*requirements(extras[1].split(","))]
    found += map(Requirement, project["dependency-groups"]["checks"])
    return frozenset(canonicalize_name(each.name) for each in found)


def checked_files() -> list[Path]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    checks = re.search(r"^CHECKS := ((?:.*\\\n)*.+)", makefile, re.M)
    assert checks is not None
    words = checks[1].replace("\\\n", " ").split()
    left_out = {ROOT / word.removeprefix("--ignore=") for word in words if word.startswith("--")}
    assert all(file.is_file() for file in left_out)
    folders = [ROOT / word for word in words if not word.startswith("--")]
    return sorted({file for folder in folders for file in folder.rglob("*.py")} - left_out)


def imported(file: Path) -> set[str]:
    """Return the packages that a module imports, but for those that it skips itself without."""
    found, skipped = set(), set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.importorskip":
            skipped.add(ast.literal_eval(node.args[0]))
    tops = {name.partition(".")[0] for name in found}
    return tops - {name.partition(".")[0] for name in skipped} - sys.stdlib_module_names - OWN


def test_what_is_checked_against_other_versions_imports_only_what_is_installed_for_it() -> None:
    distributions = packages_distributions()
    files = checked_files()
    assert len(files) > 300
    missing = {}
    for file in files:
        for name in imported(file):
            named = BROUGHT_ALONG.get(name, name)
            providers = {canonicalize_name(each) for each in distributions.get(named, [named])}
            if not providers & installed():
                missing[str(file.relative_to(ROOT))] = name
    assert missing == {}


@pytest.mark.parametrize("name", ["fastapi", "httpx2", "opentelemetry-sdk", "torch"])
def test_extras_of_extras_are_found(name: str) -> None:
    assert name in installed()


def test_a_package_of_the_other_groups_is_not_found() -> None:
    assert not installed() & {"schemathesis", "openai", "mteb", "ray"}
