from __future__ import annotations

import copy
import os

import pytest

from holotype.encoders.running.forks import first_process, refuse_fork, unpickle
from holotype.errors import ForkedEncoderError


def test_the_process_that_has_the_threads_may_run() -> None:
    refuse_fork("tiny", os.getpid())
    assert first_process() == first_process()


def test_a_fork_is_refused_with_the_name_of_the_model() -> None:
    with pytest.raises(ForkedEncoderError, match="'tiny' cannot run in this process"):
        refuse_fork("tiny", os.getpid() + 1)


class Loaded:
    """An encoder that a fork cannot load."""

    dim = 3

    def encode(self, text: str) -> int:
        return len(text)


def refuse() -> Loaded:
    raise ForkedEncoderError("tiny")


def test_a_pickle_that_can_be_loaded_is_loaded() -> None:
    assert unpickle(Loaded, Loaded).encode("four") == 4


def test_what_a_fork_cannot_load_says_so_when_it_is_used_and_not_before() -> None:
    found = copy.copy(unpickle(Loaded, refuse))
    encode = found.encode
    for use in (lambda: encode("a text"), lambda: found.dim, found.__enter__):
        with pytest.raises(ForkedEncoderError, match="'tiny' cannot run in this process"):
            use()
    with pytest.raises(AttributeError):
        _ = found.rank


def test_threads_of_a_pool_are_told_as_such() -> None:
    with pytest.raises(ForkedEncoderError, match=r"after its pool had been made.*make the pool in"):
        refuse_fork("search", os.getpid() + 1, in_pool=True)
