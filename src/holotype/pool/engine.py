"""What loads, swaps and evicts: the part of a pool that knows slots, not names.

Every decision is taken under one lock, which is held for as long as it takes to change some
numbers. Loading and closing happen on the thread of a device, without the lock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import TimeoutError as FutureTimeoutError
from copy import copy
from time import monotonic
from typing import Any

from holotype.deployment.document import PoolSettings, Swap
from holotype.pool.device import Trim
from holotype.pool.errors import (
    LoadingTimeoutError,
    ModelTooLargeError,
    PoolError,
    SickModelError,
    SupersededError,
)
from holotype.pool.generation import Generation, Lease, Version
from holotype.pool.loader import PRELOAD, REQUESTED, SWAP, Later
from holotype.pool.loading import LoadJob
from holotype.pool.memory import DeviceMemory, read_memory, trim
from holotype.pool.residents import Residents
from holotype.pool.sizes import Need, Sizes
from holotype.pool.slot import Slot, Unit
from holotype.pool.victims import NeverFits, Resident, Unload, Wait, choose_victims

_WAIT_FOR_MEMORY_S = 30.0
_MOST_NOT_FINITE = 3
_RETRY_S = 30.0


class Engine(Residents):
    """Loads models into slots, and gives leases."""

    def __init__(
        self,
        settings: PoolSettings,
        *,
        sizes: Sizes,
        clock: Callable[[], float] = monotonic,
        read_memory: Callable[[str], DeviceMemory] = read_memory,
        trim: Trim = trim,
    ) -> None:
        """Load nothing yet; see `Residents`."""
        super().__init__(settings, sizes=sizes, clock=clock, read_memory=read_memory, trim=trim)
        self._swaps: list[LoadJob] = []
        self._waiting_jobs: set[LoadJob] = set()

    def acquire(
        self, slot: Slot, deadline_s: float | None = None, *, awaited: LoadJob | None = None
    ) -> Lease[Any]:
        """Return a lease on what the slot serves, and load it first if nothing is loaded.

        Args:
            slot: the slot.
            deadline_s: until when to wait for a load, on the clock; None waits for its end.
            awaited: a load whose end the caller has waited for; if it failed, no other one is tried.

        Raises:
            PoolClosedError: the pool is closed.
            UnknownNameError: the slot is gone.
            SickModelError: the model returned NaN or infinity too often.
            LoadingTimeoutError: the model was not loaded in time. The load goes on.
            PoolError: it could not be loaded.
        """
        while True:
            with self.lock:
                generation = slot.current
                if generation is not None and not slot.is_sick:
                    generation.n_leases += 1
                    return Lease(generation, self)
                self.check_open(slot)
                if slot.is_sick and slot.loading is None:
                    raise _sick(slot)
                if awaited is not None and awaited.slot is slot and awaited.future.done():
                    self._raise_failure(awaited)
                job = self._request(slot, deadline_s)
                job.n_waiters += 1
            self.wake()
            lease = self._wait_for(job, deadline_s)
            if lease is not None:
                return lease
            awaited = None

    def request(self, slot: Slot, deadline_s: float | None) -> LoadJob | None:
        """Return the load that `acquire` would wait for; None if it would not wait."""
        with self.lock:
            if self._closed or slot.removed or slot.current is not None:
                return None
            if slot.is_sick and slot.loading is None:
                return None
            job = self._request(slot, deadline_s)
        self.wake()
        return job

    def _request(self, slot: Slot, deadline_s: float | None) -> LoadJob:
        job = slot.loading or self._queue_load(slot, REQUESTED)
        job.priority = min(job.priority, REQUESTED)
        if deadline_s is not None:
            job.deadline_s = max(job.deadline_s, deadline_s)
        return job

    def _queue_load(self, slot: Slot, priority: int) -> LoadJob:
        device = self._devices[slot.unit.device]
        device.loader.require_thread(slot.name)
        deadline_s = self.clock() + _WAIT_FOR_MEMORY_S
        job = LoadJob(self, slot, slot.unit, device, priority=priority, deadline_s=deadline_s)
        slot.loading = job
        device.loader.submit(job)
        return job

    def _wait_for(self, job: LoadJob, deadline_s: float | None) -> Lease[Any] | None:
        """Return the lease that a load grants; None to look at the slot again."""
        began_s = self.clock()
        try:
            timeout_s = None if deadline_s is None else max(0.0, deadline_s - self.clock())
            generation = job.future.result(timeout_s)
        except FutureTimeoutError as error:
            if job.future.done() and job.future.exception() is not None:
                self._raise_failure(job)
                return None
            with self.lock:
                if job.granted is None:
                    job.n_waiters -= 1
                    raise LoadingTimeoutError(
                        job.slot.name,
                        f"was not loaded in time from {job.unit.reference}; the load goes on",
                        1.0,
                    ) from error
                generation = job.granted
        except PoolError:
            self._raise_failure(job)
            return None
        except BaseException:
            # The caller is interrupted, not the load.
            with self.lock:
                granted = job.granted
                job.n_waiters -= 1
            if granted is not None:
                Lease(granted, self).end()
            raise
        self.metrics.time("wait_s", generation.labels_of_metrics, self.clock() - began_s)
        return Lease(generation, self)

    def _raise_failure(self, job: LoadJob) -> None:
        """Raise a load's error for one more caller; a swap that failed is none of its concern."""
        error = job.future.exception()
        if job.is_swap or error is None or isinstance(error, SupersededError):
            return
        # One exception must not be raised on many threads at once.
        own = copy(error)
        if isinstance(own, PoolError):
            own.load = job.order
        raise own from error.__cause__

    def note_not_finite(self, generation: Generation) -> None:
        """Count an answer with NaN or infinity; three in a row, and the model is not called."""
        slot: Slot = generation.slot
        with self.lock:
            if slot.current is not generation:
                return
            slot.n_not_finite += 1
            slot.is_sick = slot.n_not_finite >= _MOST_NOT_FINITE
            is_sick = slot.is_sick
        if is_sick:
            self.events.add("sick", slot.name, variant=slot.variant, version=slot.last_number)

    def note_finite(self, generation: Generation) -> None:
        """Begin to count from zero."""
        slot: Slot = generation.slot
        if slot.n_not_finite and slot.current is generation and not slot.is_sick:
            slot.n_not_finite = 0

    def load(self, slot: Slot, *, urgent: bool = True) -> LoadJob | None:
        """Load what the slot serves unless it is loaded; return the load, if there is one."""
        with self.lock:
            self.check_open(slot)
            if slot.current is not None:
                if not slot.is_sick:
                    return None
                self.retire(slot.current)
            if slot.loading is not None:
                return slot.loading
            return self._queue_load(slot, REQUESTED if urgent else PRELOAD)

    def load_another(self, slot: Slot) -> None:
        """Load one more copy of what is busy elsewhere, unless that has just failed."""
        with self.lock:
            failed_at_s = slot.failed_at_s
            recent = failed_at_s is not None and self.clock() < failed_at_s + _RETRY_S
            if recent or slot.current or slot.loading or slot.removed or self._closed:
                return
            self._queue_load(slot, PRELOAD)

    def swap(
        self,
        slot: Slot,
        unit: Unit,
        *,
        mode: Swap = "overlap",
        timeout_s: float = 60.0,
        holds: bool = False,
    ) -> LoadJob:
        """Load another unit, and let it take over once it is checked; the old one drains.

        Swaps of the slot that have not begun are superseded.

        Args:
            slot: the slot.
            unit: what to load.
            mode: see `PoolSettings.swap`.
            timeout_s: how long to wait for memory.
            holds: whether to keep it apart until `commit`.
        """
        device = self.open_device(unit.device)
        device.loader.require_thread(slot.name)
        with self.lock:
            self.check_open(slot)
            deadline_s = self.clock() + timeout_s
            job = LoadJob(
                self,
                slot,
                unit,
                device,
                priority=SWAP,
                deadline_s=deadline_s,
                mode=mode,
                holds=holds,
            )
            self._swaps = [other for other in self._swaps if not other.future.done()]
            older = [other for other in self._swaps if other.slot is slot]
            self._swaps.append(job)
        for other in older:
            if other.device.loader.withdraw(other):
                other.supersede()
        device.loader.submit(job)
        return job

    def commit(self, jobs: Iterable[LoadJob]) -> None:
        """Switch several slots at once to what was loaded for them with `holds`.

        Raises:
            PoolClosedError: the pool has been closed; nothing has changed.
        """
        versions: list[tuple[Version | None, Version]] = []
        held = tuple(jobs)
        with self.lock:
            for job in held:
                self.check_open(job.slot)
            for job in held:
                generation = job.future.result(0)
                old = job.slot.current
                self.switch(job.slot, generation, job.unit)
                versions.append((None if old is None else old.version, generation.version))
        for before, after in versions:
            if before is not None:
                self.tell_swapped(before, after)

    def discard(self, jobs: Iterable[LoadJob]) -> None:
        """Close what was loaded with `holds` and is not wanted, or is still being loaded."""
        with self.lock:
            for job in jobs:
                job.is_unwanted = True
                if job.future.done() and job.future.exception() is None:
                    self.retire(job.future.result(0))

    def restore(self, slot: Slot) -> None:
        """Load what the slot served before a failed replacement."""
        with self.lock:
            if self._closed or slot.removed or slot.current or slot.loading:
                return
            self._queue_load(slot, REQUESTED)
        self.events.add("restored", slot.name, variant=slot.variant, reference=slot.unit.reference)

    def tell_swapped(self, old: Version, new: Version) -> None:
        """Write a swap down."""
        self.metrics.add("swaps", (new.name, new.variant))
        self.events.add(
            "swapped",
            new.name,
            variant=new.variant,
            old=old.number,
            new=new.number,
            old_fingerprint=old.fingerprint,
            new_fingerprint=new.fingerprint,
        )

    def make_room(self, job: LoadJob, need: Need) -> Later | None:
        """Reserve memory for a load, and unload others for it; on the thread of the device.

        Returns:
            None once the memory is reserved, else when to try again.

        Raises:
            ModelTooLargeError: it can never fit; nobody has been unloaded.
        """
        device = job.device
        while True:
            memory = device.read()
            with self.lock:
                self.check_open(job.slot)
                residents = self.check_fits(job, need)
                decision = choose_victims(
                    residents,
                    needed_bytes=need.n_bytes,
                    free_bytes=min(device.ledger.free_bytes, memory.available_bytes),
                    now_s=self.clock(),
                    min_resident_s=self.settings.min_resident_s,
                    eviction=self.settings.eviction,
                )
                if isinstance(decision, Unload) and not decision.victims:
                    device.ledger.reserve(job, need.n_bytes)
                    self.note_waiting(job, over=True)
                    return None
                if isinstance(decision, Unload):
                    for victim in decision.victims:
                        victim.slot.evicted_for = job.slot.name
                        self._retire(victim)
            if isinstance(decision, Wait):
                return Later(decision.until_s)
            if isinstance(decision, NeverFits):
                # Somebody else has the memory of the machine, or has not given it back yet.
                return Later(self.clock() + 1.0)
            for victim in decision.victims:
                self.metrics.add("evictions", victim.labels_of_metrics)
                self.events.add(
                    "evicted",
                    victim.version.name,
                    variant=victim.version.variant,
                    version=victim.version.number,
                    by=job.slot.name,
                    because=f"{need.origin} size",
                    needed_bytes=need.n_bytes,
                    freed_bytes=victim.memory_bytes,
                    budget_bytes=device.ledger.budget_bytes,
                    held_bytes=device.ledger.held_bytes,
                    available_bytes=memory.available_bytes,
                )
            self.close(decision.victims)

    def check_fits(self, job: LoadJob, need: Need) -> list[Resident[Generation]]:
        """Return what could be unloaded for a load, and what may not; the lock is held.

        Raises:
            ModelTooLargeError: it can never fit.
        """
        device, keeps = job.device, job.keeps
        residents = [one for one in device.residents() if one.key is not keeps]
        held = sum(one.n_bytes for one in residents if one.pinned and one.key.slot is not job.slot)
        held += 0 if keeps is None else device.ledger.bytes_of(keeps)
        if need.n_bytes > device.ledger.budget_bytes - held:
            raise ModelTooLargeError(
                job.slot.name,
                device=device.name,
                needed_bytes=need.n_bytes,
                budget_bytes=device.ledger.budget_bytes,
                held_bytes=held,
            )
        return residents

    def note_waiting(self, job: LoadJob, *, over: bool = False) -> None:
        """Remember that a load waits for memory, or does not any more; the lock is held."""
        if over:
            self._waiting_jobs.discard(job)
        else:
            self._waiting_jobs.add(job)
        self.waiting = bool(self._waiting_jobs)


def _sick(slot: Slot) -> SickModelError:
    return SickModelError(
        slot.name,
        f"returned NaN or infinity {_MOST_NOT_FINITE} times in a row and is not called any more; "
        "swap it, or reload it",
    )
