"""Whether a process is a fork of one that loaded a model.

A fork copies weights, but not the threads of torch, ONNX Runtime and OpenVINO that multiply them: a
call would wait for these threads forever.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache, partial
from typing import Any, NoReturn

from holotype.errors import ForkedEncoderError


@cache
def first_process() -> int:
    """Return the id of the process that asked first, which a fork of it gets, too."""
    return os.getpid()


def refuse_fork(model_id: str, process_id: int, *, in_pool: bool = False) -> None:
    """Refuse to run in a fork of a process.

    Args:
        model_id: the model that would run.
        process_id: the process that has the threads.
        in_pool: whether they are those of a pool.

    Raises:
        ForkedEncoderError: the process is another one.
    """
    if process_id != os.getpid():
        raise ForkedEncoderError(model_id, in_pool)


def unpickle(kind: type[Any], load: Callable[..., Any], *given: Any) -> Any:
    """Load a pickled encoder again; in a fork that cannot, return what says so when it is called.

    A worker of `multiprocessing.Pool` dies of an error while it reads a pickle, and whoever has
    sent that waits for its result for ever. So the error has to wait until something is called.

    Args:
        kind: the class of the encoder.
        load: loads it.
        given: what `load` takes.
    """
    try:
        return load(*given)
    except ForkedEncoderError as error:
        return _NotLoaded(kind, error)


class _NotLoaded:
    """An encoder that a fork cannot load: its methods, and all that it has, raise the reason."""

    def __init__(self, kind: type[Any], error: ForkedEncoderError) -> None:
        self._kind = kind
        self._error = error

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        if name.startswith("_"):
            raise AttributeError(name)
        # A pickled method is looked up while the pickle is read.
        if callable(getattr(self._kind, name)):
            return partial(_refuse, self._error)
        raise self._error

    def __enter__(self) -> NoReturn:
        raise self._error

    def __exit__(self, *_: object) -> None:
        """Nothing is entered."""


def _refuse(error: ForkedEncoderError, *_: object, **__: object) -> NoReturn:
    raise error
