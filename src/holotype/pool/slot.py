"""What is loaded under one name and variant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from holotype.deployment.document import ArchitectureType
from holotype.pool.generation import Generation
from holotype.pool.sizes import Need

if TYPE_CHECKING:
    from holotype.pool.loading import LoadJob


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """How one variant is loaded, and what it must be.

    Two units with the same identity load the same model in the same way.

    Attributes:
        identity: a digest of the source, of its files, and of how it is run.
        size_key: a digest of what decides how much memory it takes.
        reference: the source, for people.
        device: the device that it is loaded on.
        open: loads the model.
        prepare: imports the libraries that the load needs, so that their memory is not counted
            as the model's.
        need: says how much memory it takes, without loading it.
        type: the kind of model that it must be.
        n_labels: how many labels it must have.
        labels: the labels that it must have, in this order; empty for any.
        dim: the size that its vectors must have.
        max_length: the number of tokens that it must read.
        threshold: the lowest score of a label that applies, where a call names none.
        batch_tokens: how many tokens a batch of several callers has at most.
        fingerprint: the fingerprint that it must have; None for any.
        backend: what runs it, such as ``torch``; None where the source alone knows, as for custom
            classes and for code that came with a checkpoint.
        allow_different_vectors: whether it may replace a model with another fingerprint, or with
            other labels, and answer beside one.
        may_differ_from_last: whether it may at least replace one: a registry has compared the two.
    """

    identity: str
    size_key: str
    reference: str
    device: str
    open: Callable[[], Any] = field(compare=False)
    prepare: Callable[[], None] = field(compare=False)
    need: Callable[[], Need] = field(compare=False)
    type: ArchitectureType | None = None
    n_labels: int | None = None
    labels: tuple[str, ...] = ()
    dim: int | None = None
    max_length: int | None = None
    threshold: float | None = None
    batch_tokens: int | None = None
    fingerprint: str | None = None
    backend: str | None = None
    allow_different_vectors: bool = False
    may_differ_from_last: bool = False


class Slot:
    """One copy of one variant of one name. Guarded by the pool's lock.

    Attributes:
        name: the name.
        variant: the variant.
        copy: the number of the copy, from 1.
        unit: how it is loaded.
        pinned: whether it is never unloaded for others, or for being idle.
        current: the generation that calls get; None if nothing is loaded.
        loading: the load that runs, or that callers wait for.
        draining: retired generations that are not closed yet.
        last: the newest generation that served, which may be closed.
        last_number: the number of the newest generation.
        last_error: why the last load failed; None after a success.
        n_not_finite: how often in a row the current generation returned NaN or infinity.
        is_sick: whether it did so too often, and is not called any more.
        siblings: those of the other variants of the name, which must make the same vectors.
        failed_at_s: when the last load failed, on the pool's clock; None after a success.
        evicted_for: the name of the model that what served was unloaded for; None if something
            serves, or nothing was unloaded for another.
        went_idle: whether what served was unloaded since nobody called it.
        removed: whether the name or the variant is gone from the deployment.
    """

    def __init__(
        self, name: str, variant: str, unit: Unit, *, copy: int = 1, pinned: bool = False
    ) -> None:
        """Load nothing yet."""
        self.name = name
        self.variant = variant
        self.copy = copy
        self.unit = unit
        self.pinned = pinned
        self.current: Generation | None = None
        self.loading: LoadJob | None = None
        self.draining: set[Generation] = set()
        self.last: Generation | None = None
        self.last_number = 0
        self.last_error: str | None = None
        self.failed_at_s: float | None = None
        self.n_not_finite = 0
        self.is_sick = False
        self.siblings: tuple[Slot, ...] = ()
        self.evicted_for: str | None = None
        self.went_idle = False
        self.removed = False

    @property
    def n_leases(self) -> int:
        """How many calls run on what it serves."""
        current = self.current
        return 0 if current is None else current.n_leases

    def __repr__(self) -> str:
        """Show what is loaded."""
        return f"Slot({self.name!r}, {self.variant!r}, {self.copy}, current={self.current!r})"
