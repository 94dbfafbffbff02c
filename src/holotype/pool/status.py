"""What a pool shows of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from holotype.pool.generation import Version

BORROWED = "(borrowed)"
"""The name of models that serve nobody, in events and metrics; none of a deployment can have it."""

ModelState: TypeAlias = Literal["cold", "loading", "ready", "sick"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantStatus:
    """One copy of one variant of one name.

    Attributes:
        name: the name.
        variant: the variant.
        weight: its share of the calls.
        state: ``"cold"`` is not loaded; ``"sick"`` returned NaN too often.
        reference: where it comes from.
        version: what serves; None if nothing does.
        memory_bytes: what that holds.
        n_leases: how many calls run on it.
        n_draining: how many older generations wait for the end of their calls.
        pinned: whether it stays loaded.
        breaker: whether calls get through.
        loaded_for_s: seconds since it was loaded; None if it is not.
        idle_for_s: seconds since the last call; None if it is not loaded.
        last_error: why the last load failed; None after a success.
        copy: the number of the copy, from 1.
        evicted_for: the name of the model that it was unloaded for; None if it is loaded, or was
            not unloaded for another.
        went_idle: whether it was unloaded since nobody called it.
    """

    name: str
    variant: str
    weight: float
    state: ModelState
    reference: str
    version: Version | None
    memory_bytes: int
    n_leases: int
    n_draining: int
    pinned: bool
    breaker: Literal["closed", "open", "half-open"]
    loaded_for_s: float | None
    idle_for_s: float | None
    last_error: str | None
    copy: int = 1
    evicted_for: str | None = None
    went_idle: bool = False

    @property
    def problem(self) -> str | None:
        """Why calls cannot run on it now; None if it is ready."""
        if self.state == "ready":
            return None
        if self.state == "sick":
            return f"{self.name!r} returned NaN or infinity and is not called"
        because = f": {self.last_error}" if self.last_error else ""
        if self.state == "cold" and self.evicted_for is not None and not because:
            other = repr(self.evicted_for)
            if self.evicted_for == BORROWED:
                other = "one that was checked or measured"
            because = (
                f": it was unloaded for {other}; raise pool.memory, or preload no more "
                "than fits, and pin what has to stay"
            )
        return f"{self.name!r} is {self.state}{because}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceStatus:
    """The memory of a device, in bytes.

    Attributes:
        name: the device.
        total_bytes: what it has, or what the container may use.
        budget_bytes: what models may take.
        held_bytes: what loaded and loading models take.
        unreturned_bytes: what unloaded models did not give back; it counts as taken.
        available_bytes: what the system says that is available.
        loading: the name that is being loaded; None if none is.
        loading_for_s: for how many seconds; a load that takes far longer than before is stuck.
    """

    name: str
    total_bytes: int
    budget_bytes: int
    held_bytes: int
    unreturned_bytes: int
    available_bytes: int
    loading: str | None = None
    loading_for_s: float | None = None

    @property
    def free_bytes(self) -> int:
        """What is left of the budget."""
        return self.budget_bytes - self.held_bytes - self.unreturned_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolStatus:
    """A pool at one moment.

    Attributes:
        models: every variant of every name, in the order of the deployment.
        ensembles: the names that combine others.
        devices: the devices that something was loaded on.
    """

    models: tuple[VariantStatus, ...]
    ensembles: tuple[str, ...]
    devices: tuple[DeviceStatus, ...]

    def of(self, name: str) -> tuple[VariantStatus, ...]:
        """Return the variants of a name."""
        return tuple(one for one in self.models if one.name == name)
