"""Old places of what has moved: they work, and say where it is now."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping


def warn_moved(old: str, new: str) -> None:
    """Tell whoever imports a module from its old place; called in that module's body."""
    _warn(old, new)


def moved_names(module: str, places: Mapping[str, str]) -> Callable[[str], object]:
    """Return the `__getattr__` of a module, some names of which are elsewhere now.

    Args:
        module: the module that had the names.
        places: for each old name the new one, with its module: ``holotype.errors.TensorError``.
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
    # Past this function, the one that called it, and the old module: frames of the import system
    # are not counted.
    warnings.warn(
        f"{old} is {new} now; the old name works until holotype 0.3",
        DeprecationWarning,
        stacklevel=4,
    )
