"""Where the sources of a value disagree: both values, which one was taken, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalogue.facts import DERIVED, Candidates, Fact
from catalogue.provenance import key_of, rank

_COMPARED = (
    "/license",
    "/architecture/type",
    "/architecture/has_projection",
    "/architecture/matryoshka_dims",
    "/architecture/matryoshka_range",
    "/specs/parameters",
    "/specs/embedding_dim",
    "/specs/hidden_dim",
    "/specs/context_length",
    "/specs/max_position_embeddings",
    "/specs/vocab_size",
    "/specs/layers",
    "/specs/dtype",
    "/encoding",
)
"""What is compared: fields that have one right value."""

_ROUNDED_TO = (1_000_000, 100_000)

BY_HAND = "set by hand"
BETTER_FOUNDED = "better founded"
REFUTED = "another value refutes it"
FIRST = "the sources are equal; the first was taken"


def conflicts(
    entry: Mapping[str, Any],
    said: Candidates,
    chosen: Mapping[str, Fact],
    by_hand: Mapping[str, Fact],
) -> list[dict[str, Any]]:
    """Return the conflicts of an entry, as plain data.

    Args:
        entry: the entry as it was built.
        said: all that the fact files say, before anything was withdrawn.
        chosen: what was taken.
        by_hand: what was set by hand, null where a value was withdrawn.
    """
    found = []
    for pointer in sorted(said):
        if not pointer.startswith(_COMPARED):
            continue
        taken = by_hand.get(pointer) or chosen.get(pointer) or _derived(entry, pointer)
        others = _others(said[pointer], taken)
        if others:
            found.append(
                {
                    "id": entry["id"],
                    "field": pointer,
                    "taken": taken and [taken.value, taken.source],
                    "others": [[fact.value, fact.source] for fact in others],
                    "why": _why(taken, others, by_hand=pointer in by_hand),
                }
            )
    return found


def _others(facts: list[Fact], taken: Fact | None) -> list[Fact]:
    """Return one fact for each value that was not taken, the best founded one."""
    others: list[Fact] = []
    for fact in sorted(facts, key=lambda fact: rank(fact.source)):
        if taken is not None and (
            fact.value == taken.value or _is_rounded(fact.value, taken.value)
        ):
            continue
        if all(fact.value != other.value for other in others):
            others.append(fact)
    return others


def _derived(entry: Mapping[str, Any], pointer: str) -> Fact | None:
    """Return what the entry holds where no source was asked: it follows from another field."""
    value: Any = entry
    for part in pointer.split("/")[1:]:
        value = value.get(part) if isinstance(value, Mapping) else None
    return None if value is None else Fact(value, DERIVED)


def _is_rounded(value: Any, exact: Any) -> bool:
    """Whether a count is another one, rounded: 568 million for 567,754,752."""
    if not isinstance(value, int) or not isinstance(exact, int):
        return False
    return any(value % unit == 0 and abs(value - exact) < unit for unit in _ROUNDED_TO)


def _why(taken: Fact | None, others: list[Fact], *, by_hand: bool) -> str:
    if by_hand:
        return BY_HAND
    if taken is None:
        return REFUTED
    nearest = rank(others[0].source)
    if rank(taken.source) < nearest:
        return BETTER_FOUNDED
    same = key_of(taken.source) == key_of(others[0].source)
    return FIRST if rank(taken.source) == nearest and same else REFUTED
