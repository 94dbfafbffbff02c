"""The pool: models by configuration, loaded, swapped and evicted in a running process."""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import Lock
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, overload

from holotype.deployment.document import Deployment, Source, Swap
from holotype.pool.applying import Applied, Applier
from holotype.pool.batched_calls import BatchedCalls, answer_of
from holotype.pool.batching import Limits, may_be_batched
from holotype.pool.builder import PoolBuilder
from holotype.pool.calling import Answer, Caller, Variant
from holotype.pool.describing import describe
from holotype.pool.engine import Engine
from holotype.pool.errors import PoolClosedError, PoolError
from holotype.pool.events import Events
from holotype.pool.generation import Lease, ModelKind, Version
from holotype.pool.handles import (
    ClassifierHandle,
    ColbertHandle,
    CrossEncoderHandle,
    DenseHandle,
    Handle,
    SparseHandle,
)
from holotype.pool.metrics import Metrics
from holotype.pool.opening import Opener
from holotype.pool.preparing import PreparedSwap, Replacement, prepare
from holotype.pool.registered import Resolve
from holotype.pool.sizes import Sizes
from holotype.pool.status import PoolStatus

HandleT = TypeVar("HandleT", bound=Handle[Any])
Read = Callable[[], Deployment]

_THREADS_OF_ACALL = 32


class Pool:
    """Models by their names. Safe to share between threads; a context manager that closes it.

    A model is loaded when it is called first, or at the start if the deployment says `preload`,
    and unloaded when others need the memory. A call runs on one generation of a model from its
    beginning to its end.

    Attributes:
        events: what happened.
        metrics: what was counted.
    """

    def __init__(
        self,
        deployment: Deployment | None = None,
        *,
        read: Read | None = None,
        location: str | None = None,
        allow: Collection[str] = (),
        factories: Mapping[str, Callable[..., Any]] | None = None,
        sizes: Sizes | None = None,
        limits: Limits | None = None,
        registry: Resolve | None = None,
        engine: Callable[..., Engine] = Engine,
    ) -> None:
        """Serve a deployment; what it preloads is being loaded when this returns.

        Args:
            deployment: what to serve.
            read: reads the deployment again, for `reload`.
            location: where it is kept, for `watch`.
            allow: custom classes (``module:Class``, or entry points) that may be imported.
            factories: custom classes by the names that the deployment gives them.
            sizes: where measured sizes are remembered; None uses the user's cache.
            limits: how much may be queued for batches across callers.
            registry: finds the version of a registry that a ``registry:`` source stands for.
            engine: makes the engine; tests pass one with another clock or other memory.

        Raises:
            PoolError: a source is not supported or not allowed.
            MissingExtraError: psutil is not installed.
        """
        first = Deployment() if deployment is None else deployment
        known = Sizes.of_user() if sizes is None else sizes
        self._engine = engine(first.pool, sizes=known)
        self._caller = Caller(self._engine)
        self._opener = Opener(
            sizes=known, allow=frozenset(allow), factories=factories or {}, registry=registry
        )
        self._applier = Applier(self._engine, self._caller, self._opener)
        self._read = read
        self._location = location
        self._watch: Any = None
        self._lock = Lock()
        self._batches = BatchedCalls(
            self._caller,
            clock=self._engine.clock,
            metrics=self._engine.metrics,
            limits=limits,
        )
        self._threads: ThreadPoolExecutor | None = None
        self._closed = False
        self.events: Events = self._engine.events
        self.metrics: Metrics = self._engine.metrics
        try:
            self.apply(first)
        except BaseException:
            self.close(drain_s=0)
            raise

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], *, allow: Collection[str] = ()) -> Pool:
        """Serve a deployment file, or a folder of them; see docs/deployment.md.

        Args:
            path: the file or the folder.
            allow: see `Pool`.

        Raises:
            HolotypeError: the file has problems; the error lists each with its line.
            PoolError: a source is not supported or not allowed.
        """
        return PoolBuilder(cls).with_file(path).allow(*allow).build()

    @classmethod
    def builder(cls) -> PoolBuilder:
        """Return a builder, for pools that are made without a file, or not only from one."""
        return PoolBuilder(cls)

    # -- handles -------------------------------------------------------------------------------

    @overload
    def encoder(self, name: str, kind: Literal["dense"] = "dense") -> DenseHandle: ...
    @overload
    def encoder(self, name: str, kind: Literal["colbert"]) -> ColbertHandle: ...
    @overload
    def encoder(self, name: str, kind: Literal["sparse"]) -> SparseHandle: ...
    def encoder(
        self, name: str, kind: Literal["dense", "colbert", "sparse"] = "dense"
    ) -> DenseHandle | ColbertHandle | SparseHandle:
        """Return a handle of a model that returns vectors; nothing is loaded by that.

        Args:
            name: the name of the model.
            kind: its kind; a call of a model of another kind is an error.

        Raises:
            UnknownNameError: the pool has no such name; the error suggests similar ones.
        """
        handles: Mapping[str, type[DenseHandle | ColbertHandle | SparseHandle]] = {
            "dense": DenseHandle,
            "colbert": ColbertHandle,
            "sparse": SparseHandle,
        }
        if kind not in handles:
            raise ValueError(f"kind is {kind!r}; expected one of {', '.join(handles)}")
        return self._handle(handles[kind], name)

    def classifier(self, name: str) -> ClassifierHandle:
        """Return a handle of a classifier, builtin or not; see `encoder`."""
        return self._handle(ClassifierHandle, name)

    def cross_encoder(self, name: str) -> CrossEncoderHandle:
        """Return a handle of a cross-encoder; see `encoder`."""
        return self._handle(CrossEncoderHandle, name)

    def _handle(self, kind: type[HandleT], name: str) -> HandleT:
        self._caller.route(name)
        return kind(self, name)

    # -- calls ---------------------------------------------------------------------------------

    def acquire(
        self,
        name: str,
        *,
        key: str | None = None,
        variant: str | None = None,
        timeout_s: float | None = None,
    ) -> Lease[Any]:
        """Return a lease on the model that serves a name now; it is loaded if nothing is.

        End the lease, or use it in a ``with`` statement: nothing closes a model that is leased.

        Args:
            name: the name of the model.
            key: keeps a caller on one variant.
            variant: takes this variant, whatever the weights.
            timeout_s: how long to wait for a load; None takes that of the deployment.

        Raises:
            UnknownNameError: the pool has no such name or variant.
            PoolError: the model cannot be loaded.
        """
        route = self._caller.routes.get(name) or self._caller.route(name)
        slot = route.choose(key, variant).slot
        seconds = route.spec.timeout_s if timeout_s is None else timeout_s
        if seconds is None:
            return self._engine.acquire(slot)
        return self._engine.acquire(slot, self._engine.clock() + seconds)

    def call(
        self,
        name: str,
        method: str,
        *args: Any,
        key: str | None = None,
        variant: str | None = None,
        timeout_s: float | None = None,
        batched: bool = False,
        kind: ModelKind | None = None,
        **options: Any,
    ) -> Answer[Any]:
        """Call a method of a model, and return what it gave, and which version it was.

        If the model cannot be loaded, runs out of memory, fails or is known to fail, its fallbacks
        are tried in their order. A call that is wrong itself is not tried again.

        Args:
            name: the name of the model.
            method: the method, such as ``"encode_query"``.
            args: its arguments.
            key: keeps a caller on one variant.
            variant: takes this variant, whatever the weights.
            timeout_s: how long to wait for a load, and in the queue; None takes that of the
                deployment.
            batched: whether the texts may run in one batch with those of other callers.
            kind: the kind that the model must have; None for any.
            options: the arguments of the method by name.

        Raises:
            UnknownNameError: the pool has no such name or variant.
            PoolError: the model cannot be loaded or called.
            HolotypeError: whatever the method raises.
        """
        if batched and may_be_batched(method, args, options):
            future = self._batches.submit(
                name,
                method,
                args[0],
                options,
                key=key,
                variant=variant,
                timeout_s=timeout_s,
                kind=kind,
            )
            return answer_of(name, args[0], future.result())
        return self._caller.call(
            name,
            method,
            args,
            options,
            key=key,
            variant=variant,
            timeout_s=timeout_s,
            kind=kind,
        )

    async def acall(
        self,
        name: str,
        method: str,
        *args: Any,
        key: str | None = None,
        variant: str | None = None,
        timeout_s: float | None = None,
        batched: bool = False,
        **options: Any,
    ) -> Answer[Any]:
        """Do what `call` does without blocking the event loop.

        The model runs on a thread. A task that is cancelled leaves the queue; a load or a model
        that runs already goes on.
        """
        if batched and may_be_batched(method, args, options):
            queued = self._batches.submit(
                name, method, args[0], options, key=key, variant=variant, timeout_s=timeout_s
            )
            return answer_of(name, args[0], await asyncio.wrap_future(queued))
        run = partial(
            self.call, name, method, *args, key=key, variant=variant, timeout_s=timeout_s, **options
        )
        return await asyncio.wrap_future(self._executor().submit(run))

    def _executor(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._closed:
                raise PoolClosedError
            if self._threads is None:
                self._threads = ThreadPoolExecutor(
                    _THREADS_OF_ACALL, thread_name_prefix="holotype-pool"
                )
            return self._threads

    # -- operation -----------------------------------------------------------------------------

    @property
    def deployment(self) -> Deployment:
        """What the pool serves."""
        return self._applier.deployment

    @property
    def names(self) -> tuple[str, ...]:
        """The names that can be called."""
        return tuple(self._caller.routes)

    def apply(self, deployment: Deployment) -> Applied:
        """Serve another deployment. What did not change is not touched; what fails goes on as before.

        Raises:
            PoolError: a source is not supported or not allowed; nothing has changed.
        """
        applied = self._applier.apply(deployment)
        for spec in deployment.models:
            if spec.preload and spec.name not in applied.failed:
                for variant in self._variants(spec.name):
                    self._engine.load(variant.slot, urgent=False)
        return applied

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

        What is wrong, or fails, is an event; what serves goes on.

        Args:
            poll_s: how often to look although nothing was noticed, in seconds.

        Returns:
            A watch with `look_again` and `stop`; closing the pool ends it. See
            `holotype.deployment.watching`.

        Raises:
            PoolError: the pool was not made from a file.
            MissingExtraError: watchfiles is not installed.
        """
        if self._location is None:
            raise PoolError("", "this pool was not made from a file, so there is nothing to watch")
        # By name: they need the extra.
        deployment: Any = importlib.import_module("holotype.deployment")
        source = deployment.open_source(self._location)
        watch = deployment.Watch(source, self._on_change, self._on_failure, poll_s=poll_s)
        self._watch = watch.start()
        return watch

    def _on_change(self, loaded: Any) -> None:
        applied = self.reload()
        if applied.failed:
            # The watch tries again when somebody asks it to.
            raise PoolError("", "; ".join(applied.failed.values()))

    def _on_failure(self, error: Exception) -> None:
        self.events.add("deployment_failed", reason=str(error))

    def load(self, name: str, *, timeout_s: float | None = None) -> None:
        """Load all variants of a name that are not loaded, and wait for them.

        Raises:
            UnknownNameError: the pool has no such name.
            PoolError: a variant cannot be loaded.
        """
        jobs = [self._engine.load(variant.slot) for variant in self._variants(name)]
        for job in jobs:
            if job is not None:
                job.future.result(timeout_s)

    def unload(self, name: str) -> None:
        """Unload all variants of a name once no call runs on them; the next call loads them again.

        Raises:
            UnknownNameError: the pool has no such name.
        """
        for variant in self._variants(name):
            self._engine.unload(variant.slot)

    def pin(self, name: str, *, pinned: bool = True) -> None:
        """Keep a name loaded although others need the memory, or nobody calls; or not any more.

        Raises:
            UnknownNameError: the pool has no such name.
        """
        with self._engine.lock:
            for variant in self._variants(name):
                variant.slot.pinned = pinned
        self._engine.wake()

    def swap(
        self,
        name: str,
        source: Source,
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
            source: where the new model comes from.
            variant: which variant is replaced; it can be left out if there is one.
            mode: ``"overlap"`` loads the new model beside the old one; ``"replace"`` unloads the
                old one first, and loads it again on failure. None takes that of the deployment.
            allow_different_vectors: whether the new model may make vectors that an index of the old
                one cannot be searched with.
            timeout_s: how long to wait for memory.

        Raises:
            UnknownNameError: the pool has no such name or variant.
            ContradictionError: the new model is of another kind, or makes other vectors.
            SupersededError: another swap came before this one began.
            PoolError: the new model cannot be loaded.
        """
        route = self._caller.route(name)
        chosen = route.choose(None, variant) if variant or len(route.variants) == 1 else None
        if chosen is None:
            names = ", ".join(repr(one.name) for one in route.variants)
            raise PoolError(name, f"has several variants; pass variant= with one of {names}")
        spec = route.spec
        if allow_different_vectors:
            spec = replace(spec, allow_different_vectors=True)
        (old,) = (one for one in spec.variants if one.name == chosen.name)
        unit = self._opener.unit(spec, replace(old, source=source))
        mode = self._engine.settings.swap if mode is None else mode
        job = self._engine.swap(chosen.slot, unit, mode=mode, timeout_s=timeout_s)
        version = job.future.result().version
        chosen.breaker.reset()
        return version

    def prepare(
        self, replacements: Sequence[Replacement], *, timeout_s: float = 60.0
    ) -> PreparedSwap:
        """Load replacements beside what serves, and check them; they take over with `commit`.

        Raises:
            UnknownNameError: the pool has no such name or variant.
            ContradictionError: one is of another kind, or makes other vectors.
            PoolError: one cannot be loaded; nothing has changed.
        """
        units = []
        for one in replacements:
            route = self._caller.route(one.name)
            chosen = route.choose(None, one.variant)
            (old,) = (each for each in route.spec.variants if each.name == one.variant)
            unit = self._opener.unit(route.spec, replace(old, source=one.source))
            units.append((chosen.slot, unit, chosen.breaker))
        return prepare(self._engine, units, timeout_s)

    def wait_until_ready(self, timeout_s: float | None = None) -> None:
        """Wait until everything is loaded that the deployment preloads.

        Raises:
            PoolError: something could not be loaded; the rest may be ready.
        """
        for spec in self.deployment.models:
            if spec.preload:
                self.load(spec.name, timeout_s=timeout_s)

    def status(self) -> PoolStatus:
        """Return what is loaded, and what it takes."""
        return describe(self._engine, self._caller.routes)

    def close(self, *, drain_s: float | None = 30.0) -> bool:
        """Refuse new calls, wait for those that run, and unload everything; twice is harmless.

        Args:
            drain_s: how long to wait; what is still leased then is closed when its lease ends.

        Returns:
            Whether everything is unloaded.
        """
        with self._lock:
            first, self._closed = not self._closed, True
            threads = self._threads
        if first and self._watch is not None:
            self._watch.stop()
        self._batches.close()
        slots = [one.slot for route in self._caller.routes.values() for one in route.variants]
        done = self._engine.stop(drain_s, slots)
        if threads is not None:
            threads.shutdown(wait=done, cancel_futures=True)
        if first:
            self.events.add("pool_closed", drained=done)
            self.events.end()
        return done

    def _variants(self, name: str) -> Sequence[Variant]:
        route = self._caller.route(name)
        if route.spec.ensemble is None:
            return route.variants
        return [
            variant
            for member in route.spec.ensemble.members
            for variant in self._caller.route(member.name).variants
        ]

    def __enter__(self) -> Self:
        """Return the pool."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the pool."""
        self.close()

    def __repr__(self) -> str:
        """Show the names."""
        return f"Pool({', '.join(self.names)})"
