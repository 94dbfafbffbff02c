"""The pool: models by configuration, loaded, swapped and evicted in a running process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection, Mapping
from threading import Lock
from typing import Any, Literal, NoReturn, Self, TypeVar, overload

from holotype.catalogue import Catalogue
from holotype.deployment.document import Deployment
from holotype.errors import InvalidArgumentError
from holotype.pool.arguments import check_call, check_place, check_timeout
from holotype.pool.batched_calls import BatchedCalls, QueuedCall
from holotype.pool.builder import PoolBuilder
from holotype.pool.calling import Answer, Caller
from holotype.pool.engine import Engine
from holotype.pool.errors import LoadingTimeoutError
from holotype.pool.generation import Lease, ModelKind
from holotype.pool.handles import (
    CaptionerHandle,
    ColbertHandle,
    DenseHandle,
    Handle,
    ImageTextHandle,
    SparseHandle,
    refuse_copies,
)
from holotype.pool.opening import Opener
from holotype.pool.operations import Operations, Read
from holotype.pool.queued import Limits
from holotype.pool.registered import Resolve
from holotype.pool.scoring_handles import ClassifierHandle, CrossEncoderHandle
from holotype.pool.sizes import Sizes
from holotype.pool.threads import Threads, ended

HandleT = TypeVar("HandleT", bound=Handle[Any])


class Pool(Operations):
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
        catalogue: Catalogue[Any] | None = None,
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
            catalogue: the catalogue with which `read` reads the deployment, for `watch`.
            engine: makes the engine; tests pass one with another clock or other memory.

        Raises:
            PoolError: a source is not supported or not allowed.
            MissingExtraError: psutil is not installed.
        """
        first = Deployment() if deployment is None else deployment
        known = Sizes.of_user() if sizes is None else sizes
        made = engine(first.pool, sizes=known)
        opener = Opener(
            sizes=known, allow=frozenset(allow), factories=factories or {}, registry=registry
        )
        super().__init__(
            made, Caller(made), opener, read=read, location=location, catalogue=catalogue
        )
        self._lock = Lock()
        self._batches = BatchedCalls(
            self._caller,
            clock=self._engine.clock,
            metrics=self._engine.metrics,
            limits=limits,
        )
        self._threads = Threads(
            clock=self._engine.clock,
            metrics=self._engine.metrics,
            most=(limits or Limits()).queued_requests,
        )
        self._closed = False
        try:
            self.apply(first)
        except BaseException:
            self.close(drain_s=0)
            raise

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str],
        *,
        allow: Collection[str] = (),
        catalogue: Catalogue[Any] | None = None,
    ) -> Pool:
        """Serve a deployment file, or a folder of them; see docs/deployment.md.

        Args:
            path: the file or the folder.
            allow: see `Pool`.
            catalogue: where ids are looked up before holotype's own catalogue, such as the
                `CATALOGUE` of a generated module; None means only there.

        Raises:
            HolotypeError: the file has problems; the error lists each with its line.
            PoolError: a source is not supported or not allowed.
        """
        builder = PoolBuilder(cls).with_file(path).allow(*allow)
        return (builder if catalogue is None else builder.with_catalogue(catalogue)).build()

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
    @overload
    def encoder(self, name: str, kind: Literal["image-text"]) -> ImageTextHandle: ...
    def encoder(
        self, name: str, kind: Literal["dense", "colbert", "sparse", "image-text"] = "dense"
    ) -> DenseHandle | ColbertHandle | SparseHandle | ImageTextHandle:
        """Return a handle of a model that returns vectors; nothing is loaded by that.

        Args:
            name: the name of the model.
            kind: its kind; a call of a model of another kind is an error.

        Raises:
            UnknownNameError: the pool has no such name; the error suggests similar ones.
        """
        handles: Mapping[
            str, type[DenseHandle | ColbertHandle | SparseHandle | ImageTextHandle]
        ] = {
            "dense": DenseHandle,
            "colbert": ColbertHandle,
            "sparse": SparseHandle,
            "image-text": ImageTextHandle,
        }
        if kind not in handles:
            raise InvalidArgumentError(f"kind is {kind!r}; expected one of {', '.join(handles)}")
        return self._handle(handles[kind], name)

    def classifier(self, name: str) -> ClassifierHandle:
        """Return a handle of a classifier, builtin or not; see `encoder`."""
        return self._handle(ClassifierHandle, name)

    def cross_encoder(self, name: str) -> CrossEncoderHandle:
        """Return a handle of a cross-encoder; see `encoder`."""
        return self._handle(CrossEncoderHandle, name)

    def captioner(self, name: str) -> CaptionerHandle:
        """Return a handle of a model that writes captions; see `encoder`."""
        return self._handle(CaptionerHandle, name)

    def _handle(self, kind: type[HandleT], name: str) -> HandleT:
        check_place(name, None, None)
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
            InvalidArgumentError: an argument is of another type, or no time that can be waited for.
            UnknownNameError: the pool has no such name or variant.
            PoolError: the model cannot be loaded.
        """
        timeout_s = check_timeout(timeout_s)
        check_place(name, key, variant)
        route = self._caller.routes.get(name) or self._caller.route(name)
        slot = self._caller.pick(route.choose(key, variant)).slot
        seconds = route.limit_s(timeout_s)
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
                deployment, and infinity waits for the end.
            batched: whether the texts, pairs or pictures may run in one batch with those of other
                callers.
            kind: the kind that the model must have; None for any.
            options: the arguments of the method by name.

        Raises:
            InvalidArgumentError: an argument is of another type, or no time that can be waited for.
            UnknownNameError: the pool has no such name or variant.
            PoolError: the model cannot be loaded or called.
            HolotypeError: whatever the method raises.
        """
        timeout_s = check_timeout(timeout_s)
        check_call(name, method, key, variant, kind, batched)
        queued: QueuedCall | None = None
        if batched:
            queued = self._batches.submit(
                name,
                method,
                args,
                options,
                key=key,
                variant=variant,
                timeout_s=timeout_s,
                kind=kind,
            )
        if queued is not None:
            try:
                return queued.result()
            except LoadingTimeoutError:
                if not self._caller.route(name).spec.fallback:
                    raise
            # What stands in for it answers now, or nothing does.
            timeout_s = 0.0
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
        kind: ModelKind | None = None,
        **options: Any,
    ) -> Answer[Any]:
        """Do what `call` does without blocking the event loop.

        The model runs on a thread. A task that is cancelled leaves the queue, or those that wait for
        a load, so that nothing is computed for it; a load or a model that runs already goes on.

        Raises:
            QueueFullError: too much is queued already.
            DeadlineError: the call was not begun within `timeout_s`.
            PoolError: see `call`.
            HolotypeError: whatever the method raises.
        """
        timeout_s = check_timeout(timeout_s)
        check_call(name, method, key, variant, kind, batched)
        stated = self._caller.route(name).limit_s(timeout_s)
        is_late = False
        queued: QueuedCall | None = None
        if batched:
            queued = self._batches.submit(
                name,
                method,
                args,
                options,
                key=key,
                variant=variant,
                timeout_s=timeout_s,
                kind=kind,
            )
        if queued is not None:
            try:
                return await queued.wait()
            except LoadingTimeoutError:
                if not self._caller.route(name).spec.fallback:
                    raise
            # What stands in for it answers now, or nothing does.
            is_late, stated = True, None
        # Those that wait for a load hold no thread, which others need.
        load = None if is_late else self._caller.load_for(name, key, variant, stated)
        if load is not None:
            variant, began_s = load.slot.variant, self._engine.clock()
            with self._threads.place(name):
                is_late = not await ended(load.future, stated)
            if stated is not None:
                stated = None if is_late else stated - (self._engine.clock() - began_s)

        def run(left_s: float | None, begin: Callable[[], None]) -> Answer[Any]:
            return self._caller.call(
                name,
                method,
                args,
                options,
                key=key,
                variant=variant,
                timeout_s=0.0 if is_late else left_s,
                kind=kind,
                begin=begin,
                awaited=load,
            )

        return await asyncio.wrap_future(self._threads.submit(name, run, stated))

    def submit(
        self,
        name: str,
        method: str,
        *args: Any,
        key: str | None = None,
        variant: str | None = None,
        timeout_s: float | None = None,
        kind: ModelKind | None = None,
        **options: Any,
    ) -> QueuedCall | None:
        """Queue a call for a batch, and return at once; see `call` for the arguments.

        It is for callers who wait in a way of their own, and costs less than `acall`.

        Returns:
            The call, with a future that is done when the answer is there; None if the call cannot
            run in a batch, and nothing was queued.

        Raises:
            QueueFullError: too much is queued already.
            PoolError: the pool has no such name or variant, or is closed.
        """
        timeout_s = check_timeout(timeout_s)
        check_call(name, method, key, variant, kind, False)
        return self._batches.submit(
            name,
            method,
            args,
            options,
            key=key,
            variant=variant,
            timeout_s=timeout_s,
            kind=kind,
        )

    def close(self, *, drain_s: float | None = 30.0) -> bool:
        """Refuse new calls, wait for those that run, and unload everything; twice is harmless.

        In a fork of the process that made the pool, there is nothing to wait for and to unload.

        Args:
            drain_s: how long to wait; what is still leased then is closed when its lease ends. None
                waits for the end.

        Returns:
            Whether everything is unloaded.

        Raises:
            InvalidArgumentError: `drain_s` is no time that can be waited for.
        """
        drain_s = check_timeout(drain_s, "drain_s")
        with self._lock:
            first, self._closed = not self._closed, True
        if self._engine.is_elsewhere:
            self._engine.refuse()
            return False
        self._threads.refuse()
        if first and self._watch is not None:
            self._watch.stop()
        self._batches.close()
        slots = [one.slot for route in self._caller.routes.values() for one in route.copies]
        done = self._engine.stop(drain_s, slots)
        self._threads.end(wait=done)
        if first:
            self.events.add("pool_closed", drained=done)
            self.events.end()
        return done

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied.

        Raises:
            InvalidArgumentError: always.
        """
        refuse_copies(self)

    def __enter__(self) -> Self:
        """Return the pool."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the pool."""
        self.close()

    def __repr__(self) -> str:
        """Show the names."""
        return f"Pool({', '.join(self.names)})"
