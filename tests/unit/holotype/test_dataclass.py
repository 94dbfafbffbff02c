"""Records behave as the standard library's frozen, slotted, keyword-only dataclasses do."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from typing import Any

import pytest

from holotype.records import ColbertModel, DenseModel, ModelInfo, SparseModel, Variant

RECORD_CLASSES = [ModelInfo, DenseModel, ColbertModel, SparseModel]


def dense(**changes: Any) -> DenseModel[Any]:
    """A small record."""
    values: dict[str, Any] = {
        "id": "tiny",
        "type": "dense",
        "name": "Tiny",
        "huggingface_id": "acme/tiny",
        "organization": "Acme",
        "description": "A model.",
        "embedding_dim": 8,
        "languages": ("en",),
    }
    return DenseModel(**values | changes)


def test_a_field_that_is_not_given_has_its_default() -> None:
    assert dense().pooling is None
    assert dense().aliases == ()
    assert dense(pooling="cls").pooling == "cls"


def test_a_missing_field_is_an_error_that_names_it() -> None:
    with pytest.raises(TypeError, match="Variant needs a value for 'id'"):
        Variant()  # type: ignore[call-arg]  # the error under test


def test_an_unknown_field_is_an_error_that_names_it() -> None:
    with pytest.raises(TypeError, match="DenseModel has no field 'poling'"):
        dense(poling="cls")


@pytest.mark.parametrize("name", ["id", "pooling", "not_a_field"])
def test_a_record_cannot_be_changed(name: str) -> None:
    record = dense()
    with pytest.raises(dataclasses.FrozenInstanceError, match=f"cannot change '{name}'"):
        setattr(record, name, "x")
    with pytest.raises(dataclasses.FrozenInstanceError):
        delattr(record, name)


def test_a_record_has_slots_and_no_dictionary() -> None:
    assert not hasattr(dense(), "__dict__")


def test_equal_records_are_equal_and_hash_alike() -> None:
    assert dense() == dense()
    assert hash(dense()) == hash(dense())
    assert dense() != dense(pooling="cls")
    assert dense().__eq__("tiny") is NotImplemented
    assert len({dense(), dense(), dense(id="other")}) == 2


def test_records_of_different_classes_differ() -> None:
    values = {name: getattr(dense(), name) for name in ("id", "type", "name", "huggingface_id")}
    common = {**values, "organization": "Acme", "description": "", "embedding_dim": 8}
    assert ModelInfo(**common) != SparseModel(**common)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_record_survives_pickling(protocol: int) -> None:
    record = dense(matryoshka_dims=(4, 8), variants=(Variant(id="int8"),))
    assert pickle.loads(pickle.dumps(record, protocol)) == record


def test_a_record_can_be_copied() -> None:
    record = dense(variants=(Variant(id="int8"),))
    assert copy.copy(record) == record
    assert copy.deepcopy(record) == record


def test_replace_makes_a_changed_copy() -> None:
    record = dense()
    changed = dataclasses.replace(record, pooling="mean")
    assert changed.pooling == "mean"
    assert record.pooling is None
    assert dataclasses.asdict(changed) == {**dataclasses.asdict(record), "pooling": "mean"}


def test_the_standard_library_sees_a_dataclass() -> None:
    assert dataclasses.is_dataclass(DenseModel)
    fields = {field.name: field for field in dataclasses.fields(DenseModel)}
    assert list(fields) == list(dataclasses.asdict(dense()))
    assert fields["pooling"].default is None
    assert fields["id"].default is dataclasses.MISSING
    assert all(field.kw_only for field in fields.values())
    assert "pooling" not in {field.name for field in dataclasses.fields(ModelInfo)}


@pytest.mark.parametrize("record_class", RECORD_CLASSES)
def test_each_class_has_the_fields_that_the_standard_decorator_would_give_it(
    record_class: type[ModelInfo],
) -> None:
    names: dict[str, None] = {}
    for base in reversed(record_class.__mro__):
        names.update(dict.fromkeys(inspect.get_annotations(base)))
    assert [field.name for field in dataclasses.fields(record_class)] == list(names)


def test_the_repr_shows_what_tells_models_apart() -> None:
    record = dense(matryoshka_dims=(4, 8), revision="0123456789abcdef0123456789abcdef01234567")
    assert repr(record) == (
        "DenseModel(id='tiny', huggingface_id='acme/tiny', embedding_dim=8, "
        "matryoshka_dims=(4, 8), revision='0123456789ab')"
    )
    assert repr(Variant(id="int8")) == (
        "Variant(id='int8', quantization=None, huggingface_id=None, file=None)"
    )


def test_the_source_of_a_value_is_its_own_or_that_of_the_record() -> None:
    record = dense(pooling="cls", provenance=(("*", "mteb"), ("pooling", "hub: config.json")))
    assert record.source_of("pooling") == "hub: config.json"
    assert record.source_of("embedding_dim") == "mteb"
    assert record.source_of("similarity") is None
    assert record.source_of("matryoshka_dims") is None
    with pytest.raises(AttributeError, match="query_length"):
        record.source_of("query_length")
