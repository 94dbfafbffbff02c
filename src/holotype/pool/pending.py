"""Calls that have been begun, and whose answers come on other threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from holotype.pool.calling import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A call that waits or runs.

    Attributes:
        future: done when the answer is there. Cancelling it takes the call out of the queue; what
            runs already goes on.
        finish: makes the answer of what the future holds.
    """

    future: Future[Any]
    finish: Callable[[Any], Answer[Any]]

    def answer(self) -> Answer[Any]:
        """Return the answer; blocks until it is there.

        Raises:
            HolotypeError: whatever the call raised; see `Pool.call`.
        """
        return self.finish(self.future.result())
