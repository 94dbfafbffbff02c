"""What answers under a name: variants in shares, each loaded in one or several places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from holotype.deployment.document import ModelSpec
from holotype.pool.arguments import LONGEST_S
from holotype.pool.errors import EnsembleError, UnknownNameError
from holotype.pool.routing import Breaker, Weights
from holotype.pool.slot import Slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A place where a variant is loaded; several share its calls by how busy they are.

    Attributes:
        slot: where it is loaded.
        breaker: stops calls while it fails.
    """

    slot: Slot
    breaker: Breaker

    @property
    def is_open(self) -> bool:
        """Whether a call would be answered at once."""
        slot = self.slot
        return slot.current is not None and not slot.is_sick and self.breaker.state == "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One of the models behind a name.

    Attributes:
        name: its name.
        weight: its share of the calls.
        copies: where it is loaded, at least one.
    """

    name: str
    weight: float
    copies: tuple[Copy, ...]

    @property
    def first(self) -> Copy:
        """The first copy, which is loaded when nothing is."""
        return self.copies[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What answers under a name.

    Attributes:
        spec: what the deployment says.
        variants: the models; empty for an ensemble.
        weights: their shares; None for an ensemble.
    """

    spec: ModelSpec
    variants: tuple[Variant, ...]
    weights: Weights | None

    @property
    def copies(self) -> Iterator[Copy]:
        """All copies of all variants."""
        for variant in self.variants:
            yield from variant.copies

    def limit_s(self, timeout_s: float | None) -> float | None:
        """Return how long a call may wait: what it says, else what the deployment says.

        Both have been checked where they came in.
        """
        if timeout_s is not None:
            return timeout_s
        stated = self.spec.timeout_s
        return None if stated is None else min(stated, LONGEST_S)

    def choose(self, key: str | None, variant: str | None) -> Variant:
        """Return the variant of a key, or of a name.

        Raises:
            UnknownNameError: there is no such variant.
        """
        if variant is None and len(self.variants) == 1:
            return self.variants[0]
        if variant is not None:
            for one in self.variants:
                if one.name == variant:
                    return one
            names = [one.name for one in self.variants]
            near = get_close_matches(variant, names) or names
            raise UnknownNameError(variant, near, what=f"variant of {self.spec.name!r}")
        if self.weights is None:
            raise EnsembleError(
                self.spec.name, "is an ensemble of other models and has no model of its own"
            )
        return self.variants[self.weights.choose(None if self.spec.sticky == "none" else key)]
