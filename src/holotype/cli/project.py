"""The project that a catalogue file belongs to, and its generated module."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from holotype.cli.output import note


@dataclass(frozen=True, slots=True)
class Project:
    """What the build hook of a project makes of a catalogue.

    Attributes:
        root: the folder of its pyproject.toml.
        source: the catalogue, relative to the root.
        output: the module, relative to the root.
        line_length: the longest line of the module; None for the default.
    """

    root: Path
    source: str
    output: str
    line_length: int | None

    @property
    def module(self) -> str:
        """The name by which Python imports the module: its package, from the top."""
        path = (self.root / self.output).with_suffix("")
        names = [path.name]
        while (path := path.parent) != self.root and (path / "__init__.py").is_file():
            names.insert(0, path.name)
        return ".".join(names)

    @property
    def command(self) -> tuple[str, ...]:
        """The arguments of `holotype generate`, in the folder of the project."""
        length = () if self.line_length is None else ("--line-length", str(self.line_length))
        return (self.source, "--output", self.output, *length)


def project_of(file: Path) -> Project | None:
    """Return the project whose build hook reads a catalogue file; None if there is none."""
    for folder in file.resolve().parents:
        for project in _projects(folder):
            if (folder / project.source).resolve() == file.resolve():
                return project
    return None


def update_module(file: Path) -> None:
    """Generate the module of a changed catalogue again, or say which command does it."""
    project = project_of(file)
    if project is None:
        note(f"generate its module again: holotype generate {file} --output MODULE")
        return
    # -P: a folder named like one of the generator's packages must not shadow it.
    command = [sys.executable, "-P", "-m", "holotype_codegen", "generate", *project.command]
    made = subprocess.run(  # noqa: S603
        command, cwd=project.root, check=False, capture_output=True, text=True
    )
    if made.returncode:
        reason = made.stderr.strip() or f"the generator ended with {made.returncode}"
        note(f"{project.output} is as it was: {reason}")
        note(f"generate it again: holotype generate {' '.join(project.command)}")
    else:
        note(made.stdout.strip())


def hint_for(id: str, module: str, file: Path = Path("models.json")) -> str | None:
    """Return how to reach an entry that a catalogue file has and a module does not.

    Args:
        id: the id that was not found.
        module: the module that does not have it.
        file: the catalogue file to look into.
    """
    try:
        models = json.loads(file.read_text(encoding="utf-8"))["models"]
        has_entry = any(model["id"] == id for model in models)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None  # no catalogue lies here, or not a valid one
    project = project_of(file) if has_entry else None
    if project is None:
        return None
    if project.module != module:
        return f"{file} has it: give --catalogue {project.module} before the command"
    return f"{file} has it: run `holotype generate {' '.join(project.command)}` in {project.root}"


def _projects(folder: Path) -> Iterator[Project]:
    """Yield what the build hooks of a folder's pyproject.toml make of catalogues."""
    try:
        text = (folder / "pyproject.toml").read_text(encoding="utf-8")
        hooks = tomllib.loads(text)["tool"]["hatch"]["build"]["hooks"]
        found = [hooks[name] for name in ("holotype", "custom") if name in hooks]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError):
        return  # no project of hatchling, or a broken one, which the build tells
    for options in found:
        match options:
            case {"source": str(source), "output": str(output)}:
                length = options.get("line-length")
                yield Project(folder, source, output, length if isinstance(length, int) else None)
