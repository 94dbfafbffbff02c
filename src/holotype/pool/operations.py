"""What an operator does with a pool: deployments, loads, swaps, and what they would do."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from time import monotonic
from typing import Any

from holotype.catalogue import Catalogue
from holotype.deployment.document import Deployment, Source, Swap
from holotype.pool.applying import Applied, Applier, follows
from holotype.pool.arguments import (
    Named,
    as_source,
    check_deployment,
    check_finite,
    check_flag,
    check_mode,
    check_place,
    check_route,
    check_seconds,
    check_timeout,
)
from holotype.pool.borrowing import borrow
from holotype.pool.calling import Caller
from holotype.pool.describing import describe
from holotype.pool.engine import Engine
from holotype.pool.errors import LoadingTimeoutError, PoolError
from holotype.pool.events import Events
from holotype.pool.generation import Lease, Version
from holotype.pool.metrics import Metrics
from holotype.pool.opening import Opener
from holotype.pool.planning import MemoryPlan, plan_loads
from holotype.pool.preparing import PreparedSwap, Replacement
from holotype.pool.routes import Variant
from holotype.pool.slot import Slot, Unit
from holotype.pool.status import PoolStatus

Read = Callable[[], Deployment]


class Operations:
    """The part of a pool that changes what it serves. Safe to share between threads.

    Attributes:
        events: what happened.
        metrics: what was counted.
    """

    def __init__(
        self,
        engine: Engine,
        caller: Caller,
        opener: Opener,
        *,
        read: Read | None,
        location: str | None,
        catalogue: Catalogue[Any] | None,
    ) -> None:
        """Serve nothing yet; see `Pool` for the arguments."""
        self._engine = engine
        self._caller = caller
        self._opener = opener
        self._applier = Applier(engine, caller, opener, catalogue)
        self._read = read
        self._location = location
        self._catalogue = catalogue
        self._watch: Any = None
        self.events: Events = engine.events
        self.metrics: Metrics = engine.metrics

    @property
    def deployment(self) -> Deployment:
        """What the pool serves."""
        return self._applier.deployment

    @property
    def names(self) -> tuple[str, ...]:
        """The names that can be called."""
        return tuple(self._caller.routes)

    def apply(self, deployment: Deployment) -> Applied:
        """Serve another deployment; what did not change is not touched, what fails stays as it was.

        Raises:
            InvalidArgumentError: it is no deployment, or has a number out of range.
            PoolError: a source is not supported or not allowed; nothing has changed.
        """
        check_deployment(deployment)
        applied = self._applier.apply(deployment)
        self._preload(applied)
        return applied

    def _preload(self, applied: Applied) -> None:
        for spec in self.deployment.models:
            if spec.preload and spec.name not in applied.failed:
                for slot in self._slots(spec.name):
                    self._engine.load(slot, urgent=False)

    def refresh(self, kind: str | None = None) -> Applied:
        """Look again at what the sources of the deployment stand for, and swap what has changed.

        The deployment itself is not read again. What has changed is the active version of a kind of
        the registry, an alias, or a folder.

        Args:
            kind: only the names that follow this kind of the registry; None for all names.

        Raises:
            PoolError: a source is not supported or not allowed; nothing has changed.
        """
        applied = self._applier.refresh(kind)
        self._preload(applied)
        return applied

    def following(self, kind: str) -> tuple[str, ...]:
        """Return the names that follow a kind of the registry, in the order of the deployment."""
        return tuple(spec.name for spec in self.deployment.models if follows(spec, kind))

    def prepare(
        self, replacements: Sequence[Replacement], *, timeout_s: float = 60.0
    ) -> PreparedSwap:
        """Load replacements beside what serves, and check them; they take over with `commit`.

        So a switch can be written down between the load and the switch, or not happen at all:

            with pool.prepare(replacements) as prepared:
                registry.activate(...)
                prepared.commit()

        Args:
            replacements: what is to serve where.
            timeout_s: how long to wait for memory.

        Raises:
            UnknownNameError: the pool has no such name or variant.
            ContradictionError: one is of another kind, or makes other vectors.
            PoolError: one cannot be loaded; nothing has changed.
        """
        return self._applier.prepare(replacements, timeout_s=check_seconds("timeout_s", timeout_s))

    def borrow(
        self, source: Source | Named, *, timeout_s: float | None = None
    ) -> AbstractContextManager[Lease[Any]]:
        """Load a model under no name for as long as the block runs, to check or to measure it.

        It takes its place in the budget: others are unloaded for it as for any model, and it is
        refused if it does not fit.

        Args:
            source: where it comes from, as for `swap`.
            timeout_s: how long to wait for the load; None waits for its end.

        Raises:
            PoolError: it cannot be loaded; raised at the beginning of the block.
        """
        source = as_source(source, self._catalogue)
        return borrow(self._engine, self._opener, source, timeout_s=check_timeout(timeout_s))

    def reload(self) -> Applied:
        """Read the deployment again and serve what it says now; also aliases and folders count.

        Raises:
            PoolError: the pool was not made from a file; or see `apply`.
            HolotypeError: the file has problems; nothing has changed.
        """
        if self._read is None:
            raise PoolError("", "this pool was not made from a file; pass a deployment to apply()")
        try:
            deployment = self._read()
        except Exception as error:
            self.events.add("deployment_failed", reason=str(error))
            raise
        return self.apply(deployment)

    def watch(self, *, poll_s: float = 60.0) -> Any:
        """Apply the deployment whenever its file, its folder or its parameters change.

        What is wrong, or fails, is an event; what serves goes on. Somebody who asks the watch to
        look again, as SIGHUP does, also asks for aliases and folders behind a file that stayed the
        same.

        Args:
            poll_s: how often to look although nothing was noticed, in seconds.

        Returns:
            A watch with `look_again` and `stop`; closing the pool ends it. See
            `holotype.deployment.watching`.

        Raises:
            PoolError: the pool was not made from a file.
            MissingExtraError: watchfiles is not installed.
        """
        check_finite("poll_s", poll_s, above_0=True)
        if self._location is None:
            raise PoolError("", "this pool was not made from a file, so there is nothing to watch")
        # By name: they need the extra.
        deployment: Any = importlib.import_module("holotype.deployment")
        source = deployment.open_source(self._location)
        watch = deployment.Watch(
            source,
            self._on_change,
            self._on_failure,
            on_same=self._on_same,
            catalogue=self._catalogue,
            poll_s=poll_s,
        )
        self._watch = watch.start()
        return watch

    def _on_change(self, loaded: Any) -> None:
        self._require_all(self.reload())

    def _on_same(self) -> None:
        self._require_all(self.refresh())

    @staticmethod
    def _require_all(applied: Applied) -> None:
        if applied.failed:
            # The watch tries again when somebody asks it to.
            raise PoolError("", "; ".join(applied.failed.values()))

    def _on_failure(self, error: Exception) -> None:
        self.events.add("deployment_failed", reason=str(error))

    def load(self, name: str, *, timeout_s: float | None = None) -> None:
        """Load all variants and copies of a name that are not loaded, and wait for them.

        Args:
            name: the name; of an ensemble all members are loaded.
            timeout_s: how long to wait for all of them; None waits for their end.

        Raises:
            UnknownNameError: the pool has no such name.
            LoadingTimeoutError: they were not loaded in time. The loads go on.
            PoolError: a variant cannot be loaded.
        """
        timeout_s = check_timeout(timeout_s)
        ends_s = None if timeout_s is None else monotonic() + timeout_s
        jobs = [self._engine.load(slot) for slot in self._slots(name)]
        for job in jobs:
            if job is None:
                continue
            left_s = None if ends_s is None else max(0.0, ends_s - monotonic())
            try:
                job.future.result(left_s)
            except PoolError:
                raise
            except TimeoutError as error:
                raise LoadingTimeoutError(
                    job.slot.name, f"was not loaded within {timeout_s} s; the load goes on", 1.0
                ) from error

    def plan(
        self, name: str, source: Source | Named | None = None, *, variant: str | None = None
    ) -> MemoryPlan:
        """Return what a load would need and whom it would unload; nothing happens.

        Args:
            name: the name; of an ensemble, all members.
            source: what would replace the model, as for `swap`, beside it while it loads unless
                the deployment says ``swap: replace``; None plans the load of what it says.
            variant: only this variant; None for all.

        Raises:
            UnknownNameError: the pool has no such name or variant.
            HolotypeError: the source cannot be opened.
        """
        check_route(None, variant)
        chosen = self._variants(name)
        if variant is not None:
            chosen = [self._caller.route(name).choose(None, variant)]
        wanted: list[tuple[Slot, Unit]] = []
        for slot in (copy.slot for one in chosen for copy in one.copies):
            if source is not None:
                wanted.append((slot, self._unit(slot, as_source(source, self._catalogue))))
            elif slot.current is None:
                wanted.append((slot, slot.unit))
        beside = source is not None and self._engine.settings.swap == "overlap"
        return plan_loads(self._engine, wanted, beside=beside)

    def _unit(self, slot: Slot, source: Source) -> Unit:
        spec = self._caller.route(slot.name).spec
        (variant,) = (one for one in spec.variants if one.name == slot.variant)
        return self._opener.unit(spec, replace(variant, source=source), slot.copy)

    def unload(self, name: str) -> None:
        """Unload all variants of a name once no call runs on them; the next call loads them again.

        Raises:
            UnknownNameError: the pool has no such name.
        """
        for slot in self._slots(name):
            self._engine.unload(slot)

    def pin(self, name: str, *, pinned: bool = True) -> None:
        """Keep a name loaded although others need the memory, or nobody calls; or not any more.

        Raises:
            UnknownNameError: the pool has no such name.
        """
        check_flag("pinned", pinned)
        with self._engine.lock:
            for slot in self._slots(name):
                slot.pinned = pinned
        self._engine.wake()

    def swap(
        self,
        name: str,
        source: Source | Named,
        *,
        variant: str | None = None,
        mode: Swap | None = None,
        allow_different_vectors: bool = False,
        timeout_s: float = 60.0,
    ) -> Version:
        """Replace what a name serves, without a gap, and return what serves now.

        The new model is loaded, compared with the old one, and called once before it takes over.
        If any of that fails, the old one goes on. The change lasts until the next `apply` or
        `reload`.

        Args:
            name: the name of the model.
            source: where the new model comes from: a reference such as ``local:models/mine``, a
                record, or a source of a deployment.
            variant: which variant is replaced; it can be left out if there is one.
            mode: ``"overlap"`` loads the new model beside the old one; ``"replace"`` unloads the
                old one first, and loads it again on failure. None takes that of the deployment.
            allow_different_vectors: whether the new model may make vectors that an index of the old
                one cannot be searched with.
            timeout_s: how long to wait for memory.

        Raises:
            InvalidReferenceError: the text is no reference.
            UnknownNameError: the pool has no such name or variant.
            ContradictionError: the new model is of another kind, or makes other vectors.
            SupersededError: another swap came before this one began.
            PoolError: the new model cannot be loaded.
        """
        timeout_s = check_seconds("timeout_s", timeout_s)
        check_place(name, None, variant)
        check_mode(mode)
        check_flag("allow_different_vectors", allow_different_vectors)
        route = self._caller.route(name)
        chosen = route.choose(None, variant) if variant or len(route.variants) == 1 else None
        if chosen is None:
            names = ", ".join(repr(one.name) for one in route.variants)
            raise PoolError(name, f"has several variants; pass variant= with one of {names}")
        return self._applier.swap(
            Replacement(name=name, variant=chosen.name, source=source),
            mode=mode,
            allow_different_vectors=allow_different_vectors,
            timeout_s=timeout_s,
        )

    def wait_until_ready(self, timeout_s: float | None = None) -> None:
        """Wait until everything is loaded that the deployment preloads.

        Raises:
            PoolError: something could not be loaded; the rest may be ready.
        """
        timeout_s = check_timeout(timeout_s)
        for spec in self.deployment.models:
            if spec.preload:
                self.load(spec.name, timeout_s=timeout_s)

    def status(self) -> PoolStatus:
        """Return what is loaded, and what it takes."""
        return describe(self._engine, self._caller.routes)

    def _slots(self, name: str) -> list[Slot]:
        return [copy.slot for variant in self._variants(name) for copy in variant.copies]

    def _variants(self, name: str) -> Sequence[Variant]:
        check_place(name, None, None)
        route = self._caller.route(name)
        if route.spec.ensemble is None:
            return route.variants
        return [
            variant
            for member in route.spec.ensemble.members
            for variant in self._caller.route(member.name).variants
        ]
