"""Keep old import paths working, with a warning that names the new one."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping


def warn_moved(old: str, new: str) -> None:
    """Warn whoever imports a module by its old path; call this in that module's body."""
    _warn(old, new)


def moved_names(module: str, places: Mapping[str, str]) -> Callable[[str], object]:
    """Return a `__getattr__` for a module whose names have moved.

    Args:
        module: the module that had the names.
        places: the new place of each old name, such as ``holotype.errors.TensorError``.
    """

    def find(name: str) -> object:
        if name not in places:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        from importlib import import_module

        place, _, new_name = places[name].rpartition(".")
        _warn(f"{module}.{name}", places[name])
        return getattr(import_module(place), new_name)

    return find


def _warn(old: str, new: str) -> None:
    # Skip this function, its caller and the old module; warnings ignore frames of the import
    # system.
    warnings.warn(
        f"{old} is {new} now; the old name works until holotype 0.3",
        DeprecationWarning,
        stacklevel=4,
    )
