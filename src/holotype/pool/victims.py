"""Whom to unload so that another model fits: a pure function of what is loaded."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from holotype.deployment.document import Eviction

KeyT = TypeVar("KeyT", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resident(Generic[KeyT]):
    """A model on the device.

    Attributes:
        key: what tells it from the others.
        n_bytes: what it holds.
        loaded_at_s: when it was loaded.
        used_at_s: when it was last called.
        leased: whether a call runs on it, or it drains.
        pinned: whether it may never be unloaded for another model.
    """

    key: KeyT
    n_bytes: int
    loaded_at_s: float
    used_at_s: float
    leased: bool = False
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Unload(Generic[KeyT]):
    """These are unloaded, in this order; none if there is room."""

    victims: tuple[KeyT, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """It would fit if calls ended, or models grew older.

    Attributes:
        until_s: when the next model is old enough; None if only the end of a call helps.
    """

    until_s: float | None


@dataclass(frozen=True, slots=True)
class NeverFits:
    """It would not fit if all were unloaded that may be.

    Attributes:
        held_bytes: what may not be unloaded.
    """

    held_bytes: int


Decision: TypeAlias = Unload[KeyT] | Wait | NeverFits


def choose_victims(
    residents: Iterable[Resident[KeyT]],
    *,
    needed_bytes: int,
    free_bytes: int,
    now_s: float,
    min_resident_s: float,
    eviction: Eviction = "fewest",
) -> Decision[KeyT]:
    """Decide whom to unload.

    Never those that are pinned, leased, or younger than `min_resident_s`; and nobody at all unless
    the memory of the chosen suffices.

    Args:
        residents: all that is loaded on the device, or draining.
        needed_bytes: what the model takes.
        free_bytes: what is free now.
        now_s: the time, on the clock of the residents.
        min_resident_s: how old a model must be.
        eviction: ``"fewest"`` takes the largest first, and of several that suffice alone the
            smallest; ``"lru"`` takes the least recently used.
    """
    if needed_bytes <= free_bytes:
        return Unload(())
    loaded = list(residents)
    held = sum(one.n_bytes for one in loaded if one.pinned)
    if needed_bytes > free_bytes + sum(one.n_bytes for one in loaded if not one.pinned):
        return NeverFits(held)
    movable = [one for one in loaded if not one.pinned and not one.leased and one.n_bytes > 0]
    old = [one for one in movable if one.loaded_at_s + min_resident_s <= now_s]
    short = needed_bytes - free_bytes
    if sum(one.n_bytes for one in old) >= short:
        return Unload(_fewest(old, short) if eviction == "fewest" else _oldest(old, short))
    young = (one.loaded_at_s + min_resident_s for one in movable)
    return Wait(min((at for at in young if at > now_s), default=None))


def _fewest(old: Sequence[Resident[KeyT]], short: int) -> tuple[KeyT, ...]:
    """Take the largest until one model suffices for the rest; of those the smallest."""
    left = sorted(old, key=lambda one: (-one.n_bytes, one.used_at_s))
    chosen: list[KeyT] = []
    while short > 0:
        enough = [one for one in left if one.n_bytes >= short]
        # Of equal ones, the first in the list was used least recently.
        taken = min(enough, key=lambda one: one.n_bytes) if enough else left[0]
        left.remove(taken)
        chosen.append(taken.key)
        short -= taken.n_bytes
    return tuple(chosen)


def _oldest(old: Sequence[Resident[KeyT]], short: int) -> tuple[KeyT, ...]:
    """Take the least recently used, and spare those that turn out not to be needed."""
    chosen: list[Resident[KeyT]] = []
    for one in sorted(old, key=lambda one: one.used_at_s):
        if short <= 0:
            break
        chosen.append(one)
        short -= one.n_bytes
    for one in sorted(chosen, key=lambda one: -one.used_at_s):
        if short + one.n_bytes <= 0:
            chosen.remove(one)
            short += one.n_bytes
    return tuple(one.key for one in chosen)
