"""Which variant answers a call, and whether it may: weights, sticky keys and breakers."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Sequence
from hashlib import blake2b
from itertools import accumulate
from threading import Lock
from typing import Literal, TypeAlias

from holotype.errors import TokenizationError
from holotype.pool.errors import BreakerOpenError, PoolClosedError, UnknownNameError

_SPACE = 1 << 64
Change: TypeAlias = Literal["breaker_opened", "breaker_closed"]


def position_of(key: str) -> float:
    """Return where a key lies between 0 and 1, the same in every process and version."""
    digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / _SPACE


class Weights:
    """Chooses one of several by their weights."""

    def __init__(self, weights: Sequence[float]) -> None:
        """Take the weights in their order.

        Raises:
            ValueError: there are none, one is negative, or all are 0.
        """
        if not weights or min(weights) < 0 or sum(weights) <= 0:
            raise ValueError(f"weights are {list(weights)!r}; expected some above 0, none below")
        total = sum(weights)
        self._ends = [end / total for end in accumulate(weights)]
        self._last = max(at for at, weight in enumerate(weights) if weight > 0)

    def choose(self, key: str | None) -> int:
        """Return the position of the one that a key belongs to; None draws one at random.

        A key stays where it is as long as the weights do. If the weights change, only the keys
        between the old and the new ends move.
        """
        if len(self._ends) == 1:
            return 0
        at = random.random() if key is None else position_of(key)  # noqa: S311
        return min(bisect_right(self._ends, at), self._last)


def is_callers_mistake(error: Exception) -> bool:
    """Whether the call is wrong, so that another model would refuse it, too."""
    return isinstance(
        error, (TypeError, ValueError, TokenizationError, UnknownNameError, PoolClosedError)
    )


class Breaker:
    """Stops calls of a model that fails again and again, and tries one now and then.

    It opens after 5 failures within 30 seconds, for 10 seconds at first. Then a single call tries
    the model. If that fails, it opens for twice as long, at most 5 minutes; if not, it closes.
    """

    FAILURES = 5
    WITHIN_S = 30.0
    FIRST_S = 10.0
    LONGEST_S = 300.0

    def __init__(
        self, name: str, clock: Callable[[], float], on_change: Callable[[Change, float], None]
    ) -> None:
        """Let calls through.

        Args:
            name: the model, for messages.
            clock: seconds that only grow.
            on_change: learns of what happened, and for how many seconds it is open.
        """
        self._name = name
        self._clock = clock
        self._on_change = on_change
        self._lock = Lock()
        self._failures: deque[float] = deque(maxlen=self.FAILURES)
        self._open_until_s: float | None = None
        self._open_for_s = self.FIRST_S
        self._is_tried = False
        self._last_load: int | None = None

    @property
    def state(self) -> Literal["closed", "open", "half-open"]:
        """Whether calls get through; half-open lets one."""
        until_s = self._open_until_s
        if until_s is None:
            return "closed"
        return "half-open" if self._is_tried or self._clock() >= until_s else "open"

    def enter(self) -> None:
        """Begin a call; end it with one of the other methods.

        Raises:
            BreakerOpenError: it is open, or another call tries the model.
        """
        if self._open_until_s is None:
            return
        with self._lock:
            if self._open_until_s is None:
                return
            left_s = self._open_until_s - self._clock()
            if left_s > 0 or self._is_tried:
                wait_s = round(max(left_s, 1.0), 1)
                raise BreakerOpenError(
                    self._name,
                    f"failed {self.FAILURES} times within {self.WITHIN_S:.0f} s and is tried again "
                    f"in {wait_s} s",
                    wait_s,
                )
            self._is_tried = True

    def succeed(self) -> None:
        """End a call that succeeded."""
        if not self._failures and self._open_until_s is None:
            return
        with self._lock:
            closes = self._open_until_s is not None and self._is_tried
            if closes:
                self._open_until_s, self._is_tried = None, False
                self._open_for_s = self.FIRST_S
                self._failures.clear()
        if closes:
            self._on_change("breaker_closed", 0.0)

    def leave(self) -> None:
        """End a call that says nothing of the model."""
        if self._is_tried:
            with self._lock:
                self._is_tried = False

    def fail(self, load: int | None = None) -> None:
        """End a call that failed because of the model.

        Args:
            load: the load that failed, if it was one; it counts once, however many waited for it.
        """
        with self._lock:
            if load is not None and load == self._last_load:
                return
            self._last_load = load
            now_s = self._clock()
            self._failures.append(now_s)
            often = len(self._failures) == self.FAILURES
            soon = often and now_s - self._failures[0] <= self.WITHIN_S
            opens = self._is_tried or (soon and self._open_until_s is None)
            if opens:
                if self._is_tried:
                    self._open_for_s = min(2 * self._open_for_s, self.LONGEST_S)
                self._is_tried = False
                self._open_until_s = now_s + self._open_for_s
                self._failures.clear()
            open_for_s = self._open_for_s
        if opens:
            self._on_change("breaker_opened", open_for_s)

    def reset(self) -> None:
        """Close it, since the model is another now."""
        with self._lock:
            self._open_until_s, self._is_tried = None, False
            self._open_for_s = self.FIRST_S
            self._failures.clear()
