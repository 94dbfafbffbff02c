"""Metrics in the format of Prometheus: of the server, and of its pool.

Labels are names of the deployment, routes and statuses; nothing that a request brings becomes one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from starlette.types import Scope

from holotype.pool import Pool
from holotype.pool.metrics import BOUNDS_S

MANAGEMENT = "/api"
"""What the paths of the management API begin with."""

_LABELS = ("model", "variant")
_STATES = ("cold", "loading", "ready", "sick")
_HELP: Mapping[str, str] = {
    "failures": "calls that failed",
    "fallbacks": "calls that a fallback answered",
    "loads": "models loaded",
    "load_failures": "loads that failed",
    "swaps": "models replaced by others",
    "evictions": "models unloaded for others",
    "unloads": "models unloaded",
    "batches": "batches run",
    "batched_texts": "texts in batches",
    "batched_tokens": "tokens in batches, estimated",
    "refused": "requests refused because the queue was full",
    "expired": "requests that left the queue after their deadline",
    "call_s": "how long calls of a model took",
    "wait_s": "how long calls waited for a load",
    "load_s": "how long loads took",
    "queue_s": "how long requests waited for their batch",
    "batch_s": "how long batches took",
}


class ServerMetrics:
    """What a server counts.

    Attributes:
        content_type: what `text` is, as a header has it.
    """

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, pool: Pool) -> None:
        """Count nothing yet."""
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "holotype_http_requests",
            "requests answered",
            ("route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "holotype_http_request_seconds",
            "how long requests took",
            ("route",),
            buckets=BOUNDS_S,
            registry=self._registry,
        )
        self._left = Counter(
            "holotype_http_clients_left",
            "requests whose client left before the answer",
            registry=self._registry,
        )
        self._children: dict[tuple[str, int], tuple[Any, Any]] = {}
        self._registry.register(_PoolCollector(pool))

    def answered(self, scope: Scope, status: int, seconds: float) -> None:
        """Count a request, under the path of its route."""
        route: str = scope.get("holotype.route") or _route_of(scope)
        children = self._children.get((route, status))
        if children is None:
            children = self._requests.labels(route, str(status)), self._seconds.labels(route)
            self._children[route, status] = children
        children[0].inc()
        children[1].observe(seconds)

    def client_left(self) -> None:
        """Count a request that nobody waits for any more."""
        self._left.inc()

    def text(self) -> bytes:
        """Return everything in the text format of Prometheus."""
        return generate_latest(self._registry)


class _PoolCollector(Collector):
    """Reads the metrics of a pool when they are asked for."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        yield from self._counters()
        yield from self._histograms()
        yield from self._state()

    def _counters(self) -> Iterator[Metric]:
        families: dict[str, CounterMetricFamily] = {}
        for count in self._pool.metrics.counts():
            family = families.get(count.metric)
            if family is None:
                family = families[count.metric] = CounterMetricFamily(
                    f"holotype_{count.metric}", _HELP[count.metric], labels=_LABELS
                )
            family.add_metric(count.labels, count.value)
        yield from families.values()

    def _histograms(self) -> Iterator[Metric]:
        families: dict[str, HistogramMetricFamily] = {}
        for found in self._pool.metrics.histograms():
            name = f"holotype_{found.metric.removesuffix('_s')}_seconds"
            family = families.get(name)
            if family is None:
                family = families[name] = HistogramMetricFamily(
                    name, _HELP[found.metric], labels=_LABELS
                )
            buckets: list[tuple[str, float]] = []
            total = 0
            for bound, n in zip((*map(str, BOUNDS_S), "+Inf"), found.counts, strict=True):
                total += n
                buckets.append((bound, total))
            family.add_metric(found.labels, buckets, found.sum_s)
        yield from families.values()

    def _state(self) -> Iterator[Metric]:
        status = self._pool.status()
        labels = (*_LABELS, "copy")
        state = GaugeMetricFamily(
            "holotype_model_state", "1 for the state that a model is in", labels=(*labels, "state")
        )
        memory = GaugeMetricFamily(
            "holotype_model_memory_bytes", "memory of loaded models", labels=labels
        )
        leases = GaugeMetricFamily("holotype_model_calls", "calls that run", labels=labels)
        generation = GaugeMetricFamily(
            "holotype_model_generation", "which load of the name serves; 0 if none", labels=labels
        )
        for one in status.models:
            at = (one.name, one.variant, str(one.copy))
            for each in _STATES:
                state.add_metric((*at, each), float(each == one.state))
            memory.add_metric(at, one.memory_bytes)
            leases.add_metric(at, one.n_leases)
            generation.add_metric(at, 0 if one.version is None else one.version.number)
        budget = GaugeMetricFamily(
            "holotype_device_budget_bytes", "what models may take", labels=("device",)
        )
        held = GaugeMetricFamily(
            "holotype_device_held_bytes", "what loaded models take", labels=("device",)
        )
        lost = GaugeMetricFamily(
            "holotype_device_unreturned_bytes",
            "what unloaded models did not give back; it counts as taken",
            labels=("device",),
        )
        for device in status.devices:
            budget.add_metric((device.name,), device.budget_bytes)
            held.add_metric((device.name,), device.held_bytes)
            lost.add_metric((device.name,), device.unreturned_bytes)
        yield from (state, memory, leases, generation, budget, held, lost)


def _route_of(scope: Scope) -> str:
    """Return the path of the route that FastAPI found, whole; it knows that of the router only."""
    path: str = getattr(scope.get("route"), "path", "other")
    is_managed = scope["path"].startswith(f"{MANAGEMENT}/") and not path.startswith(MANAGEMENT)
    return f"{MANAGEMENT}{path}" if is_managed and path != "other" else path
