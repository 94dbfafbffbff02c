"""Measures how fast a loaded encoder is, how often it fails, and what it takes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from time import perf_counter
from typing import Any

import numpy as np

from holotype.errors import InvalidArgumentError
from holotype.registry.intervals import (
    quantile,
    quantile_interval,
    share_interval,
    t_interval,
)
from holotype.registry.measurements import Measurement

_PERCENTILES = (50, 95, 99)

Call = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedProfile:
    """How speed is measured.

    Attributes:
        queries: the queries; they are encoded one at a time, for the latency.
        documents: the documents; they are encoded all in one call, for the throughput.
        n_requests: how many queries are timed; they start again if there are fewer.
        n_rounds: how many calls with all documents are timed.
        n_warm_up: how many of each run before, without being timed.
        n_reranked: with how many documents a reranker gets each query.
    """

    queries: tuple[str, ...]
    documents: tuple[str, ...]
    n_requests: int = 400
    n_rounds: int = 10
    n_warm_up: int = 3
    n_reranked: int = 10

    def __post_init__(self) -> None:
        """Check the values."""
        counts = (self.n_requests, self.n_rounds, len(self.queries), len(self.documents))
        if min(*counts, self.n_reranked) < 1 or self.n_warm_up < 0:
            raise InvalidArgumentError(
                f"a profile has {len(self.queries)} queries, {len(self.documents)} documents, "
                f"{self.n_requests} requests, {self.n_rounds} rounds and {self.n_reranked} documents "
                "to rerank; expected 1 or more of each"
            )

    @property
    def digest(self) -> str:
        """The SHA-256 of the texts and the counts: ``sha256:`` and 64 hexadecimal digits."""
        counts = [self.n_requests, self.n_rounds, self.n_warm_up, self.n_reranked]
        values = [self.queries, self.documents, *counts]
        return f"sha256:{hashlib.sha256(json.dumps(values).encode()).hexdigest()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """What one request and one round are for a type of model.

    Attributes:
        one: answers one query, or reads one picture.
        many: answers all documents, or reads all pictures.
        unit: what `many` counts: ``texts``, ``pairs`` or ``pictures``.
        n_many: how many of them.
        request: one request, in words.
        round: one round, in words.
    """

    one: Callable[[Any], object]
    many: Callable[[], object]
    unit: str
    n_many: int
    request: str
    round: str


def measure_speed(
    encoder: Any,
    profile: SpeedProfile,
    *,
    clock: Callable[[], float] = perf_counter,
    before_each: Callable[[], object] = lambda: None,
) -> tuple[Measurement, ...]:
    """Time single requests, and calls with all documents of a profile.

    A request is one query of a dense, ColBERT or sparse encoder, one text of a classifier, or one
    query with some documents of a reranker. Latencies are percentiles over the requests that
    succeeded, with intervals by order statistics: 400 requests are enough for one of the 99th.
    Throughput is the mean over the rounds, with an interval by Student's t; that of a reranker
    counts pairs of the first query with each document. Tokens are those of the texts themselves,
    without prompts and markers. Texts that are longer than the model reads are cut.

    Args:
        encoder: a loaded encoder of any type of text model.
        profile: what to encode, and how often.
        clock: the time in seconds.
        before_each: is called before each request and round; what it raises ends the measurement.

    Raises:
        InvalidArgumentError: the encoder is of another type.
        Exception: whatever the encoder raises, if every request failed.
    """
    calls = _calls_of(encoder, profile)
    n_tokens = int(np.sum(encoder.count_tokens(list(profile.documents))))
    return time_calls(
        encoder,
        calls,
        profile.queries,
        n_requests=profile.n_requests,
        n_rounds=profile.n_rounds,
        n_warm_up=profile.n_warm_up,
        n_tokens=n_tokens if calls.unit == "texts" else None,
        clock=clock,
        before_each=before_each,
    )


def time_calls(
    encoder: Any,
    calls: Calls,
    items: Sequence[Any],
    *,
    n_requests: int,
    n_rounds: int,
    n_warm_up: int,
    n_tokens: int | None = None,
    clock: Callable[[], float] = perf_counter,
    before_each: Callable[[], object] = lambda: None,
) -> tuple[Measurement, ...]:
    """Time requests and rounds of any type of model; see `measure_speed`.

    Args:
        encoder: the loaded model.
        calls: what a request and a round are.
        items: what requests are made of, in turn.
        n_requests: how many requests are timed.
        n_rounds: how many rounds are timed.
        n_warm_up: how many of each run before.
        n_tokens: the tokens of a round; None does not count them.
        clock: the time in seconds.
        before_each: is called before each of them; what it raises ends the measurement.
    """
    single = [items[n % len(items)] for n in range(n_warm_up + n_requests)]
    requests = [_bind(calls.one, item) for item in single]
    seconds, n_failed = _timed(requests, n_warm_up, clock, before_each)
    rounds, _ = _timed([calls.many] * (n_warm_up + n_rounds), n_warm_up, clock, before_each)
    latencies = [1000 * each for each in seconds]
    rates = [(calls.unit, calls.n_many)] + ([] if n_tokens is None else [("tokens", n_tokens)])
    return (
        *(_latency(latencies, percent, calls.request) for percent in _PERCENTILES),
        *(
            _rate(f"throughput_{unit}", f"{unit}/s", [count / each for each in rounds], calls.round)
            for unit, count in rates
        ),
        Measurement(
            name="error_rate",
            unit="1",
            value=n_failed / n_requests,
            n_samples=n_requests,
            interval=share_interval(n_failed, n_requests),
            higher_is_better=False,
            notes=f"requests that raised an error; {calls.request}",
        ),
        Measurement(
            name="memory_weights",
            unit="bytes",
            value=float(encoder.memory_bytes),
            n_samples=1,
            higher_is_better=False,
            notes="the weights alone; a batch needs memory on top",
        ),
    )


def _calls_of(encoder: Any, profile: SpeedProfile) -> Calls:
    documents = list(profile.documents)
    options: dict[str, Any] = {"progress": False, "on_overflow": "truncate"}
    if hasattr(encoder, "encode_query") and hasattr(encoder, "encode_document"):
        return Calls(
            one=lambda query: encoder.encode_query(query, **options),
            many=lambda: encoder.encode_document(documents, **options),
            unit="texts",
            n_many=len(documents),
            request="one query at a time",
            round="all documents in one call",
        )
    if hasattr(encoder, "classify"):
        return Calls(
            one=lambda query: encoder.classify(query, **options),
            many=lambda: encoder.classify(documents, **options),
            unit="texts",
            n_many=len(documents),
            request="one text at a time",
            round="all texts in one call",
        )
    if hasattr(encoder, "predict"):
        some = documents[: profile.n_reranked]
        pairs = [(profile.queries[0], document) for document in documents]
        return Calls(
            one=lambda query: encoder.predict([(query, each) for each in some], **options),
            many=lambda: encoder.predict(pairs, **options),
            unit="pairs",
            n_many=len(pairs),
            request=f"one query with {len(some)} documents at a time",
            round="one query with all documents in one call",
        )
    raise InvalidArgumentError(
        f"{type(encoder).__name__} is no encoder of texts; expected one of queries and documents, a "
        "reranker or a classifier; measure_picture_speed() is for models that read pictures"
    )


def _bind(call: Callable[[Any], object], item: Any) -> Callable[[], object]:
    return lambda: call(item)


def _timed(
    calls: Sequence[Callable[[], object]],
    n_warm_up: int,
    clock: Callable[[], float],
    before_each: Callable[[], object],
) -> tuple[list[float], int]:
    """Return how long each call took that succeeded, and how many failed, without the first ones.

    Raises:
        Exception: what the last call raised, if none succeeded.
    """
    seconds: list[float] = []
    failure: Exception | None = None
    n_failed = 0
    for number, call in enumerate(calls):
        before_each()
        start = clock()
        try:
            call()
        except Exception as error:
            failure = error
            n_failed += number >= n_warm_up
            continue
        if number >= n_warm_up:
            seconds.append(clock() - start)
    if not seconds and failure is not None:
        raise failure
    return seconds, n_failed


def _latency(milliseconds: Sequence[float], percent: int, request: str) -> Measurement:
    return Measurement(
        name=f"latency_p{percent}",
        unit="ms",
        value=quantile(milliseconds, percent / 100),
        n_samples=len(milliseconds),
        interval=quantile_interval(milliseconds, percent / 100),
        higher_is_better=False,
        notes=request,
    )


def _rate(name: str, unit: str, samples: Sequence[float], round: str) -> Measurement:
    return Measurement(
        name=name,
        unit=unit,
        value=fmean(samples),
        n_samples=len(samples),
        interval=t_interval(samples),
        higher_is_better=True,
        notes=round,
    )
