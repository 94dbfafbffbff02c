"""What the build of the page makes, and its own tests."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from build_page import FRONTEND, ROOT, find_node, install, is_new_enough
from holotype import select

FIRST_LOAD_BYTES = 120_000
PERMISSIVE = {"MIT", "ISC", "BSD-3-Clause", "Apache-2.0"}


@pytest.fixture(scope="module", autouse=True)
def packages() -> None:
    """The packages of the lock file."""
    install(find_node())


def run(*arguments: str, **environment: str) -> str:
    """Run a program of the packages in the folder of the sources; it must succeed."""
    node = find_node().node
    program = FRONTEND / "node_modules" / arguments[0]
    result = subprocess.run(
        [node, program, *arguments[1:]],
        cwd=FRONTEND,
        env={**os.environ, "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr}"
    return result.stdout


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_second_build_gives_the_same_bytes(built_page: Path, tmp_path: Path) -> None:
    again = tmp_path / "page"
    where = {"TZ": "Pacific/Auckland", "LANG": "de_DE.UTF-8"}
    run("vite/bin/vite.js", "build", "--outDir", str(again), "--logLevel", "error", **where)
    assert digests(again) == digests(built_page), (
        "sources changed since `make page`, or a build drifts"
    )


def test_the_first_load_is_small(built_page: Path) -> None:
    manifest = json.loads((built_page / "manifest.json").read_text(encoding="utf-8"))
    wanted, waiting = set[str](), ["index.html"]
    while waiting:
        entry = manifest[waiting.pop()]
        if entry["file"] not in wanted:
            wanted |= {entry["file"], *entry.get("css", ())}
            waiting += entry.get("imports", ())
    wanted |= {"index.html", "icon.svg"}
    size = sum(len(gzip.compress((built_page / name).read_bytes(), 6)) for name in wanted)
    assert 50_000 < size <= FIRST_LOAD_BYTES
    programs = [name for name in wanted if name.endswith(".js")]
    charts = [name for name in programs if "recharts" in (built_page / name).read_text("utf-8")]
    assert charts == [], "charts are loaded when one is shown"


def test_licences_of_everything_that_is_bundled_are_listed(built_page: Path) -> None:
    text = (built_page / "THIRD-PARTY.txt").read_text(encoding="utf-8")
    sections = [section.strip() for section in text.split("~" * 80)]
    names = {section.partition(" ")[0] for section in sections}
    dependencies = json.loads((FRONTEND / "package.json").read_text(encoding="utf-8"))[
        "dependencies"
    ]
    assert {*dependencies, "scheduler", "d3-scale"} <= names
    for section in sections:
        heading, _, licence = section.partition("\n")
        licences = re.fullmatch(r"\S+ [\d.]+ \((.*)\)", heading)
        assert licences and set(licences[1].split(" AND ")) <= PERMISSIVE, heading
        assert len(licence) > 200, f"{heading} has no text"


def test_every_package_is_locked_to_its_bytes() -> None:
    manifest = json.loads((FRONTEND / "package.json").read_text(encoding="utf-8"))
    for versions in (manifest["dependencies"], manifest["devDependencies"]):
        assert all(re.fullmatch(r"[\d.]+", version) for version in versions.values())
    packages = json.loads((FRONTEND / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert all("integrity" in package for name, package in packages.items() if name)


def test_the_types_are_those_of_the_server(tmp_path: Path) -> None:
    target = tmp_path / "schema.d.ts"
    command = [sys.executable, str(ROOT / "tools" / "page_types.py"), str(target)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    subprocess.run(command, check=True, capture_output=True, env=environment)
    committed = FRONTEND / "src" / "api" / "schema.d.ts"
    assert target.read_bytes() == committed.read_bytes(), "run: python tools/page_types.py"


def test_the_catalogue_is_filtered_by_every_type_that_it_has() -> None:
    source = (FRONTEND / "src" / "views" / "Catalogue.tsx").read_text(encoding="utf-8")
    types = re.findall(r'"([\w-]+)"', source.partition("const TYPES = [")[2].partition("]")[0])
    assert sorted(types) == sorted({str(record.type) for record in select()})


def test_the_style_and_the_types_of_the_sources() -> None:
    run("@biomejs/biome/bin/biome", "check", ".")
    run("typescript/bin/tsc", "--noEmit")


def test_the_units_of_the_page() -> None:
    told = run("vitest/vitest.mjs", "run", "--reporter", "json")
    report = json.loads(told[told.index("{") :])
    assert report["success"]
    assert report["numPassedTests"] >= 60


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("v20.19.0", True),
        ("v20.18.3", False),
        ("v22.11.0", False),
        ("v22.12.0", True),
        ("v24.1.0", True),
        ("v18.20.0", False),
        ("nonsense", False),
    ],
)
def test_an_old_node_is_not_taken(version: str, expected: bool) -> None:
    assert is_new_enough(version) is expected
