"""Errors of pools: whole after a copy, and in one line."""

from __future__ import annotations

import copy
import pickle

import pytest

from holotype.pool import errors
from holotype.pool.errors import (
    ContradictionError,
    ModelTooLargeError,
    PoolClosedError,
    PoolError,
    UnknownNameError,
    mib,
)

OWN = (ContradictionError, ModelTooLargeError, PoolClosedError, UnknownNameError)
EXAMPLES: list[PoolError] = [
    kind("m", "does not do", 1.5)
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, PoolError) and kind not in OWN
]
EXAMPLES += [
    ContradictionError("m", "labels", ("a",), ("b",), "say so"),
    ModelTooLargeError("m", device="cpu", needed_bytes=2**30, budget_bytes=2**20, held_bytes=1),
    PoolClosedError("m"),
    PoolClosedError(),
    UnknownNameError("m", ("n",)),
    UnknownNameError("m", (), what="variant"),
]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_is_whole_after_a_copy_and_in_another_process(error: PoolError) -> None:
    for again in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert vars(again) == vars(error)
    assert "\n" not in str(error)


def test_what_never_fits_says_by_how_much() -> None:
    error = ModelTooLargeError(
        "m", device="cpu", needed_bytes=300 * 2**20, budget_bytes=250 * 2**20, held_bytes=50 * 2**20
    )
    assert "raise pool.memory by 100.0 MiB" in str(error)
    assert mib(3 * 2**30) == "3,072.0 MiB"
