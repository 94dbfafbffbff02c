"""The end of the process: threads that run models end before the interpreter does.

A thread that is in native code while the interpreter ends is ended as soon as it comes back, by
unwinding its stack. torch does not let itself be unwound, not even where a thread frees a tensor,
so that the process would be aborted. Python waits for threads unless they are daemons, as those of
the pool are: nobody has to close a pool for a program to end.
"""

from __future__ import annotations

import atexit
import os
from itertools import count
from time import monotonic
from typing import Protocol
from weakref import WeakValueDictionary

_PATIENCE_S = 60.0
"""A load that hangs does not keep the process for ever."""


class Ending(Protocol):
    """Something with daemon threads that run native code."""

    def refuse(self) -> None:
        """Begin nothing more; what runs goes on."""

    def join(self, timeout_s: float | None) -> bool:
        """Wait until the threads have ended; return whether they have."""
        ...


_ORDER = count()
_alive: WeakValueDictionary[int, Ending] = WeakValueDictionary()


def end_with_process(one: Ending) -> None:
    """Wait for the threads of something when the process ends; the newest are waited for first."""
    _alive[next(_ORDER)] = one


def _end() -> None:
    alive = [one for _, one in sorted(_alive.items(), reverse=True)]
    for one in alive:
        one.refuse()
    ends_s = monotonic() + _PATIENCE_S
    for one in alive:
        one.join(max(0.0, ends_s - monotonic()))


atexit.register(_end)
if hasattr(os, "register_at_fork"):
    # The threads are those of the parent.
    os.register_at_fork(after_in_child=_alive.clear)
