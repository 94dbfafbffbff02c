"""The errors of models that run in several modes at once; `holotype.encoders` exports them.

They stand apart from `holotype.errors` so that `import holotype` does not pay for them.
"""

from __future__ import annotations

from collections.abc import Sequence

from holotype.errors import HolotypeError


class IncompatibleModesError(HolotypeError, ValueError):
    """Two models cannot share a pass through one transformer.

    Attributes:
        ids: the ids of both records.
        what: what differs.
        found: what each of them has.
    """

    def __init__(self, ids: tuple[str, str], what: str, found: tuple[object, object]) -> None:
        """Name both models, what differs, and both values."""
        self.ids = ids
        self.what = what
        self.found = found
        super().__init__(ids, what, found)

    def __str__(self) -> str:
        """Return the message."""
        (first, second), (ours, theirs) = self.ids, self.found
        return (
            f"{first!r} and {second!r} cannot share a pass: their {self.what} differ, {ours!r} and "
            f"{theirs!r}; choose modes of one checkpoint that read texts alike, or load() each"
        )


class ModeNotLoadedError(HolotypeError, LookupError):
    """A mode is used that was not loaded.

    Attributes:
        mode: the mode.
        loaded: the modes that were loaded.
    """

    def __init__(self, mode: str, loaded: Sequence[str]) -> None:
        """Name the mode, and those that there are."""
        self.mode = mode
        self.loaded = tuple(loaded)
        super().__init__(mode, self.loaded)

    def __str__(self) -> str:
        """Return the message."""
        return (
            f"the mode {self.mode!r} was not loaded, only {', '.join(self.loaded)}; pass its record "
            f"as {self.mode}= to load_modes()"
        )
