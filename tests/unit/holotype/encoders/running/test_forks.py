from __future__ import annotations

import os

import pytest

from holotype.encoders.running.forks import first_process, refuse_fork
from holotype.errors import ForkedEncoderError


def test_the_process_that_has_the_threads_may_run() -> None:
    refuse_fork("tiny", os.getpid())
    assert first_process() == first_process()


def test_a_fork_is_refused_with_the_name_of_the_model() -> None:
    with pytest.raises(ForkedEncoderError, match="'tiny' cannot run in this process"):
        refuse_fork("tiny", os.getpid() + 1)
