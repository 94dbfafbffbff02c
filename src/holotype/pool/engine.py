"""What loads, swaps, evicts and closes: the part of a pool that knows slots, not names.

Every decision is taken under one lock, which is held for as long as it takes to change some
numbers. Loading and closing happen on the thread of a device, without the lock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import TimeoutError as FutureTimeoutError
from copy import copy
from threading import Lock
from time import monotonic
from typing import Any

from holotype.deployment.document import PoolSettings, Swap
from holotype.pool.device import Device, Trim
from holotype.pool.errors import (
    LoadingTimeoutError,
    ModelTooLargeError,
    PoolClosedError,
    PoolError,
    SickModelError,
    UnknownNameError,
)
from holotype.pool.events import Events
from holotype.pool.generation import Generation, Home, Lease, Version
from holotype.pool.loader import CHORE, PRELOAD, REQUESTED, SWAP, Job, Later
from holotype.pool.loading import CloseJob, LoadJob
from holotype.pool.memory import DeviceMemory, read_memory, trim
from holotype.pool.metrics import Metrics
from holotype.pool.sizes import Need, Sizes
from holotype.pool.slot import Slot, Unit
from holotype.pool.victims import NeverFits, Resident, Unload, Wait, choose_victims

_WAIT_FOR_MEMORY_S = 30.0
_MOST_NOT_FINITE = 3


class Engine(Home):
    """Loads models into slots, and gives leases.

    Attributes:
        settings: how models share the machine.
        events: what happens.
        metrics: what is counted.
        sizes: how large models were when they were loaded before.
    """

    def __init__(
        self,
        settings: PoolSettings,
        *,
        sizes: Sizes,
        clock: Callable[[], float] = monotonic,
        read_memory: Callable[[str], DeviceMemory] = read_memory,
        trim: Trim = trim,
    ) -> None:
        """Load nothing yet.

        Args:
            settings: how models share the machine.
            sizes: where measured sizes are remembered.
            clock: seconds that only grow.
            read_memory: measures a device.
            trim: gives freed memory back to the system.
        """
        super().__init__(clock)
        self.settings = settings
        self.events = Events()
        self.metrics = Metrics()
        self.sizes = sizes
        self._read_memory = read_memory
        self._trim = trim
        self._devices: dict[str, Device] = {}
        self._opening = Lock()
        self._swaps: list[LoadJob] = []
        self._waiting_jobs: set[LoadJob] = set()
        self._closed = False

    # -- calls ---------------------------------------------------------------------------------

    def acquire(self, slot: Slot, deadline_s: float | None = None) -> Lease[Any]:
        """Return a lease on what the slot serves, and load it first if nothing is loaded.

        Args:
            slot: the slot.
            deadline_s: until when to wait for a load, on the clock; None waits for its end.

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
                job = slot.loading or self._request(slot)
                job.n_waiters += 1
                job.priority = min(job.priority, REQUESTED)
                if deadline_s is not None:
                    job.deadline_s = max(job.deadline_s, deadline_s)
            self.wake()
            lease = self._wait_for(job, deadline_s)
            if lease is not None:
                return lease

    def _request(self, slot: Slot) -> LoadJob:
        return self._queue_load(slot, REQUESTED)

    def _queue_load(self, slot: Slot, priority: int) -> LoadJob:
        device = self._devices[slot.unit.device]
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
        if job.is_swap or error is None:
            return
        # One exception must not be raised on many threads at once.
        raise copy(error) from error.__cause__

    def on_unused(self, generation: Generation) -> None:
        """Close what was retired, or try again what waited for memory."""
        if generation.state == "draining":
            with self.lock:
                self._close_if_unused(generation)
        else:
            self.wake()

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

    # -- loads ---------------------------------------------------------------------------------

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
        """Switch several slots at once to what was loaded for them with `holds`."""
        versions: list[tuple[Version | None, Version]] = []
        with self.lock:
            for job in jobs:
                generation = job.future.result(0)
                old = job.slot.current
                self.switch(job.slot, generation, job.unit)
                versions.append((None if old is None else old.version, generation.version))
        for before, after in versions:
            if before is not None:
                self.tell_swapped(before, after)

    def discard(self, jobs: Iterable[LoadJob]) -> None:
        """Close what was loaded with `holds` and is not wanted."""
        with self.lock:
            for job in jobs:
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
        self.metrics.add("swaps", (new.name, new.variant, new.number))
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

    # -- unloading -----------------------------------------------------------------------------

    def unload(self, slot: Slot) -> Generation | None:
        """Retire what the slot serves; it is closed once no call runs on it. None if nothing is."""
        with self.lock:
            generation = slot.current
            if generation is not None:
                self.retire(generation)
        return generation

    def remove(self, slot: Slot) -> None:
        """Retire what the slot serves, and load nothing more into it."""
        with self.lock:
            slot.removed = True
            if slot.current is not None:
                self.retire(slot.current)
        self.wake()

    def switch(self, slot: Slot, generation: Generation, unit: Unit) -> None:
        """Let a generation take over; the lock is held."""
        old, slot.current, slot.unit = slot.current, generation, unit
        slot.last = generation
        slot.last_error = None
        slot.n_not_finite, slot.is_sick = 0, False
        if old is not None and old is not generation:
            self.retire(old)

    def retire(self, generation: Generation) -> None:
        """Give no more leases on a generation, and close it after the last; the lock is held."""
        self._retire(generation)
        self._close_if_unused(generation)

    def _retire(self, generation: Generation) -> None:
        slot: Slot = generation.slot
        if generation.state != "ready":
            return
        generation.state = "draining"
        slot.draining.add(generation)
        if slot.current is generation:
            slot.current = None

    def _close_if_unused(self, generation: Generation) -> None:
        if generation.state == "draining" and generation.n_leases == 0:
            device = self._device_of(generation)
            device.loader.submit(CloseJob(self, generation))

    def _device_of(self, generation: Generation) -> Device:
        for device in self._devices.values():
            if any(holder is generation for holder, _ in device.ledger.holders()):
                return device
        raise LookupError(f"no device holds {generation!r}")

    def close(self, generations: Iterable[Generation]) -> None:
        """Close retired generations that nobody holds, and measure; on the thread of the device."""
        with self.lock:
            closing = [one for one in generations if one.state == "draining" and one.n_leases == 0]
            if not closing:
                return
            device = self._device_of(closing[0])
            for one in closing:
                one.state = "closed"
        before = device.read()
        for one in closing:
            model, one.model = one.model, None
            self.close_model(model, one.version.name)
            del model
        after = device.trim()
        with self.lock:
            expected = 0
            for one in closing:
                one.slot.draining.discard(one)
                expected += device.ledger.release(one)
            returned = device.note_return(before, after, expected)
        for one in closing:
            self.metrics.add("unloads", one.labels_of_metrics)
            self.events.add(
                "unloaded",
                one.version.name,
                variant=one.version.variant,
                version=one.version.number,
                memory_bytes=one.memory_bytes,
            )
        if returned.missing_bytes:
            self.events.add(
                "memory_not_returned",
                closing[0].version.name,
                expected_bytes=returned.expected_bytes,
                returned_bytes=returned.returned_bytes,
                missing_bytes=returned.missing_bytes,
                counted_bytes=device.ledger.unreturned_bytes,
            )
        for one in closing:
            one.closed.set()
        self.wake()

    def close_model(self, model: Any, name: str) -> None:
        """Close a model, if it can be closed; what it raises is written down."""
        close = getattr(model, "close", None)
        if close is None:
            return
        try:
            close()
        except Exception as error:
            self.events.add("unloaded", name, reason=f"close() raised {error!r}")

    # -- the pool ------------------------------------------------------------------------------

    def check_open(self, slot: Slot) -> None:
        """Refuse a call of what is gone; the lock is held.

        Raises:
            PoolClosedError: the pool is closed.
            UnknownNameError: the slot is gone.
        """
        if self._closed:
            raise PoolClosedError(slot.name)
        if slot.removed:
            raise UnknownNameError(slot.name, ())

    def open_device(self, name: str) -> Device:
        """Return a device, and measure it at the first time; the lock is not held.

        Raises:
            ValueError: there is no such device.
        """
        with self._opening:
            device = self._devices.get(name)
            if device is None:
                device = Device(
                    name,
                    self.settings.limit(name),
                    clock=self.clock,
                    read_memory=self._read_memory,
                    trim=self._trim,
                )
                self._devices[name] = device
                device.loader.submit(_IdleChore(self, device))
        return device

    def apply(self, settings: PoolSettings) -> None:
        """Share the machine in another way from now on."""
        with self.lock:
            self.settings = settings
            for device in self._devices.values():
                device.limit(settings.limit(device.name))
        self.wake()

    def devices(self) -> Iterator[Device]:
        """Yield the devices that something was loaded on."""
        with self.lock:
            found = tuple(self._devices.values())
        yield from found

    def wake(self) -> None:
        """Try again what waits."""
        for device in tuple(self._devices.values()):
            device.loader.wake()

    def unload_idle(self, device: Device) -> float | None:
        """Retire what nobody has called for long; return when the next one will be due."""
        idle_after_s = self.settings.idle_after_s
        if idle_after_s is None:
            return None
        due: list[float] = []
        with self.lock:
            now_s = self.clock()
            for one in tuple(device.residents()):
                if one.leased or one.pinned or one.key.state != "ready":
                    continue
                at_s = max(one.used_at_s, one.loaded_at_s) + idle_after_s
                if at_s <= now_s:
                    self.retire(one.key)
                else:
                    due.append(at_s)
        return min(due, default=None)

    def stop(self, drain_s: float | None, slots: Iterable[Slot]) -> bool:
        """Give no more leases, wait for those that there are, and close everything.

        Args:
            drain_s: how long to wait; what is still leased then is closed when its lease ends.
            slots: all slots.

        Returns:
            Whether everything was closed.
        """
        with self.lock:
            self._closed = True
            waiting: list[Generation] = []
            for slot in slots:
                if slot.current is not None:
                    self.retire(slot.current)
            for device in self._devices.values():
                waiting += [one.key for one in device.residents()]
            for generation in waiting:
                if generation.state == "ready":
                    self.retire(generation)
        for device in tuple(self._devices.values()):
            device.loader.stop(PoolClosedError())
        ends_s = None if drain_s is None else monotonic() + drain_s
        done = True
        for generation in waiting:
            left_s = None if ends_s is None else max(0.0, ends_s - monotonic())
            done = generation.closed.wait(left_s) and done
        for device in tuple(self._devices.values()):
            left_s = None if ends_s is None else max(0.0, ends_s - monotonic())
            done = device.loader.join(left_s) and done
        return done


class _IdleChore(Job):
    """Unloads what nobody has called for long, whenever the loader looks at its queue."""

    def __init__(self, engine: Engine, device: Device) -> None:
        super().__init__(CHORE)
        self._engine = engine
        self._device = device

    def attempt(self) -> Later:
        return Later(self._engine.unload_idle(self._device))

    def abandon(self, error: Exception) -> None:
        pass


def _sick(slot: Slot) -> SickModelError:
    return SickModelError(
        slot.name,
        f"returned NaN or infinity {_MOST_NOT_FINITE} times in a row and is not called any more; "
        "swap it, or reload it",
    )
