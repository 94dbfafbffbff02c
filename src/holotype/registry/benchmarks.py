"""Measures how well a loaded model does its work: finds documents, or names the right label."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np

from holotype.errors import InvalidArgumentError
from holotype.registry.intervals import bootstrap_interval
from holotype.registry.labelled_sets import LabelledSet
from holotype.registry.measurements import Measurement
from holotype.registry.query_sets import QuerySet

RECALL_AT = (1, 5, 10)
NDCG_AT = 10

_QUERIES_AT_ONCE = 256


def measure_retrieval(encoder: Any, queries: QuerySet) -> tuple[Measurement, ...]:
    """Search the documents of a set for each of its queries, by exact comparison with all.

    Recall@k is the share of a query's relevant documents among the k best. nDCG@10 has the gain
    ``2 ** grade - 1`` and the discount ``log2(rank + 1)``. Both are means over the queries; their
    intervals are bootstrapped over them. Documents of equal scores keep the order of the set. Texts
    that are longer than the model reads are cut, with a `TextOverflowWarning`.

    Args:
        encoder: a dense, ColBERT or sparse encoder, or a reranker, which scores every document for
            every query.
        queries: the set.

    Raises:
        InvalidArgumentError: the encoder is neither.
        HolotypeError: see the encoder's methods.
    """
    ids = list(queries.documents)
    wanted = list(queries.queries.values())
    ranked: list[list[str]] = []
    for scores in _scores(encoder, [each.text for each in wanted], [*queries.documents.values()]):
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


def measure_classification(classifier: Any, texts: LabelledSet) -> tuple[Measurement, ...]:
    """Let a classifier name the label of each text of a set.

    The label with the highest score counts, whatever its threshold. Accuracy has a bootstrapped
    interval; the macro F1 is the mean of the labels' F1, and so has none. Labels are compared in
    any letter case. Texts that are longer than the model reads are cut, with a
    `TextOverflowWarning`.

    Args:
        classifier: a loaded classifier.
        texts: the set; the classifier must have all of its labels.

    Raises:
        InvalidArgumentError: it is no classifier, or has other labels.
        HolotypeError: see the classifier's methods.
    """
    if not hasattr(classifier, "predict_scores"):
        raise InvalidArgumentError(
            f"{type(classifier).__name__} has no labels; expected a classifier"
        )
    if not knows_labels(classifier.labels, texts):
        raise InvalidArgumentError(
            f"the set {texts.name!r} has the labels {', '.join(texts.labels)}, and the classifier "
            f"{', '.join(classifier.labels)}; measure it on texts with its own labels"
        )
    labels = [each.lower() for each in classifier.labels]
    given = list(texts.texts.values())
    scores = np.asarray(classifier.predict_scores([each.text for each in given], progress=False))
    named = [labels[position] for position in scores.argmax(axis=1)]
    right = [each.label.lower() for each in given]
    hits = [float(a == b) for a, b in zip(named, right, strict=True)]
    notes = f"texts of {texts.name}"
    return (
        Measurement(
            name="accuracy",
            unit="1",
            value=fmean(hits),
            n_samples=len(hits),
            interval=bootstrap_interval(hits),
            higher_is_better=True,
            notes=notes,
        ),
        Measurement(
            name="macro_f1",
            unit="1",
            value=macro_f1(named, right),
            n_samples=len(hits),
            higher_is_better=True,
            notes=notes,
        ),
    )


def knows_labels(labels: Sequence[str], texts: LabelledSet) -> bool:
    """Return whether a classifier with these labels can be measured on a set."""
    return {each.lower() for each in texts.labels} <= {each.lower() for each in labels}


def macro_f1(named: Sequence[str], right: Sequence[str]) -> float:
    """Return the mean over the labels that are right somewhere of their F1."""
    found: list[float] = []
    for label in sorted(set(right)):
        both = sum(a == b == label for a, b in zip(named, right, strict=True))
        found.append(2 * both / (named.count(label) + right.count(label)))
    return fmean(found)


def _scores(encoder: Any, queries: Sequence[str], documents: Sequence[str]) -> Iterator[Any]:
    """Yield the scores of windows of queries with all documents: ``[n_queries, n_documents]``."""
    if hasattr(encoder, "encode_query") and hasattr(encoder, "similarity"):
        encoded = encoder.encode_document(list(documents), progress=False)
        for start in range(0, len(queries), _QUERIES_AT_ONCE):
            window = list(queries[start : start + _QUERIES_AT_ONCE])
            yield encoder.similarity(encoder.encode_query(window, progress=False), encoded)
    elif hasattr(encoder, "predict") and getattr(encoder, "n_labels", None) == 1:
        for query in queries:
            pairs = [(query, document) for document in documents]
            yield np.asarray(encoder.predict(pairs, progress=False))[None, :]
    else:
        raise InvalidArgumentError(
            f"{type(encoder).__name__} does not compare queries with documents; expected a dense, "
            "ColBERT or sparse encoder, or a reranker with one score for a pair"
        )
