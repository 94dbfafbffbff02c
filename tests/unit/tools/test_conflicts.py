"""Where sources disagree."""

from __future__ import annotations

from catalogue.conflicts import BETTER_FOUNDED, BY_HAND, REFUTED, conflicts
from catalogue.facts import Fact

LENGTH = "/specs/context_length"
SAID = {LENGTH: [Fact(512, "hub: config.json"), Fact(514, "mteb")]}


def test_both_values_are_shown_with_their_sources() -> None:
    taken = SAID[LENGTH][0]
    [found] = conflicts({"id": "m"}, SAID, {LENGTH: taken}, {})
    assert found == {
        "id": "m",
        "field": LENGTH,
        "taken": [512, "hub: config.json"],
        "others": [[514, "mteb"]],
        "why": BETTER_FOUNDED,
    }


def test_a_value_that_was_withdrawn_was_refuted() -> None:
    [found] = conflicts({"id": "m"}, {LENGTH: [Fact(514, "mteb")]}, {}, {})
    assert (found["taken"], found["why"]) == (None, REFUTED)


def test_a_value_set_by_hand_is_told() -> None:
    by_hand = {LENGTH: Fact(256, "card")}
    [found] = conflicts({"id": "m"}, SAID, by_hand, by_hand)
    assert (found["taken"], found["why"]) == ([256, "card"], BY_HAND)


def test_sources_that_agree_are_no_conflict() -> None:
    said = {LENGTH: [Fact(512, "hub: config.json"), Fact(512, "mteb")]}
    assert conflicts({"id": "m"}, said, {LENGTH: said[LENGTH][0]}, {}) == []


def test_a_rounded_count_is_no_conflict() -> None:
    pointer = "/specs/parameters"
    said = {pointer: [Fact(567_754_752, "parameter-count"), Fact(568_000_000, "mteb")]}
    assert conflicts({"id": "m"}, said, {pointer: said[pointer][0]}, {}) == []
