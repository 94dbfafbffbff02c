"""Benchmarks a registered version: loads it, measures it, and records the numbers."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from holotype.catalogue import Catalogue
from holotype.errors import InvalidArgumentError
from holotype.registry.benchmarks import knows_labels, measure_classification, measure_retrieval
from holotype.registry.environment import describe_environment
from holotype.registry.labelled_sets import LabelledSet, read_labelled_set, shipped_labelled_sets
from holotype.registry.measurements import BenchmarkRun, Measurement
from holotype.registry.model_registry import ModelRegistry
from holotype.registry.performance import PerformanceTracker
from holotype.registry.picture_speed import (
    PictureProfile,
    measure_picture_speed,
    reads_pictures,
)
from holotype.registry.query_sets import QuerySet, read_query_set, shipped_query_sets
from holotype.registry.resolving import load_version
from holotype.registry.speed import SpeedProfile, measure_speed
from holotype.registry.validating import LoadedVersion, OpenVersion
from holotype.registry.versions import ModelVersion

_DOCUMENTS_OF_A_CALL = 32
_RETRIEVES = ("dense", "colbert", "sparse", "cross-encoder")
_OF_PICTURES = ("image-text", "captioner")
_DRAWN = "drawn pictures"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A set of texts that ships.

    Attributes:
        name: its name.
        types: the types of models that are measured on it.
        description: what its texts are about.
        license: the SPDX identifier of their licence.
        n_queries: how many queries, or labelled texts, it has.
        n_documents: how many documents it has; 0 if it has none.
        labels: the labels that a classifier must have; empty for other models.
    """

    name: str
    types: tuple[str, ...]
    description: str
    license: str
    n_queries: int
    n_documents: int
    labels: tuple[str, ...] = ()


def shipped_datasets() -> tuple[Dataset, ...]:
    """Return the sets that ship: of queries, and of labelled texts."""
    searched = map(read_query_set, shipped_query_sets())
    labelled = map(read_labelled_set, shipped_labelled_sets())
    return (
        *(
            Dataset(
                name=each.name,
                types=_RETRIEVES,
                description=each.description,
                license=each.license,
                n_queries=len(each.queries),
                n_documents=len(each.documents),
            )
            for each in searched
        ),
        *(
            Dataset(
                name=each.name,
                types=("classifier",),
                description=each.description,
                license=each.license,
                n_queries=len(each.texts),
                n_documents=0,
                labels=each.labels,
            )
            for each in labelled
        ),
    )


def run_benchmark(
    registry: ModelRegistry,
    kind: str,
    version: str,
    data: str | None = None,
    *,
    n_requests: int = 400,
    test_run_id: str | None = None,
    device: str | None = None,
    open: OpenVersion | None = None,
    on_step: Callable[[str], object] = lambda _: None,
    before_each: Callable[[], object] = lambda: None,
) -> tuple[BenchmarkRun, ...]:
    """Measure a version on a set of texts, and record the numbers.

    Encoders of queries and documents, and rerankers, are measured on a set of queries; classifiers
    on a set of labelled texts. Latency is that of the set's queries or texts, one at a time;
    throughput that of its first 32 documents or texts in one call; see `measure_speed`. Of models
    that read pictures only the speed is measured, on pictures that are drawn: see
    `measure_picture_speed`.

    Args:
        registry: the registry.
        kind: the kind of the version.
        version: its name; see `ModelRegistry.get`.
        data: a set that ships, by its name, or the path of a file. None takes the one that ships
            for its type; of a classifier with other labels only the speed is measured then.
        n_requests: how many requests are timed. A captioner may take seconds for each.
        test_run_id: a name that runs of several versions share; None makes one.
        device: see `load`.
        open: loads the version in another way, such as a pool's; `device` must be None then.
        on_step: is told what is being measured.
        before_each: is called before each request; what it raises ends the benchmark, and nothing
            is recorded.

    Returns:
        The run that says how good it is, if there is one, and the run that was timed.

    Raises:
        VersionNotFoundError: there is no such version.
        VersionExistsError: the version has a run of this name on these data.
        InvalidArgumentError: there is no such set, or it is for another type of model.
        DatabaseUnavailableError: the database does not answer.
        HolotypeError: the version cannot be loaded; see `load_version`.
    """
    found = registry.get(kind, version)
    chosen = None if found.type in _OF_PICTURES else _read(found, data)
    if chosen is None and data is not None:
        raise _no_data(found, data)
    run_id = test_run_id or str(uuid.uuid4())
    opening = open(found) if open is not None else _open(found, device, registry.catalogue)
    measured: list[tuple[str, str, tuple[Measurement, ...]]] = []
    on_step(f"loading {found.name}")
    with opening as opened:
        encoder = opened.model
        if chosen is None or reads_pictures(encoder):
            if data is not None:
                raise _no_data(found, data)
            measured.append(_time_pictures(opened, n_requests, on_step, before_each))
            chosen = None
        elif _can_judge(encoder, chosen, stated=data is not None):
            on_step(f"measuring quality on {chosen.name}")
            quality = (
                measure_classification(encoder, chosen)
                if isinstance(chosen, LabelledSet)
                else measure_retrieval(encoder, chosen)
            )
            measured.append((chosen.name, chosen.digest, quality))
        if chosen is not None:
            measured.append(_time_texts(opened, chosen, n_requests, on_step, before_each))
        environment = describe_environment(encoder.device)
    tracker = PerformanceTracker(registry)
    return tuple(
        tracker.record(
            kind,
            found.name,
            numbers,
            dataset=name,
            dataset_digest=digest,
            environment=environment,
            test_run_id=run_id,
        )
        for name, digest, numbers in measured
    )


def _time_texts(
    opened: LoadedVersion,
    chosen: QuerySet | LabelledSet,
    n_requests: int,
    on_step: Callable[[str], object],
    before_each: Callable[[], object],
) -> tuple[str, str, tuple[Measurement, ...]]:
    """Return the name and the digest of what was timed, and the numbers."""
    queries, documents = _texts(chosen)
    profile = SpeedProfile(
        queries=queries, documents=documents[:_DOCUMENTS_OF_A_CALL], n_requests=n_requests
    )
    on_step(f"timing {n_requests} requests")
    measured = measure_speed(opened.model, profile, before_each=before_each)
    numbers = (*measured, *_memory(opened))
    return f"speed on {chosen.name}", profile.digest, numbers


def _time_pictures(
    opened: LoadedVersion,
    n_requests: int,
    on_step: Callable[[str], object],
    before_each: Callable[[], object],
) -> tuple[str, str, tuple[Measurement, ...]]:
    """Return the same for pictures."""
    profile = PictureProfile(n_requests=n_requests)
    on_step(f"timing {n_requests} pictures")
    measured = measure_picture_speed(opened.model, profile, before_each=before_each)
    numbers = (*measured, *_memory(opened))
    return f"speed on {_DRAWN}", profile.digest, numbers


def _no_data(version: ModelVersion, data: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"{version.name} reads pictures, and is measured on those that the benchmark draws; leave "
        f"{data!r} out"
    )


@contextmanager
def _open(
    version: ModelVersion, device: str | None, catalogue: Catalogue[Any] | None
) -> Iterator[LoadedVersion]:
    began_s = perf_counter()
    with load_version(version, device=device, catalogue=catalogue) as model:
        weights = int(model.memory_bytes)
        yield LoadedVersion(model=model, load_s=perf_counter() - began_s, memory_bytes=weights)


def _read(version: ModelVersion, data: str | None) -> QuerySet | LabelledSet:
    """Return the set for a type of model.

    Raises:
        InvalidArgumentError: there is no such set, or none for this type.
    """
    if version.type in _RETRIEVES:
        if data in shipped_labelled_sets():
            raise InvalidArgumentError(
                f"{data!r} is a set of labelled texts, and {version.name} is a {version.type} model; "
                f"choose one of {', '.join(shipped_query_sets())}"
            )
        return read_query_set(shipped_query_sets()[0] if data is None else data)
    if version.type == "classifier":
        if data in shipped_query_sets():
            raise InvalidArgumentError(
                f"{data!r} is a set of queries, and {version.name} is a classifier; choose one of "
                f"{', '.join(shipped_labelled_sets())}"
            )
        return read_labelled_set(shipped_labelled_sets()[0] if data is None else data)
    raise InvalidArgumentError(
        f"{version.name} is a {version.type} model; there are benchmarks for "
        f"{', '.join(_RETRIEVES)} and classifier"
    )


def _texts(chosen: QuerySet | LabelledSet) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if isinstance(chosen, LabelledSet):
        texts = tuple(each.text for each in chosen.texts.values())
        return texts, texts
    queries = tuple(each.text for each in chosen.queries.values())
    return queries, tuple(chosen.documents.values())


def _can_judge(encoder: Any, chosen: QuerySet | LabelledSet, *, stated: bool) -> bool:
    """Whether a model can be measured on a set; a set that somebody chose must fit."""
    if isinstance(chosen, LabelledSet):
        return stated or knows_labels(encoder.labels, chosen)
    return stated or getattr(encoder, "n_labels", 1) == 1


def _memory(opened: LoadedVersion) -> tuple[Measurement, ...]:
    """Return what the process grew by, where somebody measured it."""
    if opened.memory_bytes <= opened.model.memory_bytes:
        return ()
    return (
        Measurement(
            name="memory_loaded",
            unit="bytes",
            value=float(opened.memory_bytes),
            n_samples=1,
            higher_is_better=False,
            notes="what the process grew by, as the pool measured it",
        ),
    )
