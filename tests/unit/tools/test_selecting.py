"""Which models are selected by rule, and what they are called."""

from __future__ import annotations

from typing import Any

import pytest

from catalogue.selecting import complete, plain_id

Line = dict[str, Any]


def select(mteb_line: Line, *names: str, previous: Any = None, **changes: Any) -> dict[str, str]:
    """Return the ids of the selected repositories."""
    rows = {name: mteb_line | {"huggingface_id": name} | changes for name in names}
    models = complete({"models": [], "excluded": {"acme/out": "why"}}, rows, previous or {})
    return {model["huggingface_id"]: model["id"] for model in models}


@pytest.mark.parametrize(
    ("repository", "name"),
    [
        ("acme/BGE-Base_EN-v1.5", "bge-base-en-v1.5"),
        ("acme/a.-b", "a-b"),
        ("acme/x__y.", "x-y"),
    ],
)
def test_an_id_is_the_name_of_the_repository_in_kebab_case(repository: str, name: str) -> None:
    assert plain_id(repository) == name


def test_an_excluded_model_is_left_out(mteb_line: Line) -> None:
    assert select(mteb_line, "acme/in", "acme/out") == {"acme/in": "in"}


@pytest.mark.parametrize(
    "changes",
    [
        {"is_baseline": True},
        {"modalities": ["text", "audio"]},
        {"revision": "main"},
        {"embed_dim": None},
        {"model_type": ["router"]},
    ],
)
def test_a_model_that_says_too_little_is_left_out(mteb_line: Line, changes: Line) -> None:
    assert select(mteb_line, "acme/in", **changes) == {}


def test_the_organization_stands_before_names_that_two_repositories_share(mteb_line: Line) -> None:
    assert select(mteb_line, "Acme/m-1.0", "Beta/M-1-0") == {
        "Acme/m-1.0": "acme-m-1.0",
        "Beta/M-1-0": "beta-m-1-0",
    }


def test_an_id_once_given_stays(mteb_line: Line) -> None:
    previous = {("dense", "Acme/m"): "m"}
    found = select(mteb_line, "Acme/m", "Beta/m", previous=previous)
    assert found == {"Acme/m": "m", "Beta/m": "beta-m"}


def test_words_that_a_capital_joins_give_an_alias(mteb_line: Line) -> None:
    rows = {"acme/SomeWords-base": mteb_line | {"huggingface_id": "acme/SomeWords-base"}}
    [model] = complete({"models": [], "excluded": {}}, rows, {})
    assert (model["id"], model["aliases"]) == ("somewords-base", ["some-words-base"])


def test_numbers_in_names_are_ordered_by_size(mteb_line: Line) -> None:
    assert list(select(mteb_line, "acme/m-130m", "acme/m-30m")) == ["acme/m-30m", "acme/m-130m"]
