"""Batches across callers: their order, their limits, and who is left out."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holotype.pool.batching import Batched, Batcher, Limits, estimate_tokens, may_be_batched
from holotype.pool.errors import DeadlineError, PoolClosedError, QueueFullError
from holotype.pool.generation import Version
from holotype.pool.metrics import Metrics


def version(number: int = 1, fingerprint: str = "same") -> Version:
    return Version(
        name="m",
        variant="default",
        number=number,
        reference="fake:m",
        kind="dense",
        fingerprint=fingerprint,
        device="cpu",
    )


class Runner:
    """Encodes a text to its length; the first batch can be held back."""

    def __init__(self) -> None:
        """Begin."""
        self.batches: list[tuple[Hashable, list[str]]] = []
        self.begun = Event()
        self.gate = Event()
        self.gate.set()
        self.versions: list[Version] = []
        self.bad: set[str] = set()
        self.now_s = 0.0

    def __call__(self, group: Hashable, texts: list[str]) -> Batched:
        self.batches.append((group, texts))
        self.begun.set()
        assert self.gate.wait(30)
        guilty = self.bad & set(texts)
        if guilty:
            raise RuntimeError(f"cannot read {min(guilty)!r}")
        found = self.versions.pop(0) if self.versions else version()
        values = np.array([[len(text), found.number] for text in texts], dtype=np.float32)
        return Batched(value=values, version=found)


@pytest.fixture
def runner() -> Runner:
    return Runner()


def batcher(runner: Runner, **limits: Any) -> Batcher:
    return Batcher(
        "m", runner, clock=lambda: runner.now_s, metrics=Metrics(), limits=Limits(**limits)
    )


@pytest.fixture
def queue(runner: Runner) -> Iterator[Batcher]:
    made = batcher(runner)
    yield made
    made.close()


def hold(runner: Runner, queue: Batcher) -> Any:
    """Keep the worker busy with one text until the gate opens."""
    runner.gate.clear()
    future = queue.submit("g", ["held"])
    assert runner.begun.wait(30)
    return future


def test_a_request_runs_at_once_when_nothing_else_does(runner: Runner, queue: Batcher) -> None:
    values, versions, *_ = queue.submit("g", ["a", "bb"]).result(30)
    assert values[:, 0].tolist() == [1, 2]
    assert versions == (version(),)


def test_what_gathers_during_a_batch_is_the_next_batch(runner: Runner, queue: Batcher) -> None:
    held = hold(runner, queue)
    futures = [queue.submit("g", ["x" * n]) for n in range(1, 20)]
    runner.gate.set()
    assert [future.result(30)[0][0, 0] for future in futures] == list(range(1, 20))
    held.result(30)
    assert len(runner.batches) == 2


def test_what_differs_in_method_or_options_is_not_mixed(runner: Runner, queue: Batcher) -> None:
    hold(runner, queue)
    futures = [queue.submit(group, ["x"]) for group in "abab"]
    runner.gate.set()
    for future in futures:
        future.result(30)
    assert [(group, len(texts)) for group, texts in runner.batches[1:]] == [("a", 2), ("b", 2)]


def test_queries_come_before_documents(runner: Runner, queue: Batcher) -> None:
    hold(runner, queue)
    document = queue.submit("document", ["d"])
    query = queue.submit("query", ["q"], urgent=True)
    runner.gate.set()
    document.result(30)
    query.result(30)
    assert [group for group, _ in runner.batches[1:]] == ["query", "document"]


def test_a_long_request_is_cut_into_windows_and_does_not_hold_up_a_short_one(
    runner: Runner,
) -> None:
    queue = batcher(runner, batch_tokens=12, window_texts=2)
    hold(runner, queue)
    long = queue.submit("g", ["x"] * 20)
    short = queue.submit("g", ["yy"])
    runner.gate.set()
    values, *_ = short.result(30)
    assert values.tolist() == [[2, 1]]
    # The first batch after it has a window of the long request, and the short one beside it.
    assert runner.batches[1][1][:3] == ["x", "x", "yy"]
    assert long.result(30)[0].shape == (20, 2)
    assert max(len(texts) for _, texts in runner.batches) == 6
    queue.close()


def test_a_rare_kind_of_request_is_not_starved_by_a_common_one(runner: Runner) -> None:
    queue = batcher(runner, batch_tokens=6)
    hold(runner, queue)
    common = [queue.submit("common", ["x"] * 5) for _ in range(4)]
    rare = queue.submit("rare", ["y"])
    runner.gate.set()
    rare.result(30)
    for future in common:
        future.result(30)
    groups = [group for group, _ in runner.batches[1:]]
    # Each of the four before it has had one turn.
    assert groups.index("rare") == 4
    assert groups[5:] == ["common"] * (len(groups) - 5)
    queue.close()


def test_a_text_longer_than_a_batch_is_a_batch_of_its_own(runner: Runner) -> None:
    queue = batcher(runner, batch_tokens=10)
    values, *_ = queue.submit("g", ["x" * 1000, "y", "z" * 1000]).result(30)
    assert values[:, 0].tolist() == [1000, 1, 1000]
    assert [len(texts) for _, texts in runner.batches] == [1, 1, 1]
    queue.close()


def test_what_is_cancelled_leaves_before_its_batch(runner: Runner, queue: Batcher) -> None:
    hold(runner, queue)
    gone, stays = queue.submit("g", ["gone"]), queue.submit("g", ["stays"])
    assert gone.cancel()
    runner.gate.set()
    stays.result(30)
    assert [texts for _, texts in runner.batches] == [["held"], ["stays"]]


def test_what_is_past_its_deadline_leaves_with_an_error(runner: Runner, queue: Batcher) -> None:
    hold(runner, queue)
    late = queue.submit("g", ["late"], deadline_s=5.0)
    runner.now_s = 6.0
    runner.gate.set()
    with pytest.raises(DeadlineError, match="was not run in time"):
        late.result(30)
    assert len(runner.batches) == 1


def test_only_the_guilty_request_of_a_batch_fails(runner: Runner, queue: Batcher) -> None:
    held = hold(runner, queue)
    runner.bad = {"bad"}
    good, bad = queue.submit("g", ["good"]), queue.submit("g", ["fine", "bad"])
    runner.gate.set()
    held.result(30)
    assert good.result(30)[0].tolist() == [[4, 1]]
    with pytest.raises(RuntimeError, match="cannot read 'bad'"):
        bad.result(30)


def test_a_full_queue_refuses_and_says_when_to_come_back(runner: Runner) -> None:
    queue = batcher(runner, queued_requests=2)
    hold(runner, queue)
    futures = [queue.submit("g", ["x"]) for _ in range(2)]
    with pytest.raises(QueueFullError, match="2 requests of about 4 tokens") as caught:
        queue.submit("g", ["x"])
    assert caught.value.retry_after_s is not None
    runner.gate.set()
    for future in futures:
        future.result(30)
    queue.submit("g", ["x"]).result(30)
    queue.close()


def test_tokens_are_bounded_too_but_not_for_a_request_alone(runner: Runner) -> None:
    queue = batcher(runner, queued_tokens=100)
    hold(runner, queue)
    large = queue.submit("g", ["x" * 4000])
    with pytest.raises(QueueFullError):
        queue.submit("g", ["x"])
    runner.gate.set()
    large.result(30)
    queue.close()


def test_a_request_names_every_version_that_answered_it(runner: Runner) -> None:
    queue = batcher(runner, batch_tokens=3)
    runner.versions = [version(1), version(2)]
    values, versions, *_ = queue.submit("g", ["a", "b"]).result(30)
    assert values[:, 1].tolist() == [1, 2]
    assert [one.number for one in versions] == [1, 2]
    queue.close()


def test_a_request_never_mixes_vectors_of_two_fingerprints(runner: Runner) -> None:
    queue = batcher(runner, batch_tokens=3)
    runner.versions = [version(1), *(version(2, "another") for _ in range(3))]
    values, versions, *_ = queue.submit("g", ["a", "b"]).result(30)
    assert values[:, 1].tolist() == [2, 2]
    assert [one.fingerprint for one in versions] == ["another"]
    queue.close()


def test_a_request_that_is_cut_in_two_again_and_again_fails(runner: Runner) -> None:
    queue = batcher(runner, batch_tokens=3)
    runner.versions = [version(n, f"f{n}") for n in range(20)]
    with pytest.raises(DeadlineError, match="changed its vectors 3 times"):
        queue.submit("g", ["a", "b"]).result(30)
    queue.close()


def test_closing_fails_what_waits_and_refuses_what_comes(runner: Runner) -> None:
    queue = batcher(runner)
    held = hold(runner, queue)
    waits = queue.submit("g", ["x"])
    with ThreadPoolExecutor(1) as threads:
        closing = threads.submit(queue.close)
        with pytest.raises(PoolClosedError):
            waits.result(30)
        runner.gate.set()
        closing.result(30)
    held.result(30)
    with pytest.raises(PoolClosedError):
        queue.submit("g", ["x"])


def test_no_text_is_no_request(queue: Batcher) -> None:
    with pytest.raises(ValueError, match="no text"):
        queue.submit("g", [])


@given(
    st.lists(
        st.tuples(
            st.sampled_from("ab"),
            st.lists(st.text(max_size=30), min_size=1, max_size=9),
            st.booleans(),
        ),
        max_size=12,
    ),
    st.integers(1, 40),
    st.integers(1, 5),
)
def test_every_request_gets_all_of_its_own_results_and_no_batch_is_too_large(
    requests: list[tuple[str, list[str], bool]], batch_tokens: int, window_texts: int
) -> None:
    runner = Runner()
    queue = batcher(runner, batch_tokens=batch_tokens, window_texts=window_texts)
    futures = [queue.submit(group, texts, urgent=urgent) for group, texts, urgent in requests]
    for (_, texts, _), future in zip(requests, futures, strict=True):
        values, *_ = future.result(30)
        assert values[:, 0].tolist() == [len(text) for text in texts]
    queue.close()
    for _, texts in runner.batches:
        assert len(texts) == 1 or sum(map(estimate_tokens, texts)) <= batch_tokens
    assert sum(len(texts) for _, texts in runner.batches) == sum(len(t) for _, t, _ in requests)
    assert queue.n_queued == 0


def test_only_calls_that_are_alike_can_be_batched() -> None:
    assert may_be_batched("encode_query", [["a"]], {"instruction": None, "batch_size": 3})
    assert may_be_batched("encode_query", ["a"], {})
    assert not may_be_batched("encode_query", [["a"]], {"devices": ["cpu"]})
    assert not may_be_batched("rank", [["a"]], {})
    # A tuple is a pair of texts to a classifier, and what is no text is the model's to refuse.
    for texts in (("a", "b"), ["a", 5], [], None, [("a", "b")]):
        assert not may_be_batched("classify", [texts], {})
