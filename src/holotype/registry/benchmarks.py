"""Measures a loaded encoder: how well it finds documents, and how fast it encodes."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from time import perf_counter
from typing import Any, Protocol

import numpy as np

from holotype.errors import InvalidArgumentError
from holotype.registry.intervals import (
    bootstrap_interval,
    quantile,
    quantile_interval,
    t_interval,
)
from holotype.registry.measurements import Measurement
from holotype.registry.query_sets import QuerySet

RECALL_AT = (1, 5, 10)
NDCG_AT = 10

_QUERIES_AT_ONCE = 256
_PERCENTILES = (50, 95, 99)


class SearchEncoder(Protocol):
    """An encoder of queries and documents: dense, ColBERT or sparse."""

    def encode_query(self, texts: Any, **options: Any) -> Any:
        """Encode queries."""
        ...

    def encode_document(self, texts: Any, **options: Any) -> Any:
        """Encode documents."""
        ...

    def similarity(self, queries: Any, documents: Any) -> Any:
        """Score every query against every document: ``[n_queries, n_documents]``."""
        ...

    def count_tokens(self, texts: Any) -> Any:
        """Count the tokens of texts."""
        ...

    @property
    def memory_bytes(self) -> int:
        """The size of the weights."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedProfile:
    """How speed is measured.

    Attributes:
        queries: the queries; they are encoded one at a time, for the latency.
        documents: the documents; they are encoded all in one call, for the throughput.
        n_requests: how many queries are timed; they start again if there are fewer.
        n_rounds: how many calls with all documents are timed.
        n_warm_up: how many of each run before, without being timed.
    """

    queries: tuple[str, ...]
    documents: tuple[str, ...]
    n_requests: int = 400
    n_rounds: int = 10
    n_warm_up: int = 3

    def __post_init__(self) -> None:
        """Check the values."""
        counts = (self.n_requests, self.n_rounds, len(self.queries), len(self.documents))
        if min(counts) < 1 or self.n_warm_up < 0:
            raise InvalidArgumentError(
                f"a profile has {len(self.queries)} queries, {len(self.documents)} documents, "
                f"{self.n_requests} requests and {self.n_rounds} rounds; expected 1 or more of each"
            )

    @property
    def digest(self) -> str:
        """The SHA-256 of the texts and the counts: ``sha256:`` and 64 hexadecimal digits."""
        values = [self.queries, self.documents, self.n_requests, self.n_rounds, self.n_warm_up]
        return f"sha256:{hashlib.sha256(json.dumps(values).encode()).hexdigest()}"


def measure_retrieval(encoder: SearchEncoder, queries: QuerySet) -> tuple[Measurement, ...]:
    """Search the documents of a set for each of its queries, by exact comparison with all.

    Recall@k is the share of a query's relevant documents among the k best. nDCG@10 has the gain
    ``2 ** grade - 1`` and the discount ``log2(rank + 1)``. Both are means over the queries; their
    intervals are bootstrapped over them. Documents of equal scores keep the order of the set. Texts
    that are longer than the model reads are cut, with a `TextOverflowWarning`.

    Raises:
        InvalidArgumentError: the encoder returns no vectors.
        HolotypeError: see the encoder's methods.
    """
    _require_vectors(encoder)
    ids = list(queries.documents)
    wanted = list(queries.queries.values())
    documents = encoder.encode_document(list(queries.documents.values()), progress=False)
    ranked: list[list[str]] = []
    for start in range(0, len(wanted), _QUERIES_AT_ONCE):
        texts = [each.text for each in wanted[start : start + _QUERIES_AT_ONCE]]
        scores = encoder.similarity(encoder.encode_query(texts, progress=False), documents)
        best = np.argsort(-np.asarray(scores), axis=1, kind="stable")[:, : max(*RECALL_AT, NDCG_AT)]
        ranked += [[ids[position] for position in row] for row in best]
    pairs = list(zip(ranked, (each.relevant for each in wanted), strict=True))
    found = {
        **{f"recall@{k}": [recall(r, w, k) for r, w in pairs] for k in RECALL_AT},
        f"ndcg@{NDCG_AT}": [ndcg(r, w, NDCG_AT) for r, w in pairs],
    }
    return tuple(
        Measurement(
            name=name,
            unit="1",
            value=fmean(values),
            n_samples=len(values),
            interval=bootstrap_interval(values),
            higher_is_better=True,
            notes=f"mean over queries of {queries.name}",
        )
        for name, values in found.items()
    )


def recall(ranked: Sequence[str], relevant: Mapping[str, int], k: int) -> float:
    """Return the share of the relevant documents that are among the first k."""
    return sum(each in relevant for each in ranked[:k]) / len(relevant)


def ndcg(ranked: Sequence[str], relevant: Mapping[str, int], k: int) -> float:
    """Return the normalised discounted cumulative gain of the first k."""

    def gains(grades: Sequence[int]) -> float:
        return sum((2.0**grade - 1) / math.log2(rank + 2) for rank, grade in enumerate(grades[:k]))

    best = gains(sorted(relevant.values(), reverse=True))
    return gains([relevant.get(each, 0) for each in ranked]) / best


def measure_speed(
    encoder: SearchEncoder,
    profile: SpeedProfile,
    *,
    clock: Callable[[], float] = perf_counter,
) -> tuple[Measurement, ...]:
    """Time single queries, and calls with all documents of a profile.

    Latencies are percentiles over the requests, with intervals by order statistics: 400 requests are
    enough for one of the 99th. Throughput is the mean over the rounds, with an interval by Student's
    t. Tokens are those of the texts themselves, without prompts and markers. Texts that are longer
    than the model reads are cut.

    Args:
        encoder: a loaded encoder of queries and documents.
        profile: what to encode, and how often.
        clock: the time in seconds.

    Raises:
        InvalidArgumentError: the encoder returns no vectors.
        HolotypeError: see the encoder's methods.
    """
    _require_vectors(encoder)
    queries, texts = profile.queries, list(profile.documents)
    single = [queries[n % len(queries)] for n in range(profile.n_warm_up + profile.n_requests)]
    seconds = list(_timed(single, encoder.encode_query, clock))[profile.n_warm_up :]
    latencies = [1000 * each for each in seconds]
    many = [texts] * (profile.n_warm_up + profile.n_rounds)
    rounds = list(_timed(many, encoder.encode_document, clock))[profile.n_warm_up :]
    n_tokens = int(np.sum(encoder.count_tokens(texts)))
    return (
        *(_latency(latencies, percent) for percent in _PERCENTILES),
        _rate("throughput_texts", "texts/s", [len(texts) / each for each in rounds]),
        _rate("throughput_tokens", "tokens/s", [n_tokens / each for each in rounds]),
        Measurement(
            name="memory_weights",
            unit="bytes",
            value=float(encoder.memory_bytes),
            n_samples=1,
            higher_is_better=False,
            notes="the weights alone; a batch needs memory on top",
        ),
    )


def _require_vectors(encoder: object) -> None:
    if not hasattr(encoder, "encode_query") or not hasattr(encoder, "similarity"):
        raise InvalidArgumentError(
            f"{type(encoder).__name__} returns no vectors of queries and documents; expected a "
            "dense, ColBERT or sparse encoder"
        )


def _timed(
    inputs: Sequence[Any], encode: Callable[..., Any], clock: Callable[[], float]
) -> Iterator[float]:
    for each in inputs:
        start = clock()
        encode(each, progress=False, on_overflow="truncate")
        yield clock() - start


def _latency(milliseconds: Sequence[float], percent: int) -> Measurement:
    return Measurement(
        name=f"latency_p{percent}",
        unit="ms",
        value=quantile(milliseconds, percent / 100),
        n_samples=len(milliseconds),
        interval=quantile_interval(milliseconds, percent / 100),
        higher_is_better=False,
        notes="one query at a time",
    )


def _rate(name: str, unit: str, samples: Sequence[float]) -> Measurement:
    return Measurement(
        name=name,
        unit=unit,
        value=fmean(samples),
        n_samples=len(samples),
        interval=t_interval(samples),
        higher_is_better=True,
        notes="all documents in one call",
    )
