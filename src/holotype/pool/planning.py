"""What a load would need and whom it would unload; nothing is loaded or unloaded for the answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from holotype.pool.errors import mib
from holotype.pool.generation import Generation
from holotype.pool.sizes import Need, Origin
from holotype.pool.slot import Slot, Unit
from holotype.pool.victims import Resident, Unload, choose_victims

if TYPE_CHECKING:
    from holotype.pool.residents import Residents

Fits: TypeAlias = Literal["now", "after_unloading", "never"]
_ORDER: tuple[Fits, ...] = ("now", "after_unloading", "never")


def worst_fit(several: Iterable[Fits]) -> Fits:
    """Return the worst of several; of none, that everything fits now."""
    return _ORDER[max(map(_ORDER.index, several), default=0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """What the load of one variant would do; sizes are in bytes.

    Attributes:
        name: the name.
        variant: the variant.
        device: where it would be loaded.
        fits: whether it fits: at once, after others were unloaded, or not at all.
        need_bytes: what it takes.
        origin: where that number comes from.
        free_bytes: what is free on the device now, of the budget and of the machine.
        budget_bytes: what models may take there.
        would_unload: the names that would be unloaded for it, in this order.
        must_wait: whether calls on those must end first, or they are too young to be unloaded yet.
        why: why it never fits; empty if it does.
    """

    name: str
    variant: str
    device: str
    fits: Fits
    need_bytes: int
    origin: Origin
    free_bytes: int
    budget_bytes: int
    would_unload: tuple[str, ...] = ()
    must_wait: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlan:
    """What several loads would do together.

    Attributes:
        loads: each of them, in the order in which they would come; empty if all is loaded.
    """

    loads: tuple[LoadPlan, ...] = ()

    @property
    def fits(self) -> Fits:
        """Whether all of them fit; what is loaded already fits now."""
        return worst_fit(one.fits for one in self.loads)

    @property
    def need_bytes(self) -> int:
        """What all of them take."""
        return sum(one.need_bytes for one in self.loads)

    @property
    def free_bytes(self) -> int:
        """What is free now on the devices that they would be loaded on."""
        first = {one.device: one.free_bytes for one in reversed(self.loads)}
        return sum(first.values())

    @property
    def would_unload(self) -> tuple[str, ...]:
        """The names that would be unloaded for them."""
        return tuple(dict.fromkeys(name for one in self.loads for name in one.would_unload))

    @property
    def must_wait(self) -> bool:
        """Whether one of them would have to wait for the end of calls."""
        return any(one.must_wait for one in self.loads)


def plan_loads(
    engine: Residents, wanted: Iterable[tuple[Slot, Unit]], *, beside: bool
) -> MemoryPlan:
    """Plan loads one after the other, as if each had been carried out.

    What is not on this machine, and whose size nobody knows, is downloaded to learn it.

    Args:
        engine: the loaded models.
        wanted: the slots, and what would be loaded into them.
        beside: whether what the slots serve stays until the new model has been loaded.

    Raises:
        HolotypeError: a source cannot be opened.
    """
    loads: list[LoadPlan] = []
    taken: dict[str, int] = {}
    gone: set[Generation] = set()
    for slot, unit in wanted:
        device = engine.open_device(unit.device)
        need = unit.need()
        available = device.read().available_bytes
        with engine.lock:
            keeps = slot.current if beside else None
            residents = [one for one in device.residents() if one.key not in gone]
            freed = sum(one.memory_bytes for one in gone if one.unit.device == unit.device)
            plan, victims = _plan(
                slot,
                need,
                residents,
                keeps=keeps,
                device=device,
                free_bytes=min(device.ledger.free_bytes, available)
                + freed
                - taken.get(unit.device, 0),
                now_s=engine.clock(),
                settings=engine.settings,
            )
        loads.append(plan)
        gone.update(victims)
        taken[unit.device] = taken.get(unit.device, 0) + need.n_bytes
    return MemoryPlan(loads=tuple(loads))


def _plan(
    slot: Slot,
    need: Need,
    residents: list[Resident[Generation]],
    *,
    keeps: Generation | None,
    device: Any,
    free_bytes: int,
    now_s: float,
    settings: Any,
) -> tuple[LoadPlan, tuple[Generation, ...]]:
    plan = LoadPlan(
        name=slot.name,
        variant=slot.variant,
        device=device.name,
        fits="now",
        need_bytes=need.n_bytes,
        origin=need.origin,
        free_bytes=max(0, free_bytes),
        budget_bytes=device.ledger.budget_bytes,
    )
    held = sum(one.n_bytes for one in residents if one.pinned or one.key is keeps)
    if need.n_bytes > device.ledger.budget_bytes - held:
        why = f"models may take {mib(device.ledger.budget_bytes)}, of which {mib(held)} must stay"
        return replace(plan, fits="never", why=why), ()
    movable = [one for one in residents if one.key is not keeps]
    # First as things are; then as they will be when all calls have ended and none is too young.
    at_rest = [
        replace(one, leased=one.key.slot.current is not one.key, loaded_at_s=-inf)
        for one in movable
    ]
    for choices, must_wait in ((movable, False), (at_rest, True)):
        decision = choose_victims(
            choices,
            needed_bytes=need.n_bytes,
            free_bytes=free_bytes,
            now_s=now_s,
            min_resident_s=settings.min_resident_s,
            eviction=settings.eviction,
        )
        if isinstance(decision, Unload):
            names = tuple(dict.fromkeys(one.version.name for one in decision.victims))
            fits: Fits = "after_unloading" if names else "now"
            unloading = replace(plan, fits=fits, would_unload=names, must_wait=must_wait)
            return unloading, decision.victims
    why = f"{mib(need.n_bytes - free_bytes)} are missing, and other processes hold them"
    return replace(plan, fits="never", why=why), ()
