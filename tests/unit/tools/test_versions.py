"""Lengths of mteb's that are wrong for another version of the same model."""

from __future__ import annotations

import pytest

from catalogue.facts import Fact
from catalogue.versions import LENGTH, with_refuted_lengths

REGISTRY = "mteb: mteb/models/model_implementations/acme_models.py"
FILE = "hub: sentence_bert_config.json @ 1234567"


def refuted(stated: int, other: str, length: int, source: str = REGISTRY) -> set[str]:
    facts = {
        "acme/embed-mini-v1": {LENGTH: Fact(stated, FILE)},
        other: {LENGTH: Fact(length, source)},
        "acme/unknown": {},
    }
    return with_refuted_lengths(facts, {name: {"max_tokens": 512} for name in facts})


@pytest.mark.parametrize("name", ["acme/embed-mini-v1.5", "acme/embed-mini-v2", "ACME/Embed-mini"])
def test_the_same_wrong_length_of_another_version_is_withdrawn(name: str) -> None:
    assert refuted(32768, name, 512) == {name}


@pytest.mark.parametrize(
    ("stated", "name", "length", "source"),
    [
        (512, "acme/embed-mini-v2", 512, REGISTRY),
        (510, "acme/embed-mini-v2", 512, REGISTRY),
        (32768, "acme/embed-mini-v2", 8192, REGISTRY),
        (32768, "acme/embed-mini-v2", 512, "card: README.md"),
        (32768, "acme/embed-large-v2", 512, REGISTRY),
        (32768, "other/embed-mini-v2", 512, REGISTRY),
    ],
    ids=["right", "unused positions", "another length", "another source", "a sibling", "a maker"],
)
def test_any_other_length_stays(stated: int, name: str, length: int, source: str) -> None:
    assert refuted(stated, name, length, source) == set()
