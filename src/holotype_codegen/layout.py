"""Where a wheel puts the generated module, and whether Python imports it there."""

from __future__ import annotations

from collections.abc import Mapping
from keyword import iskeyword
from pathlib import Path, PurePosixPath
from typing import Any

from hatchling.builders.config import BuilderConfig

_SOURCE_FOLDERS = frozenset({"src", "lib", "python"})
"""Folders that hold packages and are none; a wheel that has one puts it into site-packages."""


def layout_problem(
    config: BuilderConfig, root: Path, path: str, build_data: Mapping[str, Any]
) -> str | None:
    """Return why the module could not be imported once the wheel is installed; None if it can.

    Args:
        config: what hatchling knows of the wheel.
        root: the project.
        path: the module, relative to the root, in its shortest form.
        build_data: what the hooks add to the wheel, among it the module.
    """
    folder = PurePosixPath(path).parent
    with config.set_build_data(dict(build_data)):
        place = PurePosixPath(config.get_distribution_path(path))
        init = str(folder / "__init__.py")
        is_shipped = _is_below(config, path)
        has_init_shipped = _is_below(config, init) and config.include_path(
            init, explicit=bool(config.only_include)
        )
    packages = _packages(folder)
    wrong_name = next((part for part in place.with_suffix("").parts if not _is_name(part)), None)
    if wrong_name is not None:
        return (
            f"its wheel would hold {place}, and {wrong_name!r} is not a name that Python can "
            f"import; rename it, for example to {_name_like(wrong_name)!r}, in the option 'output' too"
        )
    is_package = _has_init(root, folder)
    in_package = len(place.parts) > 1 and str(folder) not in _SOURCE_FOLDERS
    if in_package and not is_package:
        return (
            f"{folder} is not a package, since it has no __init__.py; correct the option 'output', "
            f"or make the file: touch {init}"
        )
    if not is_shipped:
        return f"its wheel would leave {path} out; {packages}"
    if len(place.parts) > 1 and str(place).partition("/")[0] in _SOURCE_FOLDERS:
        dotted = ".".join(PurePosixPath(*place.parts[1:]).with_suffix("").parts)
        return (
            f"its wheel would put the module into site-packages/{place}, where `import {dotted}` "
            f"does not find it; {packages}"
        )
    if not is_package:
        return None  # a module of its own
    if len(place.parts) == 1:
        return f"its wheel would take the module out of the package {folder.name}; {packages}"
    if not has_init_shipped:
        return f"its wheel would leave {init} out; {packages}"
    return None


def _is_below(config: BuilderConfig, path: str) -> bool:
    """Return whether a path lies in what the wheel takes files from."""
    places = [str(PurePosixPath(target)) for target in config.only_include.values()]
    return not places or any(
        place == "." or PurePosixPath(path).is_relative_to(place) for place in places
    )


def _has_init(root: Path, folder: PurePosixPath) -> bool:
    return (root / folder / "__init__.py").is_file()


def _packages(folder: PurePosixPath) -> str:
    """Return the setting that ships the top package of the module's folder."""
    depth = 2 if folder.parts[:1] and folder.parts[0] in _SOURCE_FOLDERS else 1
    top = PurePosixPath(*folder.parts[:depth])
    return (
        "write in pyproject.toml, under [tool.hatch.build.targets.wheel] and without 'sources': "
        f'packages = ["{top}"]'
    )


def _is_name(part: str) -> bool:
    return part.isidentifier() and not iskeyword(part)


def _name_like(part: str) -> str:
    name = "".join(each if each.isalnum() else "_" for each in part)
    return name if _is_name(name) else f"_{name}" if not iskeyword(name) else f"{name}_"
