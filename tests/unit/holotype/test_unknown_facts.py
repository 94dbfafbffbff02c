"""What no source states stays unknown: in derived values, in queries, and in sources."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

import pytest

from holotype import ModelInfo, records, select
from holotype.query import Criteria

RECORD_CLASSES = [
    each
    for each in vars(records).values()
    if isinstance(each, type) and issubclass(each, ModelInfo)
]
REQUIRED: Mapping[str, Any] = {
    "id": "tiny",
    "type": "speech",
    "name": "Tiny",
    "huggingface_id": "acme/tiny",
    "organization": "Acme",
    "description": "A model for the tests.",
    "embedding_dim": 8,
}
BY_KIND: Mapping[tuple[str, str], object] = {
    ("SparseModel", "matryoshka"): False,
    ("CrossEncoderModel", "matryoshka"): False,
    ("ClassifierModel", "matryoshka"): False,
    ("CaptionerModel", "matryoshka"): False,
}
"""What follows from the kind of a record alone."""
BY_REQUIRED_FIELDS: Mapping[str, object] = {
    "dims": (REQUIRED["embedding_dim"],),
    "smallest_dim": REQUIRED["embedding_dim"],
    "is_on_hub": True,
}
"""What follows from the fields that every record has."""
NO_FACTS = {"multi_vector", "deprecated", "aliases"}
"""Fields whose default is what the absence of a statement says; see the schema."""

CRITERIA: Mapping[str, tuple[Any, ...]] = {
    "organization": (),  # always known
    "min_embedding_dim": (),
    "max_embedding_dim": (),
    "language": ("en",),
    "modality": ("text",),
    "license": ("mit",),
    "commercial_use": (True, False),
    "max_truncated_dim": (4,),
    "matryoshka": (True, False),
    "min_context_length": (0,),
    "min_parameters": (0,),
    "max_parameters": ("1T",),
    "max_memory": ("1TB",),
    "min_beir_avg": (0.0,),
    "min_ms_marco_mrr10": (0.0,),
    "allow_remote_code": (False,),
    "gated": (True, False),
}
"""For each criterion, values that any known fact but few would meet."""


def without_facts(record_class: type[ModelInfo]) -> ModelInfo:
    """A record that states what it must, and leaves all else unknown."""
    must = {field.name for field in fields(record_class) if field.default is MISSING}
    assert must <= REQUIRED.keys()
    return record_class(**{**REQUIRED, **{name: REQUIRED[name] for name in must}})


def properties() -> list[tuple[type[ModelInfo], str]]:
    return [
        (each, name)
        for each in RECORD_CLASSES
        for name, _ in inspect.getmembers(each, lambda member: isinstance(member, property))
    ]


def test_every_class_of_records_has_derived_values() -> None:
    assert {each for each, _ in properties()} == set(RECORD_CLASSES)
    assert {"matryoshka", "image_dynamic"} <= {name for _, name in properties()}


@pytest.mark.parametrize("record_class", RECORD_CLASSES)
def test_a_field_that_is_not_stated_is_unknown(record_class: type[ModelInfo]) -> None:
    record = without_facts(record_class)
    for field in fields(record_class):
        if field.name not in NO_FACTS | REQUIRED.keys():
            assert getattr(record, field.name) in (None, ()), field.name


@pytest.mark.parametrize(("record_class", "name"), properties())
def test_nothing_is_derived_from_what_is_unknown(record_class: type[ModelInfo], name: str) -> None:
    known = {**BY_REQUIRED_FIELDS, name: BY_KIND.get((record_class.__name__, name))}
    expected = BY_REQUIRED_FIELDS.get(name, known[name])
    found = getattr(without_facts(record_class), name)
    assert found == expected and type(found) is type(expected)


@pytest.mark.parametrize(("record_class", "name"), properties())
def test_what_is_derived_has_no_source_of_its_own(record_class: type[ModelInfo], name: str) -> None:
    with pytest.raises(AttributeError, match=f"has no field '{name}'"):
        without_facts(record_class).source_of(name)


def test_every_criterion_is_tried() -> None:
    assert CRITERIA.keys() == Criteria.__annotations__.keys()


@pytest.mark.parametrize("record_class", RECORD_CLASSES)
@pytest.mark.parametrize(
    ("name", "wanted"), [(name, value) for name, values in CRITERIA.items() for value in values]
)
def test_what_is_unknown_meets_no_criterion(
    record_class: type[ModelInfo], name: str, wanted: Any
) -> None:
    found = select(among=[without_facts(record_class)], **{name: wanted})
    follows = name == "matryoshka" and BY_KIND.get((record_class.__name__, name)) is wanted
    assert bool(found) is follows


@pytest.mark.parametrize(
    ("dims", "expected"), [((), None), ((8,), False), ((4, 8), True), ((4,), True)]
)
def test_vectors_are_truncated_where_smaller_sizes_are_listed(
    dims: tuple[int, ...], expected: bool | None
) -> None:
    record: records.DenseModel[Any] = records.DenseModel(**{**REQUIRED, "matryoshka_dims": dims})
    assert record.matryoshka is expected


def test_every_size_of_a_range_is_a_size_of_the_model() -> None:
    record: records.DenseModel[Any] = records.DenseModel(**REQUIRED, matryoshka_range=(2, 8))
    assert record.matryoshka is True and record.smallest_dim == 2
    assert list(record.dims) == [2, 3, 4, 5, 6, 7, 8]
    assert record.matryoshka_dims == ()
