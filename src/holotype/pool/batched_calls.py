"""The queues of a pool: one for each name whose callers want to share batches."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from threading import Lock
from typing import Any, TypeAlias, cast

from holotype.pool.batching import Batched, Batcher, Joined, Limits
from holotype.pool.calling import Answer, Caller, Route
from holotype.pool.errors import PoolClosedError, PoolError
from holotype.pool.generation import ModelKind
from holotype.pool.metrics import Metrics

_Group: TypeAlias = tuple[str, ModelKind | None, str, tuple[tuple[str, Any], ...]]
"""What texts of one batch have in common: method, kind, variant and options."""


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
        self._lock = Lock()
        self._queues: dict[str, tuple[Route, Batcher]] = {}
        self._closed = False

    def submit(
        self,
        name: str,
        method: str,
        texts: str | Sequence[Any],
        options: Mapping[str, Any],
        *,
        key: str | None,
        variant: str | None,
        timeout_s: float | None,
        kind: ModelKind | None = None,
    ) -> Future[Joined]:
        """Queue a call; see `Pool.call` for the arguments.

        Raises:
            UnknownNameError: the pool has no such name or variant.
            PoolError: the name is an ensemble, the queue is full, or the pool is closed.
        """
        route = self._caller.route(name)
        if route.spec.ensemble is not None:
            raise PoolError(name, "is an ensemble; the calls of its members can be batched")
        group: _Group = (
            method,
            kind,
            route.choose(key, variant).name,
            tuple(sorted(options.items())),
        )
        seconds = route.spec.timeout_s if timeout_s is None else timeout_s
        return self._queue(route).submit(
            group,
            [texts] if isinstance(texts, str) else texts,
            urgent=method == "encode_query",
            deadline_s=None if seconds is None else self._clock() + seconds,
        )

    def _queue(self, route: Route) -> Batcher:
        name = route.spec.name
        known, queue = self._queues.get(name, (None, None))
        if queue is not None and known is route:
            return queue
        with self._lock:
            if self._closed:
                raise PoolClosedError(name)
            queue = self._queues[name][1] if name in self._queues else self._make(name)
            # Another deployment may have other limits.
            queue.limits = self._limits_of(route)
            self._queues[name] = route, queue
            return queue

    def _make(self, name: str) -> Batcher:
        def run(group: Hashable, texts: list[str]) -> Batched:
            method, kind, variant, options = cast(_Group, group)
            answer = self._caller.call(
                name, method, (texts,), dict(options), variant=variant, kind=kind
            )
            return Batched(value=answer.value, version=answer.version, because=answer.because)

        def max_length() -> int | None:
            route = self._caller.routes.get(name)
            last = route.variants[0].slot.last if route and route.variants else None
            return None if last is None else last.facts.max_length

        return Batcher(name, run, clock=self._clock, metrics=self._metrics, max_length=max_length)

    def _limits_of(self, route: Route) -> Limits:
        limits = Limits() if self._limits is None else self._limits
        stated = [variant.slot.unit.batch_tokens for variant in route.variants]
        n_tokens = next((n for n in stated if n is not None), limits.batch_tokens)
        return replace(limits, batch_tokens=n_tokens)

    def close(self) -> None:
        """Refuse what is queued and what comes."""
        with self._lock:
            self._closed = True
            queues = [queue for _, queue in self._queues.values()]
        for queue in queues:
            queue.close()


def answer_of(name: str, texts: object, found: Joined) -> Answer[Any]:
    """Return the answer for one text, or for several."""
    value = found.value[0] if isinstance(texts, str) else found.value
    return Answer(
        value=value,
        versions=found.versions,
        asked=name,
        because=found.because,
        queue_s=found.queue_s,
        run_s=found.run_s,
    )
