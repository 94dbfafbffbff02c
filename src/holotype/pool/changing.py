"""What must happen for a name to become another."""

from __future__ import annotations

from dataclasses import dataclass, field

from holotype.deployment.document import ModelSpec
from holotype.pool.loading import LoadJob
from holotype.pool.routes import Route
from holotype.pool.slot import Slot, Unit


@dataclass(slots=True)
class Change:
    """What happens to one name.

    Attributes:
        spec: what the deployment says of it.
        route: what answers from then on.
        swaps: the slots that load another unit.
        updates: the slots whose next load is another, or that only differ in settings.
        jobs: the loads, once they are queued.
        holds: whether what they load waits for a word.
    """

    spec: ModelSpec
    route: Route
    swaps: list[tuple[Slot, Unit]] = field(default_factory=list)
    updates: list[tuple[Slot, Unit]] = field(default_factory=list)
    jobs: list[LoadJob] = field(default_factory=list)
    holds: bool = False

    def note(self, slot: Slot, unit: Unit) -> None:
        """Note that a slot is to have a unit."""
        busy = slot.current is not None or slot.loading is not None
        if slot.unit.identity != unit.identity and busy:
            self.swaps.append((slot, unit))
        elif slot.unit != unit:
            self.updates.append((slot, unit))

    def update(self) -> None:
        """Change what nothing is loaded for; the pool's lock is held."""
        for one in self.route.copies:
            slot = one.slot
            slot.pinned = self.spec.pinned
            slot.siblings = tuple(
                other.slot for other in self.route.copies if other.slot.variant != slot.variant
            )
        for slot, unit in self.updates:
            slot.unit = unit
            if slot.current is not None:
                slot.current.unit = unit

    def reset_breakers(self) -> None:
        """Let calls through to what is another model now."""
        replaced = {id(slot) for slot, _ in (*self.swaps, *self.updates)}
        for one in self.route.copies:
            if id(one.slot) in replaced:
                one.breaker.reset()
