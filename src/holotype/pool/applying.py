"""Bring a pool from one deployment to another: only what changed is touched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

from holotype.deployment.document import Deployment, ModelSpec
from holotype.pool.calling import Caller, Route, Variant
from holotype.pool.engine import Engine
from holotype.pool.errors import PoolError, SupersededError
from holotype.pool.loading import LoadJob
from holotype.pool.opening import Opener
from holotype.pool.routing import Breaker, Weights
from holotype.pool.slot import Slot, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What a new deployment changed.

    Attributes:
        added: names that are new.
        removed: names that are gone.
        swapped: names of which a variant was replaced.
        changed: names whose weights or other settings changed, and nothing was loaded.
        failed: why a name serves what it served before, by name.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    swapped: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Change:
    spec: ModelSpec
    route: Route
    swaps: list[tuple[Slot, Unit]] = field(default_factory=list)
    updates: list[tuple[Slot, Unit]] = field(default_factory=list)
    jobs: list[LoadJob] = field(default_factory=list)


class Applier:
    """Applies deployments, one at a time; of those that wait, the newest."""

    def __init__(self, engine: Engine, caller: Caller, opener: Opener) -> None:
        """Serve nothing yet."""
        self._engine = engine
        self._caller = caller
        self._opener = opener
        self._applying = Lock()
        self._tickets = Lock()
        self._newest = 0
        self.deployment = Deployment()

    def apply(self, deployment: Deployment, *, timeout_s: float = 600.0) -> Applied:
        """Serve what a deployment says, and return what that changed.

        Names whose models fail go on as before. With ``apply: all``, one failure means that
        nothing changes.

        Raises:
            PoolError: a source is not supported or not allowed, or the names do not fit together;
                nothing has changed.
            SupersededError: a newer deployment came while this one waited for its turn.
        """
        with self._tickets:
            self._newest += 1
            ticket = self._newest
        with self._applying:
            with self._tickets:
                if ticket != self._newest:
                    raise SupersededError("", "the deployment was not applied: a newer one came")
            try:
                check(deployment)
                changes = [self._change(spec) for spec in deployment.models]
            except PoolError as error:
                self._engine.events.add("deployment_failed", reason=str(error))
                raise
            applied = self._carry_out(deployment, changes, timeout_s)
        self._engine.events.add(
            "deployment_failed" if applied.failed else "deployment_applied",
            added=applied.added,
            removed=applied.removed,
            swapped=applied.swapped,
            changed=applied.changed,
            failed=tuple(applied.failed),
        )
        return applied

    def _change(self, spec: ModelSpec) -> _Change:
        """Work out the route of a name, and what must be loaded for it."""
        old = self._caller.routes.get(spec.name)
        known = {} if old is None else {one.name: one for one in old.variants}
        variants: list[Variant] = []
        change = _Change(spec, Route(spec=spec, variants=(), weights=None))
        for variant in spec.variants:
            unit = self._opener.unit(spec, variant)
            self._engine.open_device(unit.device)
            before = known.get(variant.name)
            if before is None:
                slot = Slot(spec.name, variant.name, unit, pinned=spec.pinned)
                breaker = self._breaker(spec.name, variant.name)
            else:
                slot, breaker = before.slot, before.breaker
                if slot.unit.identity != unit.identity and slot.current is not None:
                    change.swaps.append((slot, unit))
                elif slot.unit != unit:
                    change.updates.append((slot, unit))
            variants.append(
                Variant(name=variant.name, weight=variant.weight, slot=slot, breaker=breaker)
            )
        weights = Weights([one.weight for one in variants]) if variants else None
        change.route = Route(spec=spec, variants=tuple(variants), weights=weights)
        return change

    def _breaker(self, name: str, variant: str) -> Breaker:
        def tell(what: str, seconds: float) -> None:
            if what == "breaker_opened":
                self._engine.events.add("breaker_opened", name, variant=variant, seconds=seconds)
            else:
                self._engine.events.add("breaker_closed", name, variant=variant)

        return Breaker(name, self._engine.clock, tell)

    def _carry_out(
        self, deployment: Deployment, changes: list[_Change], timeout_s: float
    ) -> Applied:
        engine, settings = self._engine, deployment.pool
        before_settings = engine.settings
        engine.apply(settings)
        old_routes = self._caller.routes
        together = settings.apply == "all"
        for change in changes:
            change.jobs = [
                engine.swap(slot, unit, mode=settings.swap, timeout_s=timeout_s, holds=together)
                for slot, unit in change.swaps
            ]
        failed: dict[str, str] = {}
        for change in changes:
            for job in change.jobs:
                error = job.future.exception()
                if error is not None:
                    failed[change.spec.name] = str(error)
        if together and failed:
            engine.discard(job for change in changes for job in change.jobs)
            engine.apply(before_settings)
            return Applied(failed=failed)
        routes: dict[str, Route] = {}
        for change in changes:
            stays = change.spec.name in failed
            routes[change.spec.name] = old_routes[change.spec.name] if stays else change.route
        with engine.lock:
            for change in changes:
                if change.spec.name not in failed:
                    self._update(change)
        if together:
            engine.commit(job for change in changes for job in change.jobs)
        self._caller.routes = routes
        self._remove_what_is_gone(old_routes, routes)
        self._reset_breakers(changes, failed)
        self.deployment = deployment
        return _report(old_routes, changes, failed)

    def _update(self, change: _Change) -> None:
        """Change what nothing is loaded for; the lock is held."""
        slots = tuple(one.slot for one in change.route.variants)
        for slot in slots:
            slot.pinned = change.spec.pinned
            slot.siblings = tuple(other for other in slots if other is not slot)
        for slot, unit in change.updates:
            slot.unit = unit

    def _remove_what_is_gone(
        self, old_routes: Mapping[str, Route], routes: Mapping[str, Route]
    ) -> None:
        kept = {id(one.slot) for route in routes.values() for one in route.variants}
        for route in old_routes.values():
            for one in route.variants:
                if id(one.slot) not in kept:
                    self._engine.remove(one.slot)

    @staticmethod
    def _reset_breakers(changes: list[_Change], failed: Mapping[str, str]) -> None:
        for change in changes:
            replaced = {id(slot) for slot, _ in (*change.swaps, *change.updates)}
            for one in change.route.variants:
                if id(one.slot) in replaced and change.spec.name not in failed:
                    one.breaker.reset()


def _report(
    old_routes: Mapping[str, Route], changes: list[_Change], failed: Mapping[str, str]
) -> Applied:
    names = [change.spec.name for change in changes]
    done = [change for change in changes if change.spec.name not in failed]
    known = [change for change in done if change.spec.name in old_routes]
    return Applied(
        added=tuple(name for name in names if name not in old_routes),
        removed=tuple(name for name in old_routes if name not in names),
        swapped=tuple(change.spec.name for change in known if change.swaps),
        changed=tuple(
            change.spec.name
            for change in known
            if not change.swaps
            and (change.updates or old_routes[change.spec.name].spec != change.spec)
        ),
        failed=failed,
    )


def check(deployment: Deployment) -> None:
    """Refuse names that do not fit together.

    Raises:
        PoolError: a name occurs twice, or a fallback or a member is no name of the deployment, or
            is an ensemble.
    """
    seen: set[str] = set()
    for spec in deployment.models:
        if spec.name in seen:
            raise PoolError(spec.name, "occurs twice in the deployment; rename one of them")
        seen.add(spec.name)
    for spec in deployment.models:
        members = () if spec.ensemble is None else spec.ensemble.members
        others = [("falls back to", name) for name in spec.fallback]
        others += [("combines", member.name) for member in members]
        if spec.ensemble is None and not spec.variants:
            raise PoolError(spec.name, "has neither variants nor an ensemble; give it a source")
        for what, name in others:
            other = deployment.find(name)
            if other is None:
                raise PoolError(spec.name, f"{what} {name!r}, which the deployment does not have")
            if other.ensemble is not None or other is spec:
                raise PoolError(
                    spec.name, f"{what} {name!r}; expected another model that is no ensemble"
                )
