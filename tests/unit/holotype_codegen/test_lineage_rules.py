"""A model that contradicts the one that it was adapted from is found."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.holotype_codegen.catalogues import (
    changed,
    problems_of,
    valid_catalogue,
    valid_entry,
)


def rules_broken_by(child: dict[str, Any], base: dict[str, Any]) -> list[str]:
    """Return the rules that an entry and its base break, with these values in them."""
    ours = changed(valid_entry(number=1), "/lineage/adapted_from", "Acme/tiny-dense-v2")
    theirs = valid_entry(number=2)
    for pointer, value in child.items():
        ours = changed(ours, pointer, value)
    for pointer, value in base.items():
        theirs = changed(theirs, pointer, value)
    return [problem.rule for problem in problems_of(valid_catalogue(ours, theirs))]


@pytest.mark.parametrize(
    ("own", "of_base"), [("2023-04-30", "2023-05-01"), ("2022", "2023-05"), ("2023-04", "2023-05")]
)
def test_a_model_older_than_its_base_is_refused(own: str, of_base: str) -> None:
    broken = rules_broken_by({"/release_date": own}, {"/release_date": of_base})
    assert broken == ["models_are_not_older_than_their_base"]


@pytest.mark.parametrize(
    ("own", "of_base"), [("2023-05-01", "2023-05-01"), ("2023", "2023-05"), (None, "2023-05")]
)
def test_dates_that_do_not_contradict_each_other_are_allowed(own: str | None, of_base: str) -> None:
    assert rules_broken_by({"/release_date": own}, {"/release_date": of_base}) == []


def test_a_model_deeper_than_its_base_is_refused() -> None:
    broken = rules_broken_by({"/specs/layers": 12}, {"/specs/layers": 6})
    assert broken == ["models_are_not_larger_than_their_base"]


def test_a_model_wider_than_its_base_is_refused() -> None:
    narrower = {"/specs/hidden_dim": 312, "/specs/embedding_dim": 312}
    assert rules_broken_by({}, narrower) == ["models_are_not_larger_than_their_base"]


def test_a_model_of_another_network_may_be_of_any_size() -> None:
    child = {"/specs/layers": 12, "/architecture/type": "modernbert"}
    assert rules_broken_by(child, {"/specs/layers": 6}) == []


def test_a_model_with_fewer_layers_than_its_base_is_allowed() -> None:
    assert rules_broken_by({"/specs/layers": 3}, {"/specs/layers": 6}) == []
