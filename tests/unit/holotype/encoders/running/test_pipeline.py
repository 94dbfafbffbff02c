"""Windows: bounded, in order, read ahead on one thread, and none of it left behind."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from holotype.encoders.inputs.rows import Reading, Row
from holotype.encoders.options import settings_of
from holotype.encoders.running import pipeline
from holotype.encoders.running.collecting import VectorCollector
from holotype.encoders.running.network import Network, Output
from holotype.encoders.running.pipeline import Task, run_one, stream
from holotype.errors import (
    ClosedEncoderError,
    NotFiniteError,
    TextOverflowError,
    TextOverflowWarning,
    TokenizationError,
)

LIMIT = 8


class LengthNetwork:
    """Returns the length of every row as its vector, row by row from the last."""

    tokenizer: Any = None
    device = "cpu"
    memory_bytes = 0

    n_rows = 0

    def run(self, rows: Sequence[Row], batch_size: int | None) -> Iterator[Output]:
        for at in reversed(range(len(rows))):
            self.n_rows += 1
            n_tokens = rows[at].n_tokens
            yield [at], np.full((1, 1), n_tokens, np.float32), np.ones((1, n_tokens), np.bool_)

    def close(self) -> None:
        """Hold nothing."""


class LimitReader:
    """Reads a text as so many tokens as it has characters, and at most `LIMIT`."""

    max_length = LIMIT

    def size(self, text: str) -> int:
        return len(text)

    def read(self, texts: Sequence[str]) -> Reading[Row]:
        rows = [Row(list(range(min(len(text), LIMIT))), [], [], []) for text in texts]
        return Reading(rows, [max(len(text) - LIMIT, 0) for text in texts])


def task_of(reader: LimitReader) -> Task[str, Row, NDArray[np.float32], NDArray[np.float32]]:
    collector = partial(VectorCollector, width=1)
    return Task(model_id="tiny", dtype="float16", reader=reader, collector=collector)


TASK = task_of(LimitReader())


@pytest.fixture(autouse=True)
def _small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "_ITEMS_AT_ONCE", 4)
    monkeypatch.setattr(pipeline, "_CHARACTERS_AT_ONCE", 40)


@pytest.fixture
def network() -> Network:
    return LengthNetwork()


@given(st.lists(st.integers(0, 50), max_size=30))
def test_results_come_in_the_order_of_the_items(lengths: list[int]) -> None:
    texts = ["x" * length for length in lengths]
    settings = settings_of(on_overflow="truncate")
    windows = list(stream([LengthNetwork()], TASK, iter(texts), settings))
    assert [int(length) for window in windows for length in window[:, 0]] == [
        min(length, LIMIT) for length in lengths
    ]
    assert all(1 <= len(window) <= 4 for window in windows)


def test_a_window_ends_where_its_texts_are_many_characters(network: Network) -> None:
    texts = ["x" * 30, "x" * 30, "x", "x"]
    windows = list(stream([network], TASK, texts, settings_of(on_overflow="truncate")))
    assert [len(window) for window in windows] == [2, 2]


@pytest.mark.parametrize("failing", [0, 3, 4, 9, 17])
def test_a_failure_of_the_tokenizer_tells_the_position_among_all_items(
    failing: int, network: Network
) -> None:
    class FailingReader(LimitReader):
        def read(self, texts: Sequence[str]) -> Reading[Row]:
            if "bad" in texts:
                raise TokenizationError("tokenizer.json", "a panic", texts.index("bad"))
            return super().read(texts)

    texts = ["good"] * failing + ["bad"] + ["good"] * 5
    with pytest.raises(TokenizationError, match=f"index {failing}: a panic"):
        list(stream([network], task_of(FailingReader()), texts, settings_of()))


def test_the_iterator_is_pulled_no_more_than_two_windows_ahead(network: Network) -> None:
    pulled = 0

    def texts() -> Iterator[str]:
        nonlocal pulled
        for _ in range(100):
            pulled += 1
            yield "text"

    n_done = 0
    for window in stream([network], TASK, texts(), settings_of()):
        n_done += len(window)
        assert pulled <= n_done + 4
    assert n_done == 100


def test_the_iterator_is_pulled_on_the_thread_of_the_caller(network: Network) -> None:
    seen = set()

    def texts() -> Iterator[str]:
        for _ in range(20):
            seen.add(threading.get_ident())
            yield "text"

    assert len(list(stream([network], TASK, texts(), settings_of()))) == 5
    assert seen == {threading.get_ident()}


def test_the_next_window_is_read_while_the_model_runs_on_this_one() -> None:
    """The network waits for the second window's reading before it finishes the first."""
    second_read = threading.Event()

    class Telling(LimitReader):
        def read(self, texts: Sequence[str]) -> Reading[Row]:
            if "second" in texts:
                second_read.set()
            return super().read(texts)

    class Waiting(LengthNetwork):
        def run(self, rows: Sequence[Row], batch_size: int | None) -> Iterator[Output]:
            assert second_read.wait(timeout=30)
            return super().run(rows, batch_size)

    task = task_of(Telling())
    texts = ["first"] * 4 + ["second"] * 4
    assert len(list(stream([Waiting()], task, texts, settings_of()))) == 2


def test_a_short_call_starts_no_thread(network: Network) -> None:
    seen = set()

    class Telling(LimitReader):
        def read(self, texts: Sequence[str]) -> Reading[Row]:
            seen.add(threading.get_ident())
            return super().read(texts)

    list(stream([network], task_of(Telling()), ["text"] * 4, settings_of()))
    assert seen == {threading.get_ident()}


def test_no_item_gives_no_window(network: Network) -> None:
    assert list(stream([network], TASK, [], settings_of())) == []


def test_a_stream_that_is_closed_early_leaves_no_thread(
    network: Network, new_threads: Callable[[], set[str]]
) -> None:
    running = stream([network], TASK, ["text"] * 100, settings_of())
    next(running)
    assert new_threads()
    running.close()
    assert not new_threads()


def test_an_error_of_the_iterator_reaches_the_caller_and_leaves_no_thread(
    network: Network, new_threads: Callable[[], set[str]]
) -> None:
    def texts() -> Iterator[str]:
        yield from ["text"] * 9
        raise LookupError("the database is gone")

    with pytest.raises(LookupError, match="the database is gone"):
        list(stream([network], TASK, texts(), settings_of()))
    assert not new_threads()


def test_windows_before_an_error_of_the_iterator_are_still_yielded(network: Network) -> None:
    def texts() -> Iterator[str]:
        yield from ["text"] * 9
        raise LookupError("the database is gone")

    seen: list[int] = []
    with pytest.raises(LookupError):
        seen.extend(len(window) for window in stream([network], TASK, texts(), settings_of()))
    assert seen == [4, 4]


def test_an_error_of_the_iterator_within_the_second_window_leaves_the_first(
    network: Network,
) -> None:
    def texts() -> Iterator[str]:
        yield from ["text"] * 5
        raise LookupError("the database is gone")

    running = stream([network], TASK, texts(), settings_of())
    assert len(next(running)) == 4
    with pytest.raises(LookupError, match="the database is gone"):
        next(running)


class ClosedNetwork(LengthNetwork):
    def run(self, rows: Sequence[Row], batch_size: int | None) -> Iterator[Output]:
        raise ClosedEncoderError


def test_a_network_that_is_closed_during_a_call_is_told_with_the_model() -> None:
    for run in (
        lambda: list(stream([ClosedNetwork()], TASK, ["text"], settings_of())),
        lambda: run_one([ClosedNetwork()], TASK, "text", settings_of()),
    ):
        with pytest.raises(ClosedEncoderError, match="the encoder of 'tiny' has been closed"):
            run()


def test_an_error_while_reading_reaches_the_caller_and_leaves_no_thread(
    network: Network, new_threads: Callable[[], set[str]]
) -> None:
    class Broken(LimitReader):
        def read(self, texts: Sequence[str]) -> Reading[Row]:
            raise RuntimeError("no tokenizer")

    task = task_of(Broken())
    with pytest.raises(RuntimeError, match="no tokenizer"):
        list(stream([network], task, ["text"] * 20, settings_of()))
    assert not new_threads()


def test_what_is_cut_is_told_once_with_the_totals_of_all_windows(network: Network) -> None:
    texts = (["short"] * 3 + ["x" * 10]) * 3
    with pytest.warns(TextOverflowWarning, match=r"^3 of 12 texts .* 8 tokens .*; 6 tok") as seen:
        list(stream([network], TASK, texts, settings_of()))
    assert [Path(warning.filename).name for warning in seen] == [Path(__file__).name]


def test_a_stream_that_is_closed_early_tells_what_it_cut(network: Network) -> None:
    running = stream([network], TASK, ["x" * 9] * 100, settings_of())
    next(running)
    with pytest.warns(TextOverflowWarning, match="4 of 4 texts"):
        running.close()


def test_an_error_is_not_followed_by_a_warning(network: Network) -> None:
    def texts() -> Iterator[str]:
        yield from ["x" * 9] * 9
        raise LookupError("the database is gone")

    with warnings.catch_warnings(record=True) as seen, pytest.raises(LookupError):
        warnings.simplefilter("always")
        list(stream([network], TASK, texts(), settings_of()))
    assert not seen


def test_a_text_that_is_refused_is_named_by_its_place_before_the_model_reads_its_window() -> None:
    network = LengthNetwork()
    texts = ["short"] * 6 + ["x" * 10, "short", "x" * 12]
    with pytest.raises(TextOverflowError) as caught:
        list(stream([network], TASK, texts, settings_of(on_overflow="error")))
    assert (caught.value.n_texts, caught.value.n_tokens, caught.value.first_index) == (1, 2, 6)
    assert network.n_rows == 4


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_an_item_without_a_finite_vector_is_an_error_that_names_it_and_what_to_do(
    wrong: float,
) -> None:
    class Overflowing(LengthNetwork):
        def run(self, rows: Sequence[Row], batch_size: int | None) -> Iterator[Output]:
            for positions, vectors, counted in super().run(rows, batch_size):
                yield positions, np.where(vectors > 5, np.float32(wrong), vectors), counted

    texts = ["text"] * 6 + ["longer", "text", "longer"]
    message = r"index 6: .* than float16 has; load it with dtype='float32' or 'bfloat16'"
    with pytest.raises(NotFiniteError, match=message) as caught:
        list(stream([Overflowing()], TASK, texts, settings_of()))
    assert (caught.value.model_id, caught.value.index) == ("tiny", 6)


def test_an_item_that_several_heads_return_is_counted_once(
    network: Network, capsys: pytest.CaptureFixture[str]
) -> None:
    class TwoHeads(LengthNetwork):
        def run(self, rows: Sequence[Row], batch_size: int | None) -> Iterator[Output]:
            yield from super().run(rows, batch_size)
            yield from super().run(rows, batch_size)

    list(stream([TwoHeads()], TASK, ["text"] * 3, settings_of(progress=True), n_items=3))
    assert "3/3" in capsys.readouterr().err


def test_options_that_do_not_exist_are_refused() -> None:
    wrong: Any = {"batchsize": 3}
    with pytest.raises(TypeError, match="batchsize"):
        settings_of(**wrong)


@given(length=st.integers(0, 50))
def test_one_item_gives_what_a_stream_of_it_gives(length: int) -> None:
    settings = settings_of(on_overflow="truncate")
    (expected,) = stream([LengthNetwork()], TASK, ["x" * length], settings)
    np.testing.assert_array_equal(
        run_one([LengthNetwork()], TASK, "x" * length, settings), expected
    )


def test_one_item_that_is_too_long_is_an_error_or_a_warning(network: Network) -> None:
    text = "x" * (LIMIT + 2)
    with pytest.raises(TextOverflowError, match="'tiny'"):
        run_one([network], TASK, text, settings_of(on_overflow="error"))
    assert isinstance(network, LengthNetwork)
    assert network.n_rows == 0
    with pytest.warns(TextOverflowWarning, match="1 of 1 text is longer .* 2 tokens were cut"):
        run_one([network], TASK, text, settings_of())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run_one([network], TASK, text, settings_of(on_overflow="truncate"))


def test_one_item_that_gives_nan_is_an_error() -> None:
    class NanNetwork(LengthNetwork):
        def run(self, rows: Sequence[Row], batch_size: int | None) -> Iterator[Output]:
            for positions, found, counted in super().run(rows, batch_size):
                yield positions, found * np.float32("nan"), counted

    with pytest.raises(NotFiniteError, match="index 0"):
        run_one([NanNetwork()], TASK, "text", settings_of())


def test_one_item_starts_no_thread(network: Network, new_threads: Callable[[], set[str]]) -> None:
    run_one([network], TASK, "text", settings_of())
    assert new_threads() == set()
