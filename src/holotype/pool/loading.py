"""The load of one model: room is made, it is loaded, checked, measured, and takes over.

Whatever happens, the reservation is returned, and everybody who waits learns the outcome.
"""

from __future__ import annotations

import time
from concurrent.futures import Future
from traceback import clear_frames
from typing import TYPE_CHECKING, Any

from holotype.deployment.document import Swap
from holotype.errors import HolotypeError
from holotype.pool.background import run_in_background
from holotype.pool.checks import check_successor, check_unit, facts_of, run_probe
from holotype.pool.device import Device
from holotype.pool.errors import (
    ModelLoadError,
    NoMemoryError,
    PoolClosedError,
    PoolError,
    SupersededError,
    mib,
)
from holotype.pool.generation import Facts, Generation, Version
from holotype.pool.loader import SWAP, Job, Later
from holotype.pool.memory import DeviceMemory
from holotype.pool.sizes import BATCH_BYTES, Need
from holotype.pool.slot import Slot, Unit

if TYPE_CHECKING:
    from holotype.pool.engine import Engine

_WHILE_LOADING = 1.5, BATCH_BYTES
_LOADED = 1.1, BATCH_BYTES // 4
_OVERTAKEN = "was not loaded: the deployment or a switch replaced it first; call it again"


class LoadJob(Job):
    """Loads a unit into a slot. All but the constant attributes is guarded by the pool's lock.

    Attributes:
        slot: the slot.
        unit: what is loaded.
        device: where.
        is_swap: whether it is to replace what the slot serves.
        future: the new generation, or the error.
        n_waiters: how many callers wait for a lease.
        granted: the generation that holds a lease for each of them.
        deadline_s: until when to wait for memory, on the pool's clock.
        holds: whether the new generation waits for `Engine.commit`.
        is_unwanted: whether whoever asked for that does not want it any more.
    """

    def __init__(
        self,
        engine: Engine,
        slot: Slot,
        unit: Unit,
        device: Device,
        *,
        priority: int,
        deadline_s: float,
        mode: Swap = "overlap",
        holds: bool = False,
    ) -> None:
        """Prepare a load; the loader of the device carries it out."""
        super().__init__(priority)
        self._engine = engine
        self.slot = slot
        self.unit = unit
        self.device = device
        self.is_swap = priority == SWAP
        self.future: Future[Generation] = Future()
        self.n_waiters = 0
        self.granted: Generation | None = None
        self.deadline_s = deadline_s
        self.holds = holds
        self.is_unwanted = False
        self._replaces = mode == "replace" and self.is_swap
        self._need: Need | None = None
        self._old: Generation | None = None

    def attempt(self) -> Later | None:
        """Load the model if there is room; see `Job`."""
        try:
            later = self._make_room()
        except BaseException as error:
            self._fail(error)
            return None
        if later is not None:
            return self._wait(later)
        kept = self.keeps
        # Nobody waits for what is to replace a model that serves meanwhile.
        if kept is not None and _gives_way(self.unit, kept.unit):
            run_in_background(self._load)
        else:
            self._load()
        return None

    def abandon(self, error: Exception) -> None:
        """Tell those who wait that the model will not be loaded."""
        self._fail(error)

    def supersede(self) -> None:
        """Give way to a newer swap of the same slot."""
        self._fail(
            SupersededError(self.slot.name, "was not swapped: a newer swap came before this began")
        )

    def _is_overtaken(self) -> bool:
        """Return whether a newer model has replaced what callers asked for; the lock is held."""
        slot = self.slot
        return not self.is_swap and (
            slot.current is not None or slot.unit.identity != self.unit.identity
        )

    def _make_room(self) -> Later | None:
        engine, slot = self._engine, self.slot
        if self._need is None:
            self._need = self.unit.need()
        with engine.lock:
            engine.check_open(slot)
            if self._is_overtaken():
                raise SupersededError(slot.name, _OVERTAKEN)
            if slot.loading not in (None, self):
                return Later(None)
            if not self.holds:
                slot.loading = self
            self._old = slot.last
            if self._replaces:
                # A model that can never fit replaces none.
                engine.check_fits(self, self._need)
                if slot.current is not None:
                    engine.retire(slot.current)
                if slot.draining:
                    return Later(None)
        return engine.make_room(self, self._need)

    @property
    def keeps(self) -> Generation | None:
        """What must stay loaded while this loads: the model that is swapped in overlap."""
        return None if self._replaces or not self.is_swap else self.slot.current

    def _wait(self, later: Later) -> Later | None:
        engine = self._engine
        now_s = engine.clock()
        if now_s < self.deadline_s:
            with engine.lock:
                engine.note_waiting(self)
            at_s = self.deadline_s if later.at_s is None else min(later.at_s, self.deadline_s)
            return Later(at_s)
        self._fail(self._no_memory())
        return None

    def _no_memory(self) -> PoolError:
        engine, device = self._engine, self.device
        with engine.lock:
            ledger = device.ledger
            held = ", ".join(
                f"{one.key.version.name} {mib(one.n_bytes)}"
                f"{' pinned' * one.pinned}{' in use' * (one.key.n_leases > 0)}"
                for one in device.residents()
            )
            free, other = ledger.free_bytes, self.slot.loading
        if other is not self and other is not None:
            return NoMemoryError(
                self.slot.name, "waited too long for another load of the same model", 1.0
            )
        need = 0 if self._need is None else self._need.n_bytes
        available = device.read().available_bytes
        return NoMemoryError(
            self.slot.name,
            f"does not fit now: it takes {mib(need)}, of the budget of {device.name} "
            f"{mib(max(0, free))} are free, of the device {mib(available)}; loaded: "
            f"{held or 'nothing'}. Call it again later, raise pool.memory, or pin and preload less",
            engine.settings.min_resident_s or 1.0,
        )

    def _load(self) -> None:
        engine, slot = self._engine, self.slot
        engine.events.add(
            "load_started",
            slot.name,
            variant=slot.variant,
            reference=self.unit.reference,
            device=self.device.name,
            needed_bytes=0 if self._need is None else self._need.n_bytes,
            origin="unknown" if self._need is None else self._need.origin,
        )
        started_s = time.perf_counter()
        self.device.begin_load(slot.name, engine.clock())
        try:
            self.unit.prepare()
            before = self.device.read()
            model = self.unit.open()
            try:
                self._admit(model, before, started_s)
            except BaseException:
                engine.close_model(model, slot.name)
                raise
        except BaseException as error:
            with engine.lock:
                self.device.ledger.release(self)
            # The frames of the traceback keep what was loaded.
            clear_frames(error.__traceback__)
            self._fail(error)
            self.device.trim()
        finally:
            self.device.end_load()

    def _admit(self, model: Any, before: DeviceMemory, started_s: float) -> None:
        """Check a loaded model and let it take over."""
        facts = facts_of(model, self.slot.name)
        check_unit(self.slot.name, self.unit, facts)
        differs = self._differs(facts)
        run_probe(model, self.slot.name, facts)
        # While it loads, a model takes more than it holds in the end.
        peak = self._measured(model, before, self.device.read(), _WHILE_LOADING)
        n_bytes = self._measured(model, before, self.device.trim(collect=False), _LOADED)
        generation = self._take_over(model, facts, n_bytes)
        self._engine.sizes.remember(self.unit.size_key, max(peak, n_bytes))
        self._tell_loaded(generation, differs=differs, seconds=time.perf_counter() - started_s)
        self.future.set_result(generation)
        self._engine.wake()

    def _differs(self, facts: Facts) -> bool:
        """Return whether a model makes other vectors than what it replaces or answers beside.

        Raises:
            ContradictionError: they differ, and may not.
        """
        slot, may_differ = self.slot, self.unit.allow_different_vectors
        others = [(sibling.last, may_differ) for sibling in slot.siblings]
        differs = False
        for other, allowed in [(self._old, may_differ or self.unit.may_differ_from_last), *others]:
            if other is not None:
                differs |= check_successor(
                    slot.name, other.facts, facts, allow_different_vectors=allowed
                )
        return differs

    def _take_over(self, model: Any, facts: Facts, n_bytes: int) -> Generation:
        """Make a generation of a model, which serves from now on, or waits for `Engine.commit`.

        Raises:
            PoolClosedError: the pool is closed.
            UnknownNameError: the slot is gone.
            SupersededError: nobody wants the model any more.
        """
        engine, slot, unit = self._engine, self.slot, self.unit
        with engine.lock:
            engine.check_open(slot)
            if self._is_overtaken() or self.is_unwanted:
                raise SupersededError(slot.name, _OVERTAKEN)
            slot.last_number += 1
            version = Version(
                name=slot.name,
                variant=slot.variant,
                number=slot.last_number,
                reference=unit.reference,
                kind=facts.kind,
                fingerprint=facts.fingerprint,
                device=str(getattr(model, "device", self.device.name)),
                copy=slot.copy,
            )
            generation = Generation(
                version=version,
                facts=facts,
                model=model,
                unit=unit,
                slot=slot,
                memory_bytes=n_bytes,
                now_s=engine.clock(),
            )
            self.device.ledger.hand_over(self, generation, n_bytes)
            if not self.holds:
                # A setting may have changed meanwhile.
                engine.switch(slot, generation, unit if self.is_swap else slot.unit)
                generation.unit = slot.unit
            self._grant(generation)
        return generation

    def _tell_loaded(self, generation: Generation, *, differs: bool, seconds: float) -> None:
        """Count a load, and tell what has been loaded and what it replaces."""
        engine, slot, version = self._engine, self.slot, generation.version
        engine.metrics.add("loads", generation.labels_of_metrics)
        engine.metrics.time("load_s", generation.labels_of_metrics, seconds)
        if differs:
            engine.events.add(
                "different_vectors",
                slot.name,
                old=self._old.facts.fingerprint if self._old else None,
                new=version.fingerprint,
            )
        engine.events.add(
            "loaded",
            slot.name,
            variant=slot.variant,
            version=version.number,
            reference=version.reference,
            fingerprint=version.fingerprint,
            memory_bytes=generation.memory_bytes,
            seconds=round(seconds, 3),
        )
        if self._old is not None and self.is_swap and not self.holds:
            engine.tell_swapped(self._old.version, version)

    def _grant(self, generation: Generation) -> None:
        """Give each caller that waits its lease, so that nobody can take the model from them."""
        if self.slot.loading is self:
            self.slot.loading = None
        generation.n_leases += self.n_waiters
        self.granted = generation

    def _measured(
        self, model: Any, before: DeviceMemory, after: DeviceMemory, most: tuple[float, int]
    ) -> int:
        """Return what a model takes.

        By how much the process grew also counts what other threads did meanwhile, and libraries
        that were imported late, so that it is bounded where the size of the weights is known.

        Args:
            model: the model.
            before: the memory before it was loaded.
            after: the memory now.
            most: the bound: a multiple of the weights, and bytes on top.
        """
        grown = max(0, after.own_bytes - before.own_bytes)
        weights = getattr(model, "memory_bytes", None)
        declared = self._need.n_bytes if self._need and self._need.origin == "declared" else 0
        if weights is None:
            return max(grown, declared)
        if declared or not weights:
            return max(int(weights), declared)
        times, more = most
        return max(int(weights), min(grown, int(times * weights) + more))

    def _fail(self, error: BaseException) -> None:
        engine, slot = self._engine, self.slot
        with engine.lock:
            engine.note_waiting(self, over=True)
            if self.future.done():
                return
            if slot.loading is self:
                slot.loading = None
            overtaken = isinstance(error, SupersededError) and not self.is_swap
            instead = slot.current if overtaken else None
            if instead is not None:
                # Those who waited get what has taken its place.
                self._grant(instead)
        if instead is not None:
            self.future.set_result(instead)
            engine.wake()
            return
        reported = self._reported(error)
        slot.last_error = str(reported)
        slot.failed_at_s = engine.clock()
        # Neither is a failure: somebody has decided that the model is not wanted any more.
        if not isinstance(error, SupersededError | PoolClosedError):
            engine.metrics.add("load_failures", (slot.name, slot.variant))
            engine.events.add(
                "swap_failed" if self.is_swap else "load_failed",
                slot.name,
                variant=slot.variant,
                reference=self.unit.reference,
                reason=str(reported),
                error=type(error).__name__,
            )
        if self._replaces and self._old is not None and not slot.removed:
            engine.restore(slot)
        self.future.set_exception(reported)
        engine.wake()

    def _reported(self, error: BaseException) -> Exception:
        if isinstance(error, PoolError):
            return error
        advice = error.advice if isinstance(error, HolotypeError) else None
        found = error.without_advice if isinstance(error, HolotypeError) else str(error)
        what = found or type(error).__name__
        # An error about the whole folder names it, as the sentence below does.
        for name in (self.unit.reference, self.unit.reference.removeprefix("local:")):
            what = what.removeprefix(f"{name}: ")
        if isinstance(error, MemoryError):
            what = f"the machine has no memory left ({what}); declare memory: for the model"
        reported = ModelLoadError(
            self.slot.name,
            f"could not be loaded from {self.unit.reference}: {what}",
            advice=advice,
        )
        reported.__cause__ = error
        return reported


def _gives_way(unit: Unit, kept: Unit) -> bool:
    """Whether a unit can be loaded with a low priority, and serve with the usual one.

    The threads of torch's products belong to the thread that calls, and end with the one that
    loads. What torch and tokenizers start once for the whole process, the model that serves has
    started. ONNX Runtime and OpenVINO start the threads that serve with the session, and custom
    classes may start any.
    """
    same = unit.backend, unit.device
    return unit.backend == "torch" and same == (kept.backend, kept.device)
