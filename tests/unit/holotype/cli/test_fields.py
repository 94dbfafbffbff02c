"""The groups of fields, against the records."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.golden import small_models as small

from holotype import ModelInfo, records
from holotype.cli.fields import GROUPS, facts

RECORD_CLASSES = [
    each
    for each in vars(records).values()
    if isinstance(each, type) and issubclass(each, ModelInfo)
]


@pytest.mark.parametrize("record_class", RECORD_CLASSES, ids=lambda each: each.__name__)
def test_every_field_is_in_one_group(record_class: type[ModelInfo]) -> None:
    grouped = Counter(name for names in GROUPS.values() for name in names)
    fields = set(record_class.__dataclass_fields__) - {"id", "provenance"}
    assert fields <= set(grouped)
    assert set(grouped.values()) == {1}


def test_no_group_names_a_field_that_no_record_has() -> None:
    fields = {name for each in RECORD_CLASSES for name in each.__dataclass_fields__}
    assert {name for names in GROUPS.values() for name in names} <= fields


def test_a_field_has_the_source_of_its_own_or_that_of_the_record() -> None:
    sources = {fact.name: fact.source for fact in facts(small.TINY_DENSE_V1_5)}
    assert sources["pooling"] == "hub: 1_Pooling/config.json"
    assert sources["normalize"] == "fixture"


def test_what_is_unknown_has_no_source() -> None:
    unknown = [fact for fact in facts(small.M_2D_DENSE) if not fact.known]
    assert unknown
    assert not [fact for fact in unknown if fact.source is not None]


def test_a_mere_default_has_no_source() -> None:
    sources = {fact.name: fact.source for fact in facts(small.TINY_SPARSE)}
    assert sources["deprecated"] is None
    assert sources["aliases"] is None
    assert {fact.name: fact.source for fact in facts(small.M_2D_DENSE)}["deprecated"] == "fixture"
