"""Entries that collide, and successors that lead nowhere, are found."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.holotype_codegen.catalogues import (
    changed,
    problems_of,
    sentence,
    text_at,
    text_of,
    valid_catalogue,
    valid_entry,
)

from holotype_codegen.catalogue_rules import CATALOGUE_RULES
from holotype_codegen.naming import RESERVED_NAMES
from holotype_codegen.report import Problem


def collision(pointer: str, value: Any, kind: str = "dense") -> tuple[Problem, ...]:
    """What is wrong with two entries, the second of which has one value changed."""
    second = changed(valid_entry(kind, 2), pointer, value)
    return problems_of(valid_catalogue(valid_entry(), second))


def test_the_same_id_twice_is_found_in_the_predecessors_words() -> None:
    (problem,) = collision("/id", "tiny-dense-v1")
    assert problem.found == "Duplicate model ID found: tiny-dense-v1"
    assert (problem.pointer, problem.rule) == ("/models/1/id", "ids_are_unique")


def test_ids_that_differ_by_case_only_are_the_same() -> None:
    problems = {problem.rule: problem for problem in collision("/id", "Tiny-Dense-v1")}
    assert problems.keys() == {"ids_are_unique", "ids_are_kebab_case"}
    assert problems["ids_are_unique"].found == "Duplicate model ID found: Tiny-Dense-v1"


@pytest.mark.parametrize("alias", ["tiny-dense-v1", "tiny-dense-1", "tiny-dense-v2"])
def test_an_alias_that_is_an_id_or_an_alias_is_found(alias: str) -> None:
    (problem,) = collision("/lineage/aliases", [alias])
    assert (problem.pointer, problem.rule) == ("/models/1/lineage/aliases/0", "aliases_are_unique")
    assert f'the alias "{alias}" is taken' in problem.found


def test_an_alias_that_comes_before_the_id_it_takes_is_found() -> None:
    first = changed(valid_entry(), "/lineage/aliases", ["tiny-dense-v2"])
    (problem,) = problems_of(valid_catalogue(first, valid_entry(number=2)))
    assert problem.pointer == "/models/0/lineage/aliases/0"
    assert "/models/1/id has it" in problem.expected


@pytest.mark.parametrize("alias", ["TINY-DENSE-V1", "Tiny-Dense-1"])
def test_aliases_that_differ_by_case_only_are_the_same(alias: str) -> None:
    rules = {problem.rule for problem in collision("/lineage/aliases", [alias])}
    assert rules == {"aliases_are_unique", "ids_are_kebab_case"}


def test_a_repository_has_one_entry_of_a_kind() -> None:
    (problem,) = collision("/huggingface_id", "Acme/tiny-dense-v1")
    assert problem.pointer == "/models/1/huggingface_id"
    assert problem.found == (
        '"Acme/tiny-dense-v1" has another entry of the type "dense", "tiny-dense-v1"'
    )


def test_a_repository_may_have_entries_of_several_kinds() -> None:
    assert collision("/huggingface_id", "acme/tiny-dense-v1", "sparse") == ()


@pytest.mark.parametrize(
    ("first", "second", "constant"),
    [("x-v1.5", "x-v1-5", "X_V1_5"), ("2d", "m-2d", "M_2D")],
)
def test_two_ids_that_become_one_constant_are_found(first: str, second: str, constant: str) -> None:
    entries = [changed(valid_entry(number=n), "/id", id) for n, id in enumerate((first, second))]
    (problem,) = problems_of(valid_catalogue(*entries))
    assert problem.pointer == "/models/1/id"
    assert problem.found == f'the ids "{first}" and "{second}" both become {constant}'


@pytest.mark.parametrize("name", sorted(RESERVED_NAMES))
def test_ids_that_become_a_name_that_the_module_needs_are_found(name: str) -> None:
    model_id = name.lower().replace("_", "-")
    (problem,) = problems_of(valid_catalogue(changed(valid_entry(), "/id", model_id)))
    assert problem.found == f'the id "{model_id}" becomes {name}, a name that the module reserves'


@pytest.mark.parametrize(
    ("first", "second", "name"),
    [
        ("two-tower", "two.tower", "TWO_TOWER"),
        ("kind-1b", "kind1b", "Kind1bModelId"),
    ],
)
def test_two_kinds_that_become_one_name_are_found(first: str, second: str, name: str) -> None:
    entries = [valid_entry("two-tower", n) for n in (1, 2, 3)]
    for entry, kind in zip(entries, (first, second, first), strict=True):
        entry["type"] = kind
    (problem,) = problems_of(valid_catalogue(*entries))
    assert problem.found == f'the types "{first}" and "{second}" both become {name}'
    assert problem.pointer == "/models/1/type"


@pytest.mark.parametrize(
    ("successor", "words"),
    [
        ("nowhere", "correct the id, or write null"),
        ("tiny-dense-v3", 'did you mean "tiny-dense-v'),
        ("tiny-dense-1", 'superseded_by names "tiny-dense-1", which is not an id in the catalogue'),
    ],
)
def test_a_successor_that_is_no_id_is_found(successor: str, words: str) -> None:
    (problem,) = collision("/lineage/superseded_by", successor)
    assert problem.pointer == "/models/1/lineage/superseded_by"
    assert words in sentence(problem)


def test_a_circle_of_successors_is_found_in_each_of_its_members() -> None:
    successors = {1: 2, 2: 3, 3: 2, 4: 4, 5: None, 6: 1}
    entries = [
        changed(valid_entry(number=n), "/lineage/superseded_by", m and f"tiny-dense-v{m}")
        for n, m in successors.items()
    ]
    problems = problems_of(valid_catalogue(*entries))
    assert [problem.id for problem in problems] == [f"tiny-dense-v{n}" for n in (2, 3, 4)]
    assert problems[0].found == 'superseded_by leads from "tiny-dense-v2" back to it'


@pytest.mark.parametrize(
    ("pointer", "value", "words"),
    [
        ("/sources/lab/retrieved", "May", 'the date "May" is not in ISO 8601'),
        ("/sources/lab/license", "free", 'the licence "free" is unknown'),
    ],
)
def test_dates_and_licences_of_sources_are_checked(pointer: str, value: str, words: str) -> None:
    catalogue = changed(valid_catalogue(), pointer, value)
    (problem,) = problems_of(catalogue)
    assert (problem.pointer, problem.id) == (pointer, None)
    assert words in problem.found
    assert text_at(text_of(catalogue), problem).startswith(f'"{value}"')


def test_every_rule_is_documented() -> None:
    assert all(rule.__doc__ for rule in CATALOGUE_RULES)
