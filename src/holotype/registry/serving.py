"""What the registry needs of what runs models: a pool, which it does not know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from holotype.registry.validating import LoadedVersion
from holotype.registry.versions import Activation, ModelVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlan:
    """Whether a version fits beside what is loaded.

    Attributes:
        fits: ``now``; ``after_unloading`` others; or ``never``.
        need_bytes: what it takes.
        free_bytes: what is free.
        would_unload: the names of what would be unloaded for it.
    """

    fits: Literal["now", "after_unloading", "never"]
    need_bytes: int
    free_bytes: int
    would_unload: tuple[str, ...] = ()


class Prepared(Protocol):
    """A version that is loaded beside what serves, and waits."""

    @property
    def loaded(self) -> Sequence[LoadedVersion]:
        """The loaded models, one for each place that follows the kind; empty if none does."""
        ...

    def commit(self, activation: Activation) -> None:
        """Let them take over, all at once; the activation has been recorded."""
        ...

    def discard(self) -> None:
        """Close them; what serves goes on."""
        ...


class Serving(Protocol):
    """What runs models, such as a pool; a server passes it to the switcher."""

    def followers(self, kind: str) -> Sequence[str]:
        """Return the names under which the active version of a kind is served."""
        ...

    def plan_memory(self, version: ModelVersion) -> MemoryPlan | None:
        """Return whether a version fits beside what is loaded; None if nothing follows its kind."""
        ...

    def serves_version(self, version: ModelVersion) -> bool:
        """Return whether what follows the kind of a version serves it, or would load it."""
        ...

    def prepare(self, version: ModelVersion) -> Prepared:
        """Load a version wherever its kind is followed, beside what serves there."""
        ...
