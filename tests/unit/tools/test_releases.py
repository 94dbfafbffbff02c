"""Dates of mteb's that are wrong for another model of the same maker."""

from __future__ import annotations

import pytest

from catalogue.facts import Fact
from catalogue.releases import RELEASED, with_refuted_dates

REGISTRY = "mteb: mteb/models/model_implementations/acme_models.py"
PAGE = "web: https://acme.example/embed-small"


def refuted(stated: str, other: str, released: str, source: str = REGISTRY) -> set[str]:
    facts = {
        "acme/embed-small": {RELEASED: Fact(stated, PAGE)},
        other: {RELEASED: Fact(released, source)},
        "acme/unknown": {},
        "acme/not-in-the-registry": {RELEASED: Fact("2026-04-01", PAGE)},
    }
    registry = {name: {"release_date": "2026-04-01"} for name in ("acme/embed-small", other)}
    return with_refuted_dates(facts, registry | {"acme/unknown": {"release_date": None}})


@pytest.mark.parametrize("name", ["acme/embed-large", "ACME/rerank"])
def test_the_same_wrong_date_of_another_model_is_withdrawn(name: str) -> None:
    assert refuted("2026-05-07", name, "2026-04-01") == {name}


@pytest.mark.parametrize(
    ("stated", "name", "released", "source"),
    [
        ("2026-04-01", "acme/embed-large", "2026-04-01", REGISTRY),
        ("2026-05-07", "acme/embed-large", "2026-03-01", REGISTRY),
        ("2026-05-07", "acme/embed-large", "2026-04-01", PAGE),
        ("2026-05-07", "other/embed-large", "2026-04-01", REGISTRY),
    ],
    ids=["right", "another date", "another source", "another maker"],
)
def test_any_other_date_stays(stated: str, name: str, released: str, source: str) -> None:
    assert refuted(stated, name, released, source) == set()
