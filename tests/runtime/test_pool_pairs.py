"""Pairs of texts in batches across callers: scores and ranks are those of each caller alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from tests.runtime.heads import PAIRS, save_head

from holotype.encoders import Classifier, CrossEncoder, load
from holotype.pool import CrossEncoderHandle, Pool, Sizes
from holotype.references.ref import ModelRef

DOCUMENTS = [document for _, document in PAIRS]
# Some of them are longer than the model reads.
CUT: Any = {"on_overflow": "truncate"}
NAMES = {0: "contradiction", 1: "entailment", 2: "neutral"}


def pool_of(place: Path) -> Pool:
    ref = ModelRef(scheme="local", location=str(place))
    builder = Pool.builder().with_model("m", ref, device="cpu")
    return builder.remember_sizes_in(Sizes(None)).build()


@pytest.fixture(scope="module")
def reranker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_head(tmp_path_factory.mktemp("pairs") / "reranker", "Bert", num_labels=1)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("pairs") / "classifier"
    return save_head(place, "Bert", num_labels=3, id2label=NAMES)


@pytest.fixture(scope="module")
def alone(reranker: Path) -> Iterator[CrossEncoder]:
    with load(reranker, device="cpu") as encoder:
        assert isinstance(encoder, CrossEncoder)
        yield encoder


@pytest.fixture(scope="module")
def pool(reranker: Path) -> Iterator[Pool]:
    with pool_of(reranker) as pool:
        yield pool


@pytest.fixture(scope="module")
def together(pool: Pool) -> CrossEncoderHandle:
    return pool.cross_encoder("m").with_options(batched=True)


class Held:
    """Calls that gather behind one that runs, and then run in one batch."""

    def __init__(self, pool: Pool, model: Any, method: str) -> None:
        """Hold the first batch back."""
        self.pool, self.sizes = pool, list[int]()
        self.begun, self.gate = Event(), Event()
        inner = getattr(model, method)

        def run(items: list[Any], **options: Any) -> Any:
            self.sizes.append(len(items))
            self.begun.set()
            assert self.gate.wait(30)
            return inner(items, **options)

        setattr(model, method, run)

    def run(self, first: Any, *calls: Any) -> list[Any]:
        """Run calls on threads of their own, all but the first in a batch together."""
        with ThreadPoolExecutor(1 + len(calls)) as threads:
            futures: list[Future[Any]] = [threads.submit(first)]
            assert self.begun.wait(30)
            futures += map(threads.submit, calls)
            (queue,) = (queue for _, queue in self.pool._batches._queues.values())
            while queue.n_queued < len(calls):
                time.sleep(0.001)
            self.gate.set()
            return [future.result(30) for future in futures[1:]]


def test_scores_and_ranks_of_many_callers_are_those_of_each_alone(
    alone: CrossEncoder, reranker: Path
) -> None:
    with pool_of(reranker) as pool, pool.acquire("m") as lease:
        handle = pool.cross_encoder("m").with_options(batched=True)
        held = Held(pool, lease.model, "predict")
        queries = sorted({query for query, _ in PAIRS})
        logits, single, *ranked = held.run(
            lambda: handle.predict(PAIRS, activation="logits", **CUT),
            lambda: handle.predict(PAIRS, activation="logits", **CUT),
            lambda: handle.predict(PAIRS[0], activation="logits", **CUT),
            *(
                lambda query=query: handle.rank(
                    query, DOCUMENTS, top_k=5, return_documents=True, **CUT
                )
                for query in queries
            ),
        )
        # All who came while the first one ran were one batch, ranks beside scores.
        assert held.sizes == [len(PAIRS), len(PAIRS) + 1 + len(queries) * len(DOCUMENTS)]
    np.testing.assert_allclose(logits, alone.predict(PAIRS, activation="logits", **CUT), atol=2e-5)
    assert isinstance(single, float)
    assert single == pytest.approx(alone.predict(PAIRS[0], activation="logits", **CUT), abs=2e-5)
    for query, found in zip(queries, ranked, strict=True):
        expected = alone.rank(query, DOCUMENTS, top_k=5, return_documents=True, **CUT)
        # Documents that are alike have one score, which rounding may put in either order.
        assert sorted(one.score for one in found) == pytest.approx(
            sorted(one.score for one in expected), abs=2e-5
        )
        scores = {one.corpus_id: one.score for one in alone.rank(query, DOCUMENTS, **CUT)}
        assert all(one.score == pytest.approx(scores[one.corpus_id], abs=2e-5) for one in found)
        assert [one.text for one in found] == [DOCUMENTS[one.corpus_id] for one in found]
        assert {one.activation for one in found} == {alone.activation}
        assert [-one.score for one in found] == sorted(-one.score for one in found)


def test_a_coroutine_ranks_in_a_batch_and_learns_which_version_did(pool: Pool) -> None:
    answer = asyncio.run(pool.acall("m", "rank", "a query", DOCUMENTS, batched=True, **CUT))
    assert answer.version.kind == "cross-encoder"
    assert sorted(one.corpus_id for one in answer.value) == list(range(len(DOCUMENTS)))
    assert answer.queue_s >= 0
    assert answer.run_s > 0


def test_a_long_ranking_is_cut_into_windows_and_stays_in_order(
    pool: Pool, together: CrossEncoderHandle, alone: CrossEncoder
) -> None:
    documents = [f"document {n} about late interaction" for n in range(100)]
    before = pool.metrics.value("batched_texts")
    found = together.rank("what is late interaction?", documents)
    assert pool.metrics.value("batched_texts") - before == len(documents)
    expected = {
        one.corpus_id: one.score for one in alone.rank("what is late interaction?", documents)
    }
    assert {one.corpus_id for one in found} == set(expected)
    for one in found:
        assert one.score == pytest.approx(expected[one.corpus_id], abs=2e-5)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda handle: handle.predict("a text"), TypeError, "got a single text"),
        (lambda handle: handle.predict([("a", 5)]), TypeError, "index 0 is of type int"),
        (lambda handle: handle.rank("q", "documents"), TypeError, "a single text"),
        (lambda handle: handle.rank("q", ["a"], top_k=-1), ValueError, "top_k is -1"),
        (lambda handle: handle.rank("q", ["a"], activation="no"), ValueError, "activation is 'no'"),
        (
            lambda handle: handle.rank("q", ["a"], activation="softmax"),
            ValueError,
            "single score into 1",
        ),
    ],
)
def test_what_is_wrong_is_refused_as_the_model_refuses_it(
    together: CrossEncoderHandle, alone: CrossEncoder, call: Any, error: Any, match: str
) -> None:
    for one in (together, alone):
        with pytest.raises(error, match=match):
            call(one)


def test_nothing_to_rank_is_ranked(together: CrossEncoderHandle) -> None:
    assert together.rank("q", []) == []
    assert together.predict([]).shape == (0,)


def test_labels_of_texts_and_pairs_of_many_callers_are_those_of_each_alone(
    classifier: Path,
) -> None:
    with load(classifier, device="cpu") as alone, pool_of(classifier) as pool:
        assert isinstance(alone, Classifier)
        handle = pool.classifier("m").with_options(batched=True)
        with pool.acquire("m") as lease:
            held = Held(pool, lease.model, "classify")
            one, pair, several = held.run(
                lambda: handle.classify("first", **CUT),
                lambda: handle.classify("a text", **CUT),
                lambda: handle.classify(PAIRS[0], **CUT),
                lambda: handle.classify(["a text", *PAIRS], **CUT),
            )
            assert held.sizes == [1, 1 + 1 + 1 + len(PAIRS)]
        for found, expected in (
            (one, alone.classify("a text", **CUT)),
            (pair, alone.classify(PAIRS[0], **CUT)),
            *zip(several, alone.classify(["a text", *PAIRS], **CUT), strict=True),
        ):
            assert [each.label for each in found] == [each.label for each in expected]
            assert [each.score for each in found] == pytest.approx(
                [each.score for each in expected], abs=2e-5
            )
        scores = handle.predict_scores(PAIRS[0], **CUT)
        assert scores.shape == (3,)
        np.testing.assert_allclose(scores, alone.predict_scores(PAIRS[0], **CUT), atol=2e-5)
