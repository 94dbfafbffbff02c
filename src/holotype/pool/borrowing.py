"""A model that serves nobody: loaded within the budget to be checked or measured, then closed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from holotype.deployment.document import ModelSpec, Source, VariantSpec
from holotype.pool.engine import Engine
from holotype.pool.generation import Lease
from holotype.pool.opening import Opener
from holotype.pool.slot import Slot
from holotype.pool.status import BORROWED


@contextmanager
def borrow(
    engine: Engine, opener: Opener, source: Source, *, timeout_s: float | None
) -> Iterator[Lease[Any]]:
    """Load a model for as long as the block runs; see `Pool.borrow`."""
    variant = VariantSpec(source=source)
    unit = opener.unit(ModelSpec(name=BORROWED, variants=(variant,)), variant)
    engine.open_device(unit.device)
    slot = Slot(BORROWED, variant.name, unit)
    deadline_s = None if timeout_s is None else engine.clock() + timeout_s
    try:
        with engine.acquire(slot, deadline_s) as lease:
            yield lease
    finally:
        engine.remove(slot)
