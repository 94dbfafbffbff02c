"""What must happen for a name to become another, and a switch that waits for somebody's word."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from holotype.deployment.document import ModelSpec
from holotype.errors import InvalidArgumentError
from holotype.pool.calling import Route
from holotype.pool.engine import Engine
from holotype.pool.generation import Version
from holotype.pool.loading import LoadJob
from holotype.pool.registered import RegisteredVersion
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
    """

    spec: ModelSpec
    route: Route
    swaps: list[tuple[Slot, Unit]] = field(default_factory=list)
    updates: list[tuple[Slot, Unit]] = field(default_factory=list)
    jobs: list[LoadJob] = field(default_factory=list)

    def note(self, slot: Slot, unit: Unit) -> None:
        """Note that a slot is to have a unit."""
        busy = slot.current is not None or slot.loading is not None
        if slot.unit.identity != unit.identity and busy:
            self.swaps.append((slot, unit))
        elif slot.unit != unit:
            self.updates.append((slot, unit))

    def update(self) -> None:
        """Change what nothing is loaded for; the pool's lock is held."""
        slots = tuple(one.slot for one in self.route.variants)
        for slot in slots:
            slot.pinned = self.spec.pinned
            slot.siblings = tuple(other for other in slots if other is not slot)
        for slot, unit in self.updates:
            slot.unit = unit
            if slot.current is not None:
                slot.current.unit = unit

    def reset_breakers(self) -> None:
        """Let calls through to what is another model now."""
        replaced = {id(slot) for slot, _ in (*self.swaps, *self.updates)}
        for one in self.route.variants:
            if id(one.slot) in replaced:
                one.breaker.reset()


class Prepared:
    """A version of a kind that is loaded beside what serves, and waits for `commit` or `discard`.

    A context manager, which discards what has not been committed. Meanwhile no deployment is
    applied. With ``swap: replace``, for models that do not fit twice, the new version serves
    already, and `discard` loads the old one again.

    Attributes:
        kind: the kind of the registry.
        version: its version.
    """

    def __init__(
        self,
        engine: Engine,
        release: Callable[[], None],
        *,
        kind: str,
        version: RegisteredVersion,
    ) -> None:
        """Prepare nothing yet; `release` is called at the end."""
        self.kind = kind
        self.version = version
        self._engine = engine
        self._release = release
        self._changes: list[Change] = []
        self._before: list[tuple[Slot, Unit]] = []
        self._holds = engine.settings.swap == "overlap"
        self._is_open = True

    def add(self, change: Change) -> None:
        """Add a name that follows the kind."""
        self._changes.append(change)

    @property
    def names(self) -> tuple[str, ...]:
        """The names that the switch changes, in the order of the deployment."""
        return tuple(one.spec.name for one in self._changes if one.swaps or one.updates)

    def load(self, timeout_s: float) -> None:
        """Load the version for each slot that has something loaded, and check it.

        Raises:
            PoolError: it cannot be loaded, or is not like the one that it is to replace.
        """
        engine, mode = self._engine, self._engine.settings.swap
        for change in self._changes:
            self._before += [(slot, slot.unit) for slot, _ in change.swaps]
            change.jobs = [
                engine.swap(slot, unit, mode=mode, timeout_s=timeout_s, holds=self._holds)
                for slot, unit in change.swaps
            ]
        errors = [error for job in self._jobs() if (error := job.future.exception()) is not None]
        if errors:
            raise errors[0]

    def commit(self) -> tuple[Version, ...]:
        """Let the version take over everywhere, and return what serves now where it was loaded.

        Raises:
            PoolClosedError: the pool has been closed; nothing has changed.
            InvalidArgumentError: it has been committed or discarded already.
        """
        self._end()
        try:
            if self._holds:
                self._engine.commit(self._jobs())
            with self._engine.lock:
                for change in self._changes:
                    change.update()
            for change in self._changes:
                change.reset_breakers()
            return tuple(job.future.result(0).version for job in self._jobs())
        finally:
            self._release()

    def discard(self) -> None:
        """Unload the version again; what served goes on.

        Raises:
            InvalidArgumentError: it has been committed or discarded already.
        """
        self._end()
        try:
            if self._holds:
                self._engine.discard(self._jobs())
            else:
                self._swap_back()
        finally:
            self._release()

    def _swap_back(self) -> None:
        done = {id(job.slot) for job in self._jobs() if job.future.exception() is None}
        jobs = [
            self._engine.swap(slot, unit, mode="replace")
            for slot, unit in self._before
            if id(slot) in done
        ]
        for job in jobs:
            # What fails is an event, and the next call loads the old version again.
            job.future.exception()

    def _jobs(self) -> Iterator[LoadJob]:
        for change in self._changes:
            yield from change.jobs

    def _end(self) -> None:
        if not self._is_open:
            raise InvalidArgumentError(
                f"the switch of {self.kind} to {self.version.name} is over; prepare another one"
            )
        self._is_open = False

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Discard what has not been committed."""
        if self._is_open:
            self.discard()
