"""Any value in any place of a file of settings."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 7, 10**6, 10**9, 10**30, 0.5, -0.5, float("nan"), 1e300),
    *("", "x", "float99", "../x", "\x1b[2J", "\ud800", "a" * 5_000, [], [1], ["x"], {}, {"x": 1}),
)
"""Numbers, texts and containers that no setting expects, and some that many do."""


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to each place of a JSON value."""
    yield at
    pairs: Any = enumerate(value) if isinstance(value, list) else ()
    pairs = value.items() if isinstance(value, dict) else pairs
    for key, inner in pairs:
        yield from places(inner, (*at, key))


def changed(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    """Return a JSON value with another in one place."""
    if not at:
        return new
    made = copy.copy(value)
    made[at[0]] = changed(value[at[0]], at[1:], new)
    return made
