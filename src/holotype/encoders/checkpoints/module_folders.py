"""The folders of a checkpoint in which its modules lie."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from holotype.encoders.checkpoints.json_file import JsonFile
from holotype.encoders.checkpoints.modules import MODULES_FILE, ROUTERS, module_entries
from holotype.encoders.checkpoints.routes import ROUTER_FILE
from holotype.errors import UnsafeCheckpointError

_ROUTER_FILES = (ROUTER_FILE, "config.json")


def module_folders(folder: Path) -> tuple[str, ...]:
    """Return the folders that hold the modules; ``""`` is the checkpoint itself.

    The modules among which a router chooses lie in folders of their own.

    Raises:
        CheckpointError: a file is damaged.
        UnsafeCheckpointError: a module is code of its own, or lies outside of the checkpoint.
    """
    found = {""}
    for kind, path in _entries(folder):
        found.add(_tidy(path))
        if kind in ROUTERS:
            found |= {_tidy(f"{path}/{id}") for id in _routed(folder, path)}
    return tuple(sorted(found))


def router_files(folder: Path) -> tuple[str, ...]:
    """Return the files that may say among which modules a checkpoint's routers choose."""
    routers = [path for kind, path in _entries(folder) if kind in ROUTERS]
    return tuple(str(PurePosixPath(path) / name) for path in routers for name in _ROUTER_FILES)


def _entries(folder: Path) -> list[tuple[str, str]]:
    if not (folder / MODULES_FILE).is_file():
        return []
    return [(kind, path) for _, kind, path in module_entries(folder)]


def _routed(folder: Path, path: str) -> list[str]:
    for name in _ROUTER_FILES:
        file = JsonFile.read(folder, str(PurePosixPath(path) / name), optional=True)
        kinds = file.part("types") if isinstance(file.values.get("types"), dict) else None
        if kinds is None:
            continue
        for id in kinds.values:
            if PurePosixPath(id).is_absolute() or ".." in PurePosixPath(id).parts:
                raise UnsafeCheckpointError(
                    file.location, f"points outside of the checkpoint: {id!r}"
                )
        return list(kinds.values)
    return []


def _tidy(path: str) -> str:
    tidied = str(PurePosixPath(path.lstrip("/")))
    return "" if tidied == "." else tidied
