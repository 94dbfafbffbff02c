"""Distributions are built once for all tests of packaging, from a copy of the source tree."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SOURCES = (
    "src schema examples models.json hatch_build.py pyproject.toml README.md LICENSE .gitignore"
)
LEFT_OUT = shutil.ignore_patterns("__pycache__", "models.py", "models.pyi", ".*_cache", "page")
PAGE = Path("src") / "holotype" / "server" / "page"
"""Where `make page` puts the built page."""


@dataclass(frozen=True)
class Environment:
    """An empty virtual environment; not even pip is in it."""

    folder: Path

    @property
    def python(self) -> str:
        return str(self.folder / "bin" / "python")

    def install(self, *arguments: str | Path) -> None:
        pip = (sys.executable, "-m", "pip", "--python", self.python)
        run(*pip, "install", "--quiet", *map(str, arguments))

    def run(self, code: str) -> str:
        """Run a program in isolated mode and return what it prints."""
        return run(self.python, "-I", "-c", code).stdout.strip()


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command that must succeed."""
    result = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **environment}, check=False
    )
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result


def copy_sources(folder: Path) -> Path:
    """Copy what a fresh clone holds of the sources; nothing that was generated."""
    folder.mkdir(parents=True)
    for name in SOURCES.split():
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=LEFT_OUT)
        else:
            shutil.copy2(source, folder / name)
    return folder


def add_page(source: Path) -> Path:
    """Put something where `make page` puts the built page, and return the source tree."""
    (source / PAGE / "assets").mkdir(parents=True)
    (source / PAGE / "index.html").write_text("<title>the page</title>", encoding="utf-8")
    (source / PAGE / "assets" / "index-1a2b.js").write_text("// a program", encoding="utf-8")
    return source


def build(source: Path, *options: str, hash_seed: str = "1") -> Path:
    """Build a project without an environment of its own, and return its dist folder."""
    command = (sys.executable, "-m", "build", "--no-isolation", *options, str(source))
    run(*command, PYTHONHASHSEED=hash_seed)
    return source / "dist"


@pytest.fixture(scope="session")
def source_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source tree without generated files, but for the built page."""
    return add_page(copy_sources(tmp_path_factory.mktemp("source") / "holotype"))


@pytest.fixture(scope="session")
def dist(source_tree: Path) -> Path:
    """The sdist, and the wheel that was built from it."""
    return build(source_tree)


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    (wheel,) = dist.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def new_environment(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Environment]:
    """Make empty environments."""

    def make() -> Environment:
        folder = tmp_path_factory.mktemp("environment")
        venv.create(folder, symlinks=True)
        return Environment(folder)

    return make


@pytest.fixture(scope="session")
def installed(wheel: Path, new_environment: Callable[[], Environment]) -> Environment:
    """An environment with the wheel and nothing else."""
    environment = new_environment()
    environment.install("--no-index", wheel)
    return environment
