"""Describe a pool as it is at one moment."""

from __future__ import annotations

from collections.abc import Mapping

from holotype.pool.engine import Engine
from holotype.pool.routes import Copy, Route, Variant
from holotype.pool.status import DeviceStatus, ModelState, PoolStatus, VariantStatus


def describe(engine: Engine, routes: Mapping[str, Route]) -> PoolStatus:
    """Return what is loaded, and what it takes."""
    now_s = engine.clock()
    with engine.lock:
        models = tuple(
            _variant_status(route, variant, copy, now_s)
            for route in routes.values()
            for variant in route.variants
            for copy in variant.copies
        )
    devices = tuple(
        DeviceStatus(
            name=device.name,
            total_bytes=device.total_bytes,
            budget_bytes=device.ledger.budget_bytes,
            held_bytes=device.ledger.held_bytes,
            unreturned_bytes=device.ledger.unreturned_bytes,
            available_bytes=device.read().available_bytes,
            loading=device.loading,
            loading_for_s=device.loading_for_s(now_s),
        )
        for device in engine.devices()
    )
    ensembles = tuple(name for name, route in routes.items() if not route.variants)
    return PoolStatus(models=models, ensembles=ensembles, devices=devices)


def _variant_status(route: Route, variant: Variant, copy: Copy, now_s: float) -> VariantStatus:
    """Describe a variant; the lock is held."""
    slot, current = copy.slot, copy.slot.current
    state: ModelState = "cold" if current is None else "ready"
    if slot.is_sick:
        state = "sick"
    elif current is None and slot.loading is not None:
        state = "loading"
    return VariantStatus(
        name=route.spec.name,
        variant=variant.name,
        copy=slot.copy,
        weight=variant.weight,
        state=state,
        reference=slot.unit.reference,
        version=None if current is None else current.version,
        memory_bytes=0 if current is None else current.memory_bytes,
        n_leases=0 if current is None else current.n_leases,
        n_draining=len(slot.draining),
        pinned=slot.pinned,
        breaker=copy.breaker.state,
        loaded_for_s=None if current is None else now_s - current.loaded_at_s,
        idle_for_s=None if current is None else now_s - current.used_at_s,
        last_error=slot.last_error,
        evicted_for=slot.evicted_for,
        went_idle=slot.went_idle,
    )
