"""What is loaded on the devices of a pool, until it is closed.

A slot's generation is retired when it is replaced, unloaded or evicted. It is closed on the thread of
its device once nobody holds it, and what it gave back is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from threading import Lock
from time import monotonic
from typing import Any

from holotype.deployment.document import PoolSettings
from holotype.pool.device import Device, Trim
from holotype.pool.ending import end_with_process
from holotype.pool.errors import PoolClosedError, UnknownNameError
from holotype.pool.events import Events
from holotype.pool.generation import Generation, Home
from holotype.pool.loader import CHORE, CLOSING, Job, Later
from holotype.pool.memory import DeviceMemory, read_memory, trim
from holotype.pool.metrics import Metrics
from holotype.pool.sizes import Sizes
from holotype.pool.slot import Slot, Unit


class Residents(Home):
    """The loaded models of a pool.

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
        self._closed = False
        end_with_process(self)

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

    def devices(self) -> Iterator[Device]:
        """Yield the devices that something was loaded on."""
        with self.lock:
            found = tuple(self._devices.values())
        yield from found

    def wake(self) -> None:
        """Try again what waits."""
        for device in tuple(self._devices.values()):
            device.loader.wake()

    def apply(self, settings: PoolSettings) -> None:
        """Share the machine in another way from now on."""
        with self.lock:
            self.settings = settings
            for device in self._devices.values():
                device.limit(settings.limit(device.name))
        self.wake()

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

    def switch(self, slot: Slot, generation: Generation, unit: Unit) -> None:
        """Let a generation take over; the lock is held."""
        old, slot.current, slot.unit = slot.current, generation, unit
        slot.last = generation
        slot.last_error = slot.failed_at_s = None
        slot.n_not_finite, slot.is_sick = 0, False
        slot.evicted_for, slot.went_idle = None, False
        if old is not None and old is not generation:
            self.retire(old)

    def unload(self, slot: Slot) -> Generation | None:
        """Retire what the slot serves; it is closed once no call runs on it. None if nothing is."""
        with self.lock:
            generation = slot.current
            if generation is not None:
                self._device_of(generation).loader.require_thread(slot.name)
                self.retire(generation)
        return generation

    def remove(self, slot: Slot) -> None:
        """Retire what the slot serves, and load nothing more into it."""
        with self.lock:
            slot.removed = True
            if slot.current is not None:
                self.retire(slot.current)
        self.wake()

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
        shared_bytes = sum(map(_may_be_shared, closing))
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
            returned = device.note_return(before, after, expected, shared_bytes)
        for one in closing:
            self.metrics.add("unloads", one.labels_of_metrics)
            self.events.add(
                "unloaded",
                one.version.name,
                variant=one.version.variant,
                version=one.version.number,
                memory_bytes=one.memory_bytes,
            )
        # A pool that ends lends nothing any more: what its process keeps is nobody's loss.
        if returned.missing_bytes and not self._closed:
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
                    one.key.slot.went_idle = True
                    self.retire(one.key)
                else:
                    due.append(at_s)
        return min(due, default=None)

    def on_unused(self, generation: Generation) -> None:
        """Close what was retired, or try again what waited for memory."""
        if generation.state == "draining":
            with self.lock:
                self._close_if_unused(generation)
        else:
            self.wake()

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
        left_s = None if ends_s is None else max(0.0, ends_s - monotonic())
        return self.join(left_s) and done

    @property
    def is_elsewhere(self) -> bool:
        """Whether this is a copy in a fork; models and threads are then another process's."""
        return any(device.loader.is_elsewhere for device in tuple(self._devices.values()))

    def refuse(self) -> None:
        """Give no more leases, and load nothing more; what is being loaded, or closed, goes on."""
        with self.lock:
            self._closed = True
        for device in tuple(self._devices.values()):
            device.loader.stop(PoolClosedError())

    def join(self, timeout_s: float | None) -> bool:
        """Wait until the threads that load and close have ended; return whether they have."""
        ends_s = None if timeout_s is None else monotonic() + timeout_s
        done = True
        for device in tuple(self._devices.values()):
            left_s = None if ends_s is None else max(0.0, ends_s - monotonic())
            done = device.loader.join(left_s) and done
        return done


def _may_be_shared(generation: Generation) -> int:
    """Return how many bytes of a model its successor may hold, too: all that are no weights.

    Versions of one model mostly share a tokenizer.
    """
    weights = getattr(generation.model, "memory_bytes", None)
    if weights is None or generation.slot.current is None:
        return 0
    return max(0, generation.memory_bytes - int(weights))


class CloseJob(Job):
    """Closes a retired generation that nobody holds any more."""

    def __init__(self, residents: Residents, generation: Generation) -> None:
        """Prepare to close it."""
        super().__init__(CLOSING)
        self._residents = residents
        self._generation = generation

    def attempt(self) -> None:
        """Close it and measure what came back."""
        self._residents.close([self._generation])

    def abandon(self, error: Exception) -> None:
        """Nobody waits for it."""


class _IdleChore(Job):
    """Unloads what nobody has called for long, whenever the loader looks at its queue."""

    def __init__(self, residents: Residents, device: Device) -> None:
        super().__init__(CHORE)
        self._residents = residents
        self._device = device

    def attempt(self) -> Later:
        return Later(self._residents.unload_idle(self._device))

    def abandon(self, error: Exception) -> None:
        pass
