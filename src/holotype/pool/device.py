"""One device of a pool: its ledger, its loader, and what its memory is like now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from holotype.deployment.document import MemoryLimit
from holotype.pool.generation import Generation
from holotype.pool.loader import Loader
from holotype.pool.memory import DeviceMemory, Ledger
from holotype.pool.victims import Resident

_NOISE_BYTES = 16 * 1024 * 1024
_NOISE_SHARE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """How much of the memory of unloaded models came back, in bytes.

    Attributes:
        expected_bytes: what they held.
        returned_bytes: by how much the process became smaller.
        missing_bytes: the difference, where it is more than noise; else 0.
    """

    expected_bytes: int
    returned_bytes: int
    missing_bytes: int


class Trim(Protocol):
    """Returns freed memory; see `holotype.pool.memory.trim`."""

    def __call__(self, device: str, *, collect: bool = True) -> None:
        """Return the freed memory of a device."""


class Device:
    """A device on which models are loaded.

    Attributes:
        name: its name, as torch has it.
        ledger: who holds how much of it. Guarded by the pool's lock.
        loader: the thread that loads and closes.
        loading: the name of the model that is being loaded; None if none is.
    """

    def __init__(
        self,
        name: str,
        limit: MemoryLimit,
        *,
        clock: Callable[[], float],
        read_memory: Callable[[str], DeviceMemory],
        trim: Trim,
    ) -> None:
        """Measure the device."""
        self.name = name
        self._read_memory = read_memory
        self._trim = trim
        memory = read_memory(name)
        self._own_bytes_at_start = memory.own_bytes
        self.total_bytes = memory.total_bytes
        self.ledger = Ledger(name, limit.of(memory.total_bytes))
        self.loader = Loader(name, clock)
        self.loading: str | None = None
        self._loading_since_s = 0.0

    def limit(self, limit: MemoryLimit) -> None:
        """Change how much models may take. Call it under the pool's lock."""
        self.ledger.budget_bytes = limit.of(self.total_bytes)

    def begin_load(self, name: str, now_s: float) -> None:
        """Note what is being loaded; on the thread of the device."""
        self._loading_since_s = now_s
        self.loading = name

    def end_load(self) -> None:
        """Note that nothing is; on the thread of the device."""
        self.loading = None

    def loading_for_s(self, now_s: float) -> float | None:
        """Return for how many seconds something is being loaded; None if nothing is."""
        return None if self.loading is None else max(0.0, now_s - self._loading_since_s)

    def read(self) -> DeviceMemory:
        """Measure the device's memory now."""
        return self._read_memory(self.name)

    def residents(self) -> Iterator[Resident[Generation]]:
        """Yield what is loaded here, or drains. Call it under the pool's lock."""
        for holder, n_bytes in self.ledger.holders():
            if isinstance(holder, Generation):
                yield Resident(
                    key=holder,
                    n_bytes=n_bytes,
                    loaded_at_s=holder.loaded_at_s,
                    used_at_s=holder.used_at_s,
                    # What is loaded and not switched to yet is no victim either.
                    leased=holder.n_leases > 0 or holder.slot.current is not holder,
                    pinned=holder.slot.pinned and holder.state == "ready",
                )

    def trim(self, *, collect: bool = True) -> DeviceMemory:
        """Return freed memory to the system, and measure what is left; see `trim`."""
        self._trim(self.name, collect=collect)
        return self._read_memory(self.name)

    def note_return(
        self,
        before: DeviceMemory,
        after: DeviceMemory,
        expected_bytes: int,
        shared_bytes: int = 0,
    ) -> Returned:
        """Compare what models held with what came back. Call it under the pool's lock.

        Args:
            before: the memory before they were closed.
            after: the memory after they were closed and trimmed.
            expected_bytes: what they held; the ledger has struck it out already.
            shared_bytes: how much of it others may hold, too; it is not missing if it stays.
        """
        returned = before.own_bytes - after.own_bytes
        unexplained = after.own_bytes - self._own_bytes_at_start - self.ledger.held_bytes
        missing = self.ledger.note_return(
            expected_bytes=expected_bytes, returned_bytes=returned, unexplained_bytes=unexplained
        )
        # Other threads move a process by some MiB at any moment.
        noise = shared_bytes + max(_NOISE_BYTES, int(expected_bytes * _NOISE_SHARE))
        return Returned(
            expected_bytes=expected_bytes,
            returned_bytes=returned,
            missing_bytes=missing if missing > noise else 0,
        )
