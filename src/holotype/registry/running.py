"""Benchmarks a registered version: loads it, measures it, and records the numbers."""

from __future__ import annotations

import uuid
from typing import Any

from holotype.registry.benchmarks import SpeedProfile, measure_retrieval, measure_speed
from holotype.registry.environment import describe_environment
from holotype.registry.measurements import BenchmarkRun
from holotype.registry.model_registry import ModelRegistry
from holotype.registry.performance import PerformanceTracker
from holotype.registry.query_sets import read_query_set
from holotype.registry.resolving import load_version

_DOCUMENTS_OF_A_CALL = 32


def run_benchmark(
    registry: ModelRegistry,
    kind: str,
    version: str,
    queries: str = "everyday-en",
    *,
    n_requests: int = 400,
    test_run_id: str | None = None,
    device: str | None = None,
) -> tuple[BenchmarkRun, BenchmarkRun]:
    """Measure a version on a set of queries, and record the numbers.

    Latency is that of the set's queries, one at a time; throughput that of its first 32 documents in
    one call.

    Args:
        registry: the registry.
        kind: the kind of the version.
        version: its name; see `ModelRegistry.get`.
        queries: a set that ships, by its name, or the path of a file.
        n_requests: how many single queries are timed.
        test_run_id: a name that runs of several versions share; None makes one.
        device: see `load`.

    Returns:
        The run that found documents, and the run that was timed.

    Raises:
        VersionNotFoundError: there is no such version.
        VersionExistsError: the version has a run of this name on these data.
        InvalidArgumentError: there is no such set, or the version returns no vectors.
        DatabaseUnavailableError: the database does not answer.
        HolotypeError: the version cannot be loaded; see `load_version`.
    """
    found = registry.get(kind, version)
    chosen = read_query_set(queries)
    profile = SpeedProfile(
        queries=tuple(each.text for each in chosen.queries.values()),
        documents=tuple(chosen.documents.values())[:_DOCUMENTS_OF_A_CALL],
        n_requests=n_requests,
    )
    tracker = PerformanceTracker(registry)
    shared: dict[str, Any] = {"test_run_id": test_run_id or str(uuid.uuid4())}
    encoder: Any
    with load_version(found, device=device) as encoder:
        quality = measure_retrieval(encoder, chosen)
        speed = measure_speed(encoder, profile)
        shared["environment"] = describe_environment(encoder.device)
    name, digest = chosen.name, chosen.digest
    return (
        tracker.record(kind, found.name, quality, dataset=name, dataset_digest=digest, **shared),
        tracker.record(
            kind,
            found.name,
            speed,
            dataset=f"speed on {name}",
            dataset_digest=profile.digest,
            **shared,
        ),
    )
