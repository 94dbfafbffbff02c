"""Swaps in two steps: loaded and checked beside what serves, then let take over, or closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

from holotype.deployment.document import Source
from holotype.pool.engine import Engine
from holotype.pool.generation import Generation
from holotype.pool.loading import LoadJob
from holotype.pool.routing import Breaker
from holotype.pool.slot import Slot, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """What is to serve as a variant of a name.

    Attributes:
        name: the name of the model.
        variant: the variant.
        source: where the new model comes from.
    """

    name: str
    variant: str
    source: Source


class PreparedSwap:
    """Models that are loaded and checked, and serve nobody yet. Call one of the methods, once.

    Attributes:
        generations: the models, in the order of the replacements.
        load_s: how long the loads took together, in seconds.
    """

    def __init__(
        self, engine: Engine, jobs: Sequence[LoadJob], breakers: Sequence[Breaker]
    ) -> None:
        """Wait for the loads; see `prepare`."""
        self._engine = engine
        self._jobs = jobs
        self._breakers = breakers
        began_s = perf_counter()
        errors = [error for job in jobs if (error := job.future.exception()) is not None]
        if errors:
            self.discard()
            raise errors[0]
        self.load_s = perf_counter() - began_s
        self.generations: tuple[Generation, ...] = tuple(job.future.result(0) for job in jobs)

    def commit(self) -> None:
        """Let all of them take over at once; what they replace drains."""
        self._engine.commit(self._jobs)
        for breaker in self._breakers:
            breaker.reset()

    def discard(self) -> None:
        """Close them; what serves goes on."""
        self._engine.discard(self._jobs)
        self._engine.wake()


def prepare(
    engine: Engine, units: Sequence[tuple[Slot, Unit, Breaker]], timeout_s: float
) -> PreparedSwap:
    """Load units beside what their slots serve, and wait until all of them are checked.

    Raises:
        PoolError: one of them cannot be loaded, or is no successor; all of them are closed.
    """
    jobs = [
        engine.swap(slot, unit, mode="overlap", timeout_s=timeout_s, holds=True)
        for slot, unit, _ in units
    ]
    return PreparedSwap(engine, jobs, [breaker for _, _, breaker in units])
