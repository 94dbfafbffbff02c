"""Batches across callers: their order, their limits, and who is left out."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Thread
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holotype.errors import ImageError
from holotype.pool import batching
from holotype.pool.batching import Batcher
from holotype.pool.errors import (
    DeadlineError,
    LoadingTimeoutError,
    ModelLoadError,
    PoolClosedError,
    QueueFullError,
)
from holotype.pool.generation import Version
from holotype.pool.metrics import Metrics
from holotype.pool.queued import Batched, Limits, Take, estimate_tokens


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
    """Encodes a text to its length; the first batch, and the model itself, can be held back."""

    def __init__(self) -> None:
        """Begin."""
        self.batches: list[tuple[Hashable, list[Any]]] = []
        self.asked = Event()
        self.loaded = Event()
        self.loaded.set()
        self.waits: list[float | None] = []
        self.failures: list[Exception] = []
        self.begun = Event()
        self.gate = Event()
        self.gate.set()
        self.versions: list[Version] = []
        self.bad: set[Any] = set()
        self.now_s = 0.0

    def __call__(self, group: Hashable, take: Take, wait_s: float | None) -> Batched:
        self.waits.append(wait_s)
        self.asked.set()
        assert self.loaded.wait(30)
        if self.failures:
            raise self.failures.pop(0)
        texts: Any = take()
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


def test_a_text_counts_as_no_more_tokens_than_the_model_reads(runner: Runner) -> None:
    long = "word " * 400
    queue = Batcher(
        "m", runner, clock=lambda: 0.0, metrics=Metrics(), max_length=lambda: 8, limits=Limits()
    )
    whole = batcher(runner)
    assert queue.submit("g", ["a", long]).n_tokens == estimate_tokens("a") + 8
    assert whole.submit("g", ["a", long]).n_tokens == estimate_tokens("a") + estimate_tokens(long)
    queue.close()
    whole.close()


def test_what_gathers_during_a_batch_is_the_next_batch(runner: Runner, queue: Batcher) -> None:
    held = hold(runner, queue)
    futures = [queue.submit("g", ["x" * n]) for n in range(1, 20)]
    runner.gate.set()
    assert [future.result(30)[0][0, 0] for future in futures] == list(range(1, 20))
    held.result(30)
    assert len(runner.batches) == 2


def test_a_batch_beside_another_gathers_until_the_other_ends(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "_LONGEST_GATHERING_S", 30.0)
    queue = batcher(runner)
    queue.n_workers = 2

    def slow(group: Hashable, take: Take, wait_s: float | None) -> Batched:
        found = runner(group, take, wait_s)
        runner.now_s += 1000
        return found

    monkeypatch.setattr(queue, "_run", slow)
    queue.submit("g", ["slow"]).result(30)
    runner.begun.clear()
    held = hold(runner, queue)
    futures = [queue.submit("g", ["x"]) for _ in range(3)]
    runner.gate.set()
    for future in (held, *futures):
        future.result(30)
    assert [len(texts) for _, texts in runner.batches] == [1, 1, 3]
    queue.close()


def test_a_batch_beside_another_does_not_wait_for_its_end(runner: Runner) -> None:
    queue = batcher(runner)
    queue.n_workers = 2
    both = Barrier(2)

    def together(group: Hashable, take: Take, _wait_s: float | None) -> Batched:
        texts = take()
        both.wait(30)
        return Batched(value=list(texts), version=version())

    queue._run = together
    futures = [queue.submit(group, ["x"]) for group in "ab"]
    assert [future.result(30).value for future in futures] == [["x"], ["x"]]
    queue.close()


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


def test_an_error_names_the_position_of_a_picture_in_its_request(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = batcher(runner, window_texts=2)

    def read(_group: Hashable, take: Take, _wait_s: float | None) -> Batched:
        pictures = take()
        if "bad" in pictures:
            raise ImageError("is empty", pictures.index("bad"))
        return Batched(value=list(pictures), version=version())

    monkeypatch.setattr(queue, "_run", read)
    futures = [queue.submit("g", ["a", "b", "c", "bad"]), queue.submit("g", ["d"])]
    with pytest.raises(ImageError, match="the picture at index 3 is empty"):
        futures[0].result(30)
    assert futures[1].result(30).value == ["d"]
    queue.close()


def test_items_may_count_as_a_stated_number_of_tokens(runner: Runner) -> None:
    queue = batcher(runner, batch_tokens=512)
    held = hold(runner, queue)
    futures = [queue.submit("g", [b"picture"], tokens_each=256) for _ in range(4)]
    assert futures[0].n_tokens == 256
    runner.gate.set()
    for future in (held, *futures):
        future.result(30)
    assert [len(items) for _, items in runner.batches] == [1, 2, 2]
    queue.close()


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
    for _, items in runner.batches:
        assert len(items) == 1 or sum(map(estimate_tokens, items)) <= batch_tokens
    assert sum(len(texts) for _, texts in runner.batches) == sum(len(t) for _, t, _ in requests)
    assert queue.n_queued == 0


# What happens while the model is loaded


def ask(runner: Runner, queue: Batcher, **more: Any) -> Any:
    """Queue a text whose model is loaded once the event is set."""
    runner.loaded.clear()
    future = queue.submit("g", ["first"], **more)
    assert runner.asked.wait(30)
    return future


def test_who_leaves_while_the_model_is_loaded_is_not_in_the_batch(
    runner: Runner, queue: Batcher
) -> None:
    first, gone, late, stays = (
        ask(runner, queue, deadline_s=3.0),
        queue.submit("g", ["gone"]),
        queue.submit("g", ["late"], deadline_s=5.0),
        queue.submit("g", ["stays"], deadline_s=50.0),
    )
    assert gone.cancel()
    first.expire()
    with pytest.raises(LoadingTimeoutError, match="the load goes on"):
        first.result(30)
    runner.now_s = 5.0
    runner.loaded.set()
    stays.result(30)
    with pytest.raises(DeadlineError):
        late.result(30)
    assert runner.batches == [("g", ["stays"])]


def test_a_batch_that_everybody_has_left_is_not_run(runner: Runner, queue: Batcher) -> None:
    assert ask(runner, queue).cancel()
    runner.loaded.set()
    queue.submit("g", ["next"]).result(30)
    assert runner.batches == [("g", ["next"])]


def test_a_load_is_tried_once_for_all_who_wait(runner: Runner, queue: Batcher) -> None:
    runner.failures = [ModelLoadError("m", "could not be loaded")]
    futures = [ask(runner, queue), *(queue.submit("g", ["x"]) for _ in range(50))]
    runner.loaded.set()
    errors = [future.exception(30) for future in futures]
    assert all(isinstance(error, ModelLoadError) for error in errors)
    # Threads raise them at once, and write their tracebacks into them.
    assert len(set(map(id, errors))) == len(errors)
    assert len(runner.waits) == 1


def test_a_load_is_waited_for_as_long_as_anybody_waits(runner: Runner, queue: Batcher) -> None:
    first = ask(runner, queue, deadline_s=3.0)
    second = queue.submit("g", ["second"], deadline_s=9.0)
    runner.failures = [LoadingTimeoutError("m", "was not loaded in time")]
    runner.now_s = 3.0
    runner.loaded.set()
    with pytest.raises(LoadingTimeoutError):
        first.result(30)
    # Who came later has more time, and the load is waited for again.
    second.result(30)
    assert runner.waits == [3.0, 6.0]
    assert queue.submit("g", ["patient"]).result(30)
    assert runner.waits[-1] is None


def test_an_expired_request_of_which_a_part_has_run_goes_on(runner: Runner) -> None:
    queue = batcher(runner, batch_tokens=3)
    runner.gate.clear()
    future = queue.submit("g", ["a", "b"])
    assert runner.begun.wait(30)
    future.expire()
    runner.gate.set()
    assert future.result(30).value.shape == (2, 2)
    queue.close()


def test_what_is_cancelled_makes_room_at_once(runner: Runner) -> None:
    queue = batcher(runner, queued_requests=1)
    hold(runner, queue)
    assert queue.submit("g", ["x"]).cancel()
    assert queue.n_queued == 0
    stays = queue.submit("g", ["y"])
    runner.gate.set()
    stays.result(30)
    queue.close()


def test_threads_with_nothing_to_do_end_and_are_started_again(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "_IDLE_S", 0.001)
    queue = batcher(runner)
    queue.submit("g", ["x"]).result(30)
    for thread in threads_of(queue):
        thread.join(30)
    assert not threads_of(queue)
    queue.submit("g", ["x"]).result(30)
    queue.close()


def threads_of(queue: Batcher) -> list[Thread]:
    return list(queue._threads)


def test_pairs_are_counted_with_both_of_their_texts() -> None:
    text = "x" * 400
    assert estimate_tokens((text, "")) == estimate_tokens(text) + 1
    assert estimate_tokens((text, text)) == 2 * estimate_tokens(text) - 1
