"""Rows dealt out to several networks: all of them, balanced, at once, and bounded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holotype.encoders.inputs.rows import Row
from holotype.encoders.options import settings_of
from holotype.encoders.running.devices import run_on
from holotype.encoders.running.network import Output


class CountingNetwork:
    """Returns the length of every row as its vector, two rows at a time."""

    tokenizer: Any = None
    device = "cpu"
    memory_bytes = 0

    def __init__(self) -> None:
        """Have run nothing."""
        self.n_rows = 0
        self.n_tokens = 0

    def run(self, rows: Sequence[Row], batch_size: int | None) -> Iterator[Output]:
        for start in range(0, len(rows), 2):
            part = rows[start : start + 2]
            lengths = [row.n_tokens for row in part]
            self.n_rows += len(part)
            self.n_tokens += sum(lengths)
            positions = list(range(start, start + len(part)))
            yield positions, np.array(lengths, np.float32)[:, None], np.ones((len(part), 1), bool)

    def close(self) -> None:
        """Hold nothing."""


def rows_of(lengths: Sequence[int]) -> list[Row]:
    return [Row(list(range(length)), [], [], []) for length in lengths]


def outputs_of(networks: Sequence[CountingNetwork], lengths: Sequence[int]) -> list[int]:
    found = [-1] * len(lengths)
    for positions, vectors, _ in run_on(networks, rows_of(lengths), None):
        for at, length in zip(positions, vectors[:, 0], strict=True):
            assert found[at] == -1
            found[at] = int(length)
    return found


@given(st.lists(st.integers(0, 60), max_size=30), st.integers(1, 4))
def test_every_row_is_run_once_by_one_of_them(lengths: list[int], n_networks: int) -> None:
    networks = [CountingNetwork() for _ in range(n_networks)]
    assert outputs_of(networks, lengths) == lengths
    assert sum(network.n_rows for network in networks) == len(lengths)


@given(st.lists(st.integers(0, 60), max_size=40), st.integers(2, 4))
def test_none_of_them_gets_more_than_one_row_of_work_beyond_another(
    lengths: list[int], n_networks: int
) -> None:
    networks = [CountingNetwork() for _ in range(n_networks)]
    outputs_of(networks, lengths)
    tokens = [network.n_tokens for network in networks]
    assert max(tokens) - min(tokens) <= max(lengths, default=0)


class MeetingNetwork(CountingNetwork):
    """Goes on when as many networks as the barrier wants run at the same time."""

    def __init__(self, barrier: threading.Barrier) -> None:
        """Take what all of them wait at."""
        super().__init__()
        self._barrier = barrier

    def run(self, rows: Sequence[Row], batch_size: int | None) -> Iterator[Output]:
        self._barrier.wait(timeout=30)
        yield from super().run(rows, batch_size)


def test_networks_run_at_the_same_time() -> None:
    barrier = threading.Barrier(3)
    assert outputs_of([MeetingNetwork(barrier) for _ in range(3)], [5, 6, 7]) == [5, 6, 7]


def test_a_network_that_is_listed_twice_runs_twice_at_once() -> None:
    network = MeetingNetwork(threading.Barrier(2))
    assert outputs_of([network, network], [5, 6]) == [5, 6]


class BrokenNetwork(CountingNetwork):
    """Fails at its second batch."""

    def run(self, rows: Sequence[Row], batch_size: int | None) -> Iterator[Output]:
        yield from super().run(rows[:2], batch_size)
        raise RuntimeError("out of memory")


def test_an_error_on_one_device_reaches_the_caller(new_threads: Callable[[], set[str]]) -> None:
    with pytest.raises(RuntimeError, match="out of memory"):
        outputs_of([CountingNetwork(), BrokenNetwork()], range(20))
    assert not new_threads()


def test_a_network_is_no_more_than_two_batches_ahead_of_the_caller() -> None:
    networks = [CountingNetwork(), CountingNetwork()]
    taken = 0
    for positions, _, _ in run_on(networks, rows_of(range(40)), None):
        taken += len(positions)
        assert sum(network.n_rows for network in networks) <= taken + 2 * 2 * 2


@pytest.mark.parametrize("devices", ["cuda:0", [], (), [0], {"cuda:0"}])
def test_devices_are_a_list_with_something_in_it(devices: Any) -> None:
    with pytest.raises(ValueError, match=r"expected a list such as \['cuda:0', 'cuda:1'\]"):
        settings_of(devices=devices)
