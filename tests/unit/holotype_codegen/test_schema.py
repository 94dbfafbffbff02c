"""The validators that are made for each kind say what the schema says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator, validators
from tests.unit.holotype_codegen.catalogues import changed, valid_catalogue, valid_entry

from holotype_codegen.entries import Entries
from holotype_codegen.model import RECORD_CLASSES
from holotype_codegen.positions import child_pointer
from holotype_codegen.schema import entry_validator, known_kinds, load_schema, meant_kind
from holotype_codegen.shape import find_shape_problems


def test_a_schema_is_not_taken_for_one_that_is_gone() -> None:
    def valid(schema: dict[str, Any]) -> bool:
        return bool(type(entry_validator(None))({"properties": {"a": schema}}).is_valid({"a": "b"}))

    # A new object often has the identity of one that is gone.
    for _ in range(50):
        assert valid({"const": "b"})
        assert not valid({"type": "object"})


def test_the_schema_is_valid_json_schema() -> None:
    Draft202012Validator.check_schema(load_schema())


def test_the_known_kinds_are_those_that_have_a_record_class() -> None:
    assert set(known_kinds()) == set(RECORD_CLASSES)


def test_the_conditions_of_the_schema_look_at_the_type_alone() -> None:
    for condition in load_schema()["$defs"]["model"]["allOf"]:
        assert set(condition["if"]) <= {"properties", "required"}
        assert set(condition["if"]["properties"]) == {"type"}


@pytest.mark.parametrize(
    ("kind", "meant"),
    [
        ("dense", "dense"),
        ("Dense", "dense"),
        ("cross_encoder", "cross-encoder"),
        ("CrossEncoder", "cross-encoder"),
        ("cross encoder", "cross-encoder"),
        ("colber", None),
        ("denser", None),
        ("", None),
    ],
)
def test_a_kind_is_meant_where_only_case_and_separators_differ(
    kind: str, meant: str | None
) -> None:
    assert meant_kind(kind) == meant


def test_validators_are_made_once_for_each_kind_and_once_for_all_further_ones() -> None:
    assert entry_validator("dense") is entry_validator("dense")
    assert entry_validator("two-tower") is entry_validator("another")
    assert entry_validator("dense") is not entry_validator("colbert")


def strict_validator() -> Any:
    """The schema as a whole, with its references and conditions, and strict integers."""
    checker = Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: type(value) is int
    )
    extend: Any = validators.extend
    return extend(Draft202012Validator, type_checker=checker)(load_schema())


def pointers(value: Any, above: str = "") -> list[str]:
    """The pointers of everything within a value."""
    if not isinstance(value, dict | list):
        return []
    children = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, child in children:
        pointer = child_pointer(above, key)
        found += [pointer, *pointers(child, pointer)]
    return found


VALUES = [
    ...,
    None,
    True,
    0,
    3,
    -1,
    0.5,
    3.0,
    "",
    "text",
    "dense",
    [],
    ["a", "a"],
    [1],
    {},
    {"a": 1},
]


@pytest.mark.parametrize("kind", [*RECORD_CLASSES, "two-tower"])
def test_one_wrong_value_is_a_breach_exactly_where_the_whole_schema_says_so(kind: str) -> None:
    whole = strict_validator()
    valid = valid_catalogue(valid_entry(kind))
    for pointer in pointers(valid):
        for value in VALUES:
            catalogue = json.loads(json.dumps(changed(valid, pointer, value)))
            breaches = list(find_shape_problems(catalogue, Entries.of(catalogue)))
            assert bool(breaches) != whole.is_valid(catalogue), (pointer, value, breaches)


@pytest.mark.parametrize(("valid", "wrong"), [(1, True), (768, 768.0), (0.5, "0.5")])
def test_a_value_that_only_equals_or_looks_like_a_valid_one_is_a_breach(
    valid: object, wrong: object
) -> None:
    pointer = (
        "/performance/beir_avg" if isinstance(valid, float) else "/specs/max_position_embeddings"
    )
    entries = [changed(valid_entry("dense"), pointer, value) for value in (valid, wrong, valid)]
    catalogue = valid_catalogue(*entries)
    found = [breach.pointer for _, breach in find_shape_problems(catalogue, Entries.of(catalogue))]
    assert found == [f"/models/1{pointer}"]


def test_the_same_wrong_value_is_a_breach_in_every_entry() -> None:
    entry = changed(valid_entry("dense"), "/specs/layers", -4)
    catalogue = valid_catalogue(entry, entry, valid_entry("dense"))
    for _ in range(2):
        breaches = find_shape_problems(catalogue, Entries.of(catalogue))
        places = [breach.pointer for _, breach in breaches]
        assert places == ["/models/0/specs/layers", "/models/1/specs/layers"]


def documented(node: object) -> list[tuple[str, dict[str, object]]]:
    """Every field that the schema defines, with its name."""
    if isinstance(node, list):
        return [field for item in node for field in documented(item)]
    if not isinstance(node, dict):
        return []
    below = [field for key, item in node.items() if key != "allOf" for field in documented(item)]
    return [*node.get("properties", {}).items(), *below]


@pytest.mark.parametrize(
    ("name", "field"), documented(load_schema()), ids=lambda value: str(value)[:30]
)
def test_every_field_has_a_title_a_description_and_an_example(
    name: str, field: dict[str, object]
) -> None:
    assert field.get("title"), name
    assert field.get("description"), name
    assert field.get("examples"), name


def test_examples_are_valid_values_of_their_fields() -> None:
    for name, field in documented(load_schema()):
        examples = field["examples"]
        assert isinstance(examples, list)
        if name in ("models", "provenance", "sources"):
            continue
        validator = Draft202012Validator({**field, "$defs": load_schema()["$defs"]})
        assert all(validator.is_valid(example) for example in examples), name
