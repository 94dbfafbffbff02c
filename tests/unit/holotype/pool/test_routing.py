"""Weights, keys and breakers."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holotype.errors import (
    NotFiniteError,
    TextOverflowError,
    TokenizationError,
    UnsupportedInputError,
)
from holotype.pool.errors import BreakerOpenError, ModelLoadError, UnknownNameError
from holotype.pool.routing import Breaker, Weights, is_callers_mistake, position_of

weights = st.lists(st.floats(0, 10), min_size=1, max_size=6).filter(lambda w: sum(w) > 0)


@given(weights, st.text())
def test_a_key_never_reaches_a_variant_of_weight_0(given: list[float], key: str) -> None:
    for chosen in (Weights(given).choose(key), Weights(given).choose(None)):
        assert given[chosen] > 0 or len(given) == 1


@given(st.text())
def test_a_key_has_its_place_between_0_and_1(key: str) -> None:
    assert 0 <= position_of(key) < 1


def test_a_key_has_the_same_place_in_every_process() -> None:
    code = "from holotype.pool.routing import position_of; print(position_of('user-1'))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(run.stdout) == position_of("user-1")


def test_new_weights_move_only_the_keys_between_the_old_and_the_new_end() -> None:
    keys = [f"user-{n}" for n in range(5000)]
    old, new = Weights([0.8, 0.2]), Weights([0.7, 0.3])
    moved = [key for key in keys if old.choose(key) != new.choose(key)]
    assert all(0.7 <= position_of(key) < 0.8 for key in moved)
    assert 0.08 < len(moved) / len(keys) < 0.12


@pytest.mark.parametrize("given", [[], [0.0], [-1.0, 2.0]])
def test_weights_without_sense_are_refused(given: list[float]) -> None:
    with pytest.raises(ValueError, match="weights are"):
        Weights(given)


def test_whose_mistake_an_error_is() -> None:
    theirs = [ValueError(), TypeError(), TextOverflowError("a", 1, 1, 1, 0)]
    theirs += [TokenizationError("a", "b", 0), UnknownNameError("a", ())]
    theirs += [UnsupportedInputError("a", "b")]
    ours = [RuntimeError(), MemoryError(), OSError(), KeyError(), NotFiniteError("a", 0, "float32")]
    ours += [ModelLoadError("a", "b"), TimeoutError()]
    assert all(is_callers_mistake(error) for error in theirs)
    assert not any(is_callers_mistake(error) for error in ours)


class Switch:
    """A breaker with a clock that is set by hand."""

    def __init__(self) -> None:
        """Begin."""
        self.now_s = 0.0
        self.changes: list[tuple[str, float]] = []
        self.breaker = Breaker("m", lambda: self.now_s, lambda *change: self.changes.append(change))

    def fail(self, n: int = 1) -> None:
        for _ in range(n):
            self.breaker.enter()
            self.breaker.fail()

    def is_open(self) -> bool:
        try:
            self.breaker.enter()
        except BreakerOpenError:
            return True
        self.breaker.leave()
        return False


def test_four_failures_or_five_over_a_long_time_open_nothing() -> None:
    switch = Switch()
    for _ in range(20):
        switch.fail()
        switch.now_s += 8
        assert not switch.is_open()


def test_only_one_call_tries_a_model_whose_time_has_come() -> None:
    switch = Switch()
    switch.fail(5)
    assert switch.is_open()
    states = [switch.breaker.state]
    switch.now_s = 10
    states.append(switch.breaker.state)
    switch.breaker.enter()
    states.append(switch.breaker.state)
    assert switch.is_open()
    switch.breaker.succeed()
    assert [*states, switch.breaker.state] == ["open", "half-open", "half-open", "closed"]
    assert switch.changes == [("breaker_opened", 10.0), ("breaker_closed", 0.0)]


def test_a_try_that_says_nothing_leaves_room_for_another() -> None:
    switch = Switch()
    switch.fail(5)
    switch.now_s = 10
    switch.breaker.enter()
    switch.breaker.leave()
    assert not switch.is_open()


def test_the_time_doubles_up_to_five_minutes_and_begins_anew_after_a_success() -> None:
    switch = Switch()
    switch.fail(5)
    for _ in range(7):
        switch.now_s += 1000
        switch.fail()
    assert [seconds for _, seconds in switch.changes] == [10, 20, 40, 80, 160, 300, 300, 300]
    switch.now_s += 1000
    switch.breaker.enter()
    switch.breaker.succeed()
    switch.fail(5)
    assert switch.changes[-1] == ("breaker_opened", 10.0)
