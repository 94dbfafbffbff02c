"""Lists of languages that mteb repeats, and that a better source refutes for one model."""

from __future__ import annotations

import pytest

from catalogue.copied_languages import LANGUAGES, with_copied_languages
from catalogue.facts import Fact

REGISTRY = "mteb: mteb/models/model_implementations/acme_models.py"
CARD = "hub: README.md @ 1234567"
LONG = [
    *("af", "ar", "bg", "bn", "ca", "cs", "da", "de", "el", "en"),
    *("es", "et", "fa", "fi", "fr", "he", "hi", "hu", "id", "nb"),
]


def copied(
    read: list[str], other: list[str], *, listed: list[str] | None = None, source: str = REGISTRY
) -> set[str]:
    """Return what is withdrawn where a card says what the first model reads, and mteb lists `listed`."""
    facts = {
        "acme/embed-small": {LANGUAGES: Fact(read, CARD)},
        "other/embed": {LANGUAGES: Fact(other, source)},
        "acme/unknown": {},
        "acme/not-in-the-registry": {LANGUAGES: Fact(["sv"], CARD)},
    }
    listed = LONG if listed is None else listed
    registry = {name: {"languages": listed} for name in facts if "not" not in name}
    return with_copied_languages(facts, registry)


def test_a_list_that_lacks_a_language_is_withdrawn_wherever_it_stands() -> None:
    assert copied([*LONG, "sv"], LONG) == {"other/embed"}


@pytest.mark.parametrize(
    ("read", "other", "source"),
    [
        (LONG, LONG, REGISTRY),
        (LONG[:5], LONG, REGISTRY),
        ([*LONG[:-1], "no"], LONG, REGISTRY),
        ([*LONG, "zh-Hant"], [*LONG, "zh-Hans"], REGISTRY),
        ([*LONG, "sv"], LONG, "card: README.md"),
    ],
    ids=["the same", "fewer", "Norwegian by another name", "another list", "another source"],
)
def test_any_other_list_stays(read: list[str], other: list[str], source: str) -> None:
    assert copied(read, other, source=source) == set()


def test_a_short_list_may_be_right_elsewhere() -> None:
    assert copied(["en", "sv"], ["en"], listed=["eng-Latn"]) == set()


def test_tags_of_the_registry_are_compared_in_their_shortest_form() -> None:
    listed = ["swe-Latn", *(tag for tag in LONG if tag != "de"), "zho-Hans"]
    stated = ["sv", *(tag for tag in LONG if tag != "de"), "zh-Hans"]
    assert copied([*LONG, "sv", "zh"], stated, listed=listed) == {"other/embed"}
