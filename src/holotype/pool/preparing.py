"""Swaps in two steps: loaded and checked beside what serves, then let take over, or closed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Self

from holotype.deployment.document import Source, Swap
from holotype.errors import InvalidArgumentError
from holotype.pool.arguments import Named
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
        source: where the new model comes from; see `Pool.swap`.
    """

    name: str
    variant: str
    source: Source | Named


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedUnit:
    """One slot of a swap: how it is loaded from then on, and how it was.

    Attributes:
        slot: the slot.
        unit: how it is loaded from then on.
        breaker: the breaker of its calls.
        before: how it was loaded.
    """

    slot: Slot
    unit: Unit
    breaker: Breaker
    before: Unit


class PreparedSwap:
    """Models that are loaded and checked, and serve nobody yet. Call `commit` or `discard`, once.

    A context manager, which discards what has not been committed. Until then no deployment is
    applied, so end it soon. With ``swap: replace``, for models that do not fit twice, the new
    models serve already, and `discard` loads the old ones again.

    Attributes:
        generations: the models, in the order of the replacements.
        load_s: how long the loads took together, in seconds.
    """

    def __init__(
        self,
        engine: Engine,
        units: Sequence[PreparedUnit],
        *,
        mode: Swap,
        holds: bool,
        timeout_s: float,
        release: Callable[[], None] = lambda: None,
    ) -> None:
        """Load, and wait for all of it.

        Args:
            engine: what loads.
            units: what to load into which slot.
            mode: see `PoolSettings.swap`.
            holds: whether nothing takes over before `commit`; not if what served is unloaded first.
            timeout_s: how long to wait for memory.
            release: is called at the end, whatever it is.

        Raises:
            PoolError: a model cannot be loaded, or is no successor; all of them are closed.
        """
        self._engine = engine
        self._units = units
        self._release = release
        self._is_open = True
        self._holds = holds
        began_s = perf_counter()
        self._jobs: list[LoadJob] = []
        try:
            for one in units:
                self._jobs.append(
                    engine.swap(one.slot, one.unit, mode=mode, timeout_s=timeout_s, holds=holds)
                )
            errors = [e for job in self._jobs if (e := job.future.exception()) is not None]
            if errors:
                raise errors[0]
        except BaseException:
            self.discard()
            raise
        self.load_s = perf_counter() - began_s
        self.generations: tuple[Generation, ...] = tuple(job.future.result(0) for job in self._jobs)

    def commit(self) -> None:
        """Let all of them take over at once; what they replace drains.

        Raises:
            PoolClosedError: the pool has been closed; nothing has changed.
            InvalidArgumentError: it is over already.
        """
        self._end()
        try:
            if self._holds:
                self._engine.commit(self._jobs)
            for one in self._units:
                one.breaker.reset()
        finally:
            self._release()

    def discard(self) -> None:
        """Close them; what served goes on.

        Raises:
            InvalidArgumentError: it is over already.
        """
        self._end()
        try:
            if self._holds:
                self._engine.discard(self._jobs)
                self._engine.wake()
            else:
                self._swap_back()
        finally:
            self._release()

    def _swap_back(self) -> None:
        done = [job.future.done() and job.future.exception() is None for job in self._jobs]
        jobs = [
            self._engine.swap(one.slot, one.before, mode="replace")
            for one, is_done in zip(self._units, done, strict=False)
            if is_done
        ]
        for job in jobs:
            # What fails is an event; the next call loads the old model again.
            job.future.exception()

    def _end(self) -> None:
        if not self._is_open:
            raise InvalidArgumentError("this swap is over already; prepare another one")
        self._is_open = False

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Discard what has not been committed."""
        if self._is_open:
            self.discard()
