"""The queues of a pool: one for each variant whose callers want to share batches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from threading import Lock
from typing import Any, NamedTuple, TypeAlias, cast

from holotype.pool.batching import Batcher
from holotype.pool.calling import Answer, Caller, run_method
from holotype.pool.cores import Cores
from holotype.pool.errors import PoolClosedError, PoolError
from holotype.pool.generation import Facts, Generation, ModelKind
from holotype.pool.metrics import Metrics
from holotype.pool.queued import Batched, Joined, Limits, Request, Take
from holotype.pool.routes import Route, Variant
from holotype.pool.together import Finish, plan_together

_Group: TypeAlias = tuple[str, ModelKind | None, tuple[tuple[str, Any], ...]]
"""What the items of one batch have in common: method, kind and options."""


class QueuedCall(NamedTuple):
    """A call that waits for its batch.

    Attributes:
        name: the name that was called.
        request: the request.
        finish: turns the results of its items into what the call returns.
        timeout_s: how long the caller waits for the batch to begin; None for no limit.
    """

    name: str
    request: Request
    finish: Finish
    timeout_s: float | None

    def result(self) -> Answer[Any]:
        """Wait for the answer; see `Pool.call`.

        Raises:
            LoadingTimeoutError: the model was not loaded in time.
            DeadlineError: the call was not begun in time.
        """
        request = self.request
        try:
            return self.answer(request.result(self.timeout_s))
        except TimeoutError:
            # Its own errors are such, too, and stay what they are.
            request.expire()
            return self.answer(request.result())
        except BaseException:
            request.cancel()
            raise

    async def wait(self) -> Answer[Any]:
        """Do what `result` does without blocking the event loop."""
        timer = None
        if self.timeout_s is not None:
            loop = asyncio.get_running_loop()
            timer = loop.call_later(self.timeout_s, self.request.expire)
        try:
            return self.answer(await asyncio.wrap_future(self.request))
        finally:
            if timer is not None:
                timer.cancel()

    def answer(self, found: Joined) -> Answer[Any]:
        """Return the answer, from what the request found."""
        return Answer(
            value=self.finish(found.value, found.facts),
            versions=found.versions,
            asked=self.name,
            because=found.because,
            queue_s=found.queue_s,
            run_s=found.run_s,
        )


class BatchedCalls:
    """Queues the calls of a pool. Safe to share between threads."""

    def __init__(
        self,
        caller: Caller,
        *,
        clock: Callable[[], float],
        metrics: Metrics,
        limits: Limits | None,
    ) -> None:
        """Queue nothing yet.

        Args:
            caller: runs the batches.
            clock: seconds that only grow.
            metrics: where batches are counted.
            limits: how much may be queued; where the deployment states `batch_tokens`, that counts.
        """
        self._caller = caller
        self._clock = clock
        self._metrics = metrics
        self._limits = limits
        self._cores = Cores()
        self._lock = Lock()
        self._queues: dict[tuple[str, str], tuple[Route, Batcher]] = {}
        self._closed = False

    def submit(
        self,
        name: str,
        method: str,
        args: Sequence[Any],
        options: Mapping[str, Any],
        *,
        key: str | None,
        variant: str | None,
        timeout_s: float | None,
        kind: ModelKind | None = None,
    ) -> QueuedCall | None:
        """Queue a call; see `Pool.call` for the arguments. None if it cannot run with others.

        Raises:
            UnknownNameError: the pool has no such name or variant.
            PoolError: the name is an ensemble, the queue is full, or the pool is closed.
        """
        together = plan_together(name, method, args, options)
        if together is None:
            return None
        route = self._caller.route(name)
        if route.spec.ensemble is not None:
            raise PoolError(name, "is an ensemble; the calls of its members can be batched")
        seconds = route.limit_s(timeout_s)
        group: _Group = together.method, kind, tuple(sorted(together.options.items()))
        request = self._queue(route, route.choose(key, variant)).submit(
            group,
            together.items,
            urgent=together.is_urgent,
            tokens_each=together.tokens_each,
            deadline_s=None if seconds is None else self._clock() + seconds,
        )
        return QueuedCall(name=name, request=request, finish=together.finish, timeout_s=seconds)

    def _queue(self, route: Route, variant: Variant) -> Batcher:
        # A variant that is being loaded must not hold up the others.
        place = route.spec.name, variant.name
        known, queue = self._queues.get(place, (None, None))
        if queue is not None and known is route:
            return queue
        with self._lock:
            if self._closed:
                raise PoolClosedError(route.spec.name)
            queue = self._queues[place][1] if place in self._queues else self._make(*place)
            # Another deployment may have other limits.
            queue.limits = self._limits_of(variant)
            queue.n_workers = route.spec.copies
            self._queues[place] = route, queue
            return queue

    def _make(self, name: str, variant: str) -> Batcher:
        def run(group: Hashable, take: Take, wait_s: float | None) -> Batched:
            method, kind, options = cast("_Group", group)
            facts: Facts | None = None

            def compute(generation: Generation) -> Any:
                nonlocal facts
                facts = generation.facts
                model, items = generation.model, take()
                at_once = self._cores.at_once(model)
                queue.n_workers = max(at_once, self._n_copies(name))
                with self._cores.share() if at_once > 1 else nullcontext():
                    return run_method(generation, method, (items,), dict(options), kind)

            # A caller whose time is up asks for a fallback itself; the others go on waiting.
            answer = self._caller.answer(
                name, compute, variant=variant, timeout_s=wait_s, stand_in_when_late=False
            )
            return Batched(
                value=answer.value, version=answer.version, facts=facts, because=answer.because
            )

        def max_length() -> int | None:
            route = self._caller.routes.get(name)
            for one in () if route is None else route.variants:
                last = one.first.slot.last
                if one.name == variant and last is not None:
                    return last.facts.max_length
            return None

        queue = Batcher(name, run, clock=self._clock, metrics=self._metrics, max_length=max_length)
        return queue

    def _n_copies(self, name: str) -> int:
        route = self._caller.routes.get(name)
        return 1 if route is None else route.spec.copies

    def _limits_of(self, variant: Variant) -> Limits:
        limits = Limits() if self._limits is None else self._limits
        stated = variant.first.slot.unit.batch_tokens
        return limits if stated is None else replace(limits, batch_tokens=stated)

    def close(self) -> None:
        """Refuse what is queued and what comes."""
        with self._lock:
            self._closed = True
            queues = [queue for _, queue in self._queues.values()]
        for queue in queues:
            queue.close()
