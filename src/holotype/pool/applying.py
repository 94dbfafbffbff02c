"""Bring a pool from one deployment to another: only what changed is touched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

from holotype.catalogue import Catalogue
from holotype.deployment.document import Deployment, ModelSpec, RegistrySource, Swap
from holotype.deployment.presence import find_problem
from holotype.errors import InvalidArgumentError
from holotype.pool.arguments import as_source, check_numbers
from holotype.pool.calling import Caller
from holotype.pool.changing import Change
from holotype.pool.engine import Engine
from holotype.pool.errors import PoolError, SupersededError
from holotype.pool.events import LOG
from holotype.pool.generation import Version
from holotype.pool.opening import Opener
from holotype.pool.preparing import PreparedSwap, PreparedUnit, Replacement
from holotype.pool.routes import Copy, Route, Variant
from holotype.pool.routing import Breaker, Weights
from holotype.pool.slot import Slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What a new deployment changed.

    Attributes:
        added: names that are new.
        removed: names that are gone.
        swapped: names of which a variant was replaced.
        changed: names whose weights or other settings changed, and nothing was loaded.
        failed: why a name serves what it served before, by name.
        missing: why a name that serves nothing yet could not be loaded now, by name; its calls fail
            until its folder is there.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    swapped: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)


class Applier:
    """Applies deployments, one at a time; of those that wait, the newest."""

    def __init__(
        self, engine: Engine, caller: Caller, opener: Opener, catalogue: Catalogue[Any] | None
    ) -> None:
        """Serve nothing yet; ids of replacements are looked up in the catalogue first."""
        self._engine = engine
        self._caller = caller
        self._opener = opener
        self._catalogue = catalogue
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
            changes = self._changes(deployment, deployment.models)
            gone = tuple(name for name in self._caller.routes if deployment.find(name) is None)
            applied = self._carry_out(deployment, changes, timeout_s, gone)
        # A pool that begins without models has nothing to tell.
        return self._tell(applied) if deployment.models or gone else applied

    def refresh(self, kind: str | None = None, *, timeout_s: float = 600.0) -> Applied:
        """Look again at what the sources of the deployment stand for, and swap what has changed.

        Args:
            kind: only the names that follow this kind of the registry; None for all.
            timeout_s: how long to wait for memory.

        Raises:
            PoolError: a source cannot be opened any more; nothing has changed.
        """
        with self._applying:
            specs = [spec for spec in self.deployment.models if kind is None or follows(spec, kind)]
            changes = self._changes(self.deployment, specs)
            applied = self._carry_out(self.deployment, changes, timeout_s, ())
        return self._tell(applied) if applied.swapped or applied.failed else applied

    def prepare(self, replacements: Sequence[Replacement], *, timeout_s: float) -> PreparedSwap:
        """Load replacements beside what serves; see `Pool.prepare`."""
        self._applying.acquire()
        try:
            units = [unit for one in replacements for unit in self._replacement(one)]
        except BaseException:
            self._applying.release()
            raise
        mode = self._engine.settings.swap
        return PreparedSwap(
            self._engine,
            units,
            mode=mode,
            holds=mode == "overlap",
            timeout_s=timeout_s,
            release=self._applying.release,
        )

    def swap(
        self,
        replacement: Replacement,
        *,
        mode: Swap | None,
        allow_different_vectors: bool,
        timeout_s: float,
    ) -> Version:
        """Replace what a variant serves; see `Pool.swap`."""
        units = [*self._replacement(replacement, allow_different_vectors)]
        mode = self._engine.settings.swap if mode is None else mode
        # Copies take over together. Of several swaps of one slot, the newest wins, so that it takes
        # over as soon as it is loaded.
        holds = len(units) > 1 and mode == "overlap"
        with PreparedSwap(
            self._engine, units, mode=mode, holds=holds, timeout_s=timeout_s
        ) as prepared:
            prepared.commit()
        return prepared.generations[0].version

    def _replacement(
        self, wanted: Replacement, allow_different_vectors: bool = False
    ) -> Iterator[PreparedUnit]:
        route = self._caller.route(wanted.name)
        chosen, spec = route.choose(None, wanted.variant), route.spec
        (old,) = (each for each in spec.variants if each.name == chosen.name)
        source = as_source(wanted.source, self._catalogue)
        if allow_different_vectors:
            spec = replace(spec, allow_different_vectors=True)
        for one in chosen.copies:
            unit = self._opener.unit(spec, replace(old, source=source), one.slot.copy)
            self._engine.open_device(unit.device)
            yield PreparedUnit(slot=one.slot, unit=unit, breaker=one.breaker, before=one.slot.unit)

    def _changes(self, deployment: Deployment, specs: Iterable[ModelSpec]) -> list[Change]:
        try:
            check(deployment)
            return [self._change(spec) for spec in specs]
        except (PoolError, InvalidArgumentError) as error:
            self._engine.events.add("deployment_failed", reason=str(error))
            raise

    def _tell(self, applied: Applied) -> Applied:
        self._engine.events.add(
            "deployment_failed" if applied.failed else "deployment_applied",
            added=applied.added,
            removed=applied.removed,
            swapped=applied.swapped,
            changed=applied.changed,
            failed=tuple(applied.failed),
            missing=tuple(applied.missing),
        )
        for name, problem in applied.missing.items():
            LOG.warning("%r cannot be loaded until its files are there: %s", name, problem)
        return applied

    def _change(self, spec: ModelSpec) -> Change:
        """Work out the route of a name, and what must be loaded for it."""
        old = self._caller.routes.get(spec.name)
        known = {} if old is None else {one.name: one for one in old.variants}
        variants: list[Variant] = []
        change = Change(spec, Route(spec=spec, variants=(), weights=None))
        for variant in spec.variants:
            before = known[variant.name].copies if variant.name in known else ()
            copies: list[Copy] = []
            for number in range(1, spec.copies + 1):
                unit = self._opener.unit(spec, variant, number)
                self._engine.open_device(unit.device)
                if number <= len(before):
                    copies.append(before[number - 1])
                    change.note(copies[-1].slot, unit)
                else:
                    slot = Slot(spec.name, variant.name, unit, copy=number, pinned=spec.pinned)
                    breaker = self._breaker(spec.name, variant.name)
                    copies.append(Copy(slot=slot, breaker=breaker))
            variants.append(Variant(name=variant.name, weight=variant.weight, copies=tuple(copies)))
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
        self,
        deployment: Deployment,
        changes: list[Change],
        timeout_s: float,
        gone: tuple[str, ...],
    ) -> Applied:
        engine, settings = self._engine, deployment.pool
        before_settings = engine.settings
        engine.apply(settings)
        old_routes = self._caller.routes
        together = settings.apply == "all"
        # Nothing is unloaded before all has been loaded.
        mode: Swap = "overlap" if together else settings.swap
        for change in changes:
            # Variants and copies of one name take over together.
            change.holds = together or (len(change.swaps) > 1 and mode == "overlap")
            change.jobs = [
                engine.swap(slot, unit, mode=mode, timeout_s=timeout_s, holds=change.holds)
                for slot, unit in change.swaps
            ]
        failed = _find_missing(old_routes, changes)
        for change in changes:
            for job in change.jobs:
                error = job.future.exception()
                if error is not None:
                    failed[change.spec.name] = str(error)
            if change.holds and not together:
                self._end(change, failed)
        if together and failed:
            engine.discard(job for change in changes for job in change.jobs)
            engine.apply(before_settings)
            return Applied(failed=failed)
        done = [change for change in changes if change.spec.name not in failed]
        with engine.lock:
            for change in done:
                change.update()
        if together:
            engine.commit(job for change in changes for job in change.jobs)
        routes = {**old_routes, **{change.spec.name: change.route for change in done}}
        order = [name for name in (*deployment.names, *routes) if name not in gone]
        self._caller.routes = {name: routes[name] for name in order if name in routes}
        self._remove_what_is_gone(old_routes, self._caller.routes)
        for change in done:
            change.reset_breakers()
        self.deployment = deployment
        missing = _find_unloadable(done)
        return replace(_report(old_routes, changes, failed), removed=gone, missing=missing)

    def _end(self, change: Change, failed: Mapping[str, str]) -> None:
        if change.spec.name in failed:
            self._engine.discard(change.jobs)
        else:
            self._engine.commit(change.jobs)

    def _remove_what_is_gone(
        self, old_routes: Mapping[str, Route], routes: Mapping[str, Route]
    ) -> None:
        kept = {id(one.slot) for route in routes.values() for one in route.copies}
        for route in old_routes.values():
            for one in route.copies:
                if id(one.slot) not in kept:
                    self._engine.remove(one.slot)


def _find_unloadable(changes: Iterable[Change]) -> dict[str, str]:
    """Return which names have nothing loaded and nothing to load, and why, by name."""
    found: dict[str, str] = {}
    for change in changes:
        for variant in change.route.variants:
            if any(copy.slot.current is not None for copy in variant.copies):
                continue
            (spec,) = (each for each in change.spec.variants if each.name == variant.name)
            problem = find_problem(spec.source)
            if problem is not None:
                found[change.spec.name] = problem
    return found


def _find_missing(old_routes: Mapping[str, Route], changes: Iterable[Change]) -> dict[str, str]:
    """Return which names would take a source that is not there, and why, by name.

    It is asked for what is not loaded now: a swap says by itself what it does not find. A new name
    has nothing that it could go on with; see `_find_unloadable`.
    """
    found: dict[str, str] = {}
    for change in changes:
        old = old_routes.get(change.spec.name)
        if old is None or change.swaps:
            continue
        before = [variant.source for variant in old.spec.variants]
        for variant in change.spec.variants:
            problem = None if variant.source in before else find_problem(variant.source)
            if problem is not None:
                found[change.spec.name] = problem
    return found


def _report(
    old_routes: Mapping[str, Route], changes: list[Change], failed: Mapping[str, str]
) -> Applied:
    names = [change.spec.name for change in changes]
    done = [change for change in changes if change.spec.name not in failed]
    known = [change for change in done if change.spec.name in old_routes]
    return Applied(
        added=tuple(name for name in names if name not in old_routes),
        swapped=tuple(change.spec.name for change in known if change.swaps),
        changed=tuple(
            change.spec.name
            for change in known
            if not change.swaps
            and (change.updates or old_routes[change.spec.name].spec != change.spec)
        ),
        failed=failed,
    )


def follows(spec: ModelSpec, kind: str) -> bool:
    """Whether a variant of a name follows the active version of a kind of the registry."""
    return any(variant.source == RegistrySource(kind=kind) for variant in spec.variants)


def check(deployment: Deployment) -> None:
    """Refuse names that do not fit together, and numbers that no file could state.

    Raises:
        InvalidArgumentError: a number of the deployment is out of range.
        PoolError: a name occurs twice, or a fallback or a member is no name of the deployment, or
            is an ensemble.
    """
    check_numbers(deployment)
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
