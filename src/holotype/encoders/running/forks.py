"""Whether a process is a fork of one that loaded a model.

A fork copies weights, but not the threads of torch, ONNX Runtime and OpenVINO that multiply them: a
call would wait for these threads forever.
"""

from __future__ import annotations

import os
from functools import cache

from holotype.errors import ForkedEncoderError


@cache
def first_process() -> int:
    """Return the id of the process that asked first, which a fork of it gets, too."""
    return os.getpid()


def refuse_fork(model_id: str, process_id: int) -> None:
    """Refuse to run in a fork of a process.

    Args:
        model_id: the model that would run.
        process_id: the process that has the threads.

    Raises:
        ForkedEncoderError: the process is another one.
    """
    if process_id != os.getpid():
        raise ForkedEncoderError(model_id)
