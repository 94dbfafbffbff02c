"""Every table of fields or of kinds says what `schema/models.schema.json` says.

The runtime and the generator may not import each other, and neither can read the schema when it
runs from a wheel without the other; so what each of them knows of fields is held against it here.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.unit.holotype.hub import checkpoints
from tests.unit.holotype.hub.checkpoints import Files, saved

from catalogue import reports, selecting
from holotype import ModelInfo, records
from holotype.cli.columns import PLAIN
from holotype.cli.fields import GROUPS
from holotype.encoders.checkpoints.caption_limits import LENGTH_PENALTIES, REPETITION_PENALTIES
from holotype.encoders.kinds.derived_record import recognise_kind
from holotype.hub.adding import make_entry
from holotype.hub.fields import POINTERS
from holotype.references.entry import RECORDS
from holotype_codegen.model import BASE_CLASS, FIELDS, GENERIC_CLASSES, RECORD_CLASSES
from holotype_codegen.schema import known_kinds
from holotype_codegen.source import parse_source
from holotype_codegen.validate import find_problems

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "schema" / "models.schema.json").read_text(encoding="utf-8")
)
ENTRY = SCHEMA["$defs"]["model"]["properties"]
KINDS = tuple(
    condition["if"]["properties"]["type"]["const"]
    for condition in SCHEMA["$defs"]["model"]["allOf"]
    if "const" in condition["if"]["properties"]["type"]
)
ENCODINGS = {kind: SCHEMA["$defs"][f"{kind}-encoding"]["properties"] for kind in KINDS}
CHECKPOINTS: dict[str, Files] = {
    "dense": checkpoints.dense(),
    "colbert": checkpoints.colbert_pylate(),
    "sparse": checkpoints.sparse(),
    "cross-encoder": checkpoints.cross_encoder(),
    "classifier": checkpoints.classifier(),
    "image-text": checkpoints.image_text(),
    "captioner": checkpoints.captioner(),
}
OF_IMAGES = ("image_prompt", "query_suffix")
"""Fields of the encoding that models for texts do not have."""
# Not fields of a record: what holds others, and what follows from other fields.
NOT_FIELDS = {("variants",), ("provenance",), ("capabilities", "matryoshka")}


def leaves(properties: Mapping[str, Any], *path: str) -> Iterator[tuple[str, ...]]:
    """The places of all single values of an entry."""
    for name, schema in properties.items():
        if name == "encoding":
            yield from {(name, field) for fields in ENCODINGS.values() for field in fields}
        elif "properties" in schema and (*path, name) not in NOT_FIELDS:
            yield from leaves(schema["properties"], *path, name)
        else:
            yield (*path, name)


def record_classes() -> list[type[ModelInfo]]:
    found = [each for each in vars(records).values() if isinstance(each, type)]
    return [each for each in found if issubclass(each, ModelInfo)]


def test_captions_have_the_penalties_of_the_schema() -> None:
    fields = ENCODINGS["captioner"]
    for name, bounds in (
        ("length_penalty", LENGTH_PENALTIES),
        ("repetition_penalty", REPETITION_PENALTIES),
    ):
        assert (fields[name]["minimum"], fields[name]["maximum"]) == bounds


def test_the_generator_writes_every_field_of_the_schema_and_no_other() -> None:
    assert {place for _, place in FIELDS} == set(leaves(ENTRY)) - NOT_FIELDS
    assert len({name for name, _ in FIELDS}) == len(FIELDS)


def test_the_records_have_every_field_that_the_generator_writes_and_no_other() -> None:
    fields = {field.name for each in record_classes() for field in dataclasses.fields(each)}
    assert fields == {name for name, _ in FIELDS} | {"variants", "provenance"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_record_of_a_kind_has_its_encoding(kind: str) -> None:
    names = {field.name for field in dataclasses.fields(RECORDS[kind])}
    every_encoding = {name for name, place in FIELDS if place[0] == "encoding"}
    assert names & every_encoding == set(ENCODINGS[kind])


def test_the_hub_knows_where_the_generator_finds_each_field() -> None:
    places = dict(FIELDS)
    assert {name: places.get(name) for name in POINTERS} == dict(POINTERS)


def test_the_command_line_shows_every_field_besides_the_id() -> None:
    shown = {name for names in GROUPS.values() for name in names}
    assert shown == {name for name, _ in FIELDS} - {"id"} | {"variants"}


def test_a_line_of_the_list_holds_fields_only() -> None:
    assert set(PLAIN) <= {name for name, _ in FIELDS}


def test_the_reports_count_fields_of_the_schema() -> None:
    pointers = {pointer for _, pointers, _ in reports.FIELDS for pointer in pointers}
    places = {tuple(pointer.split("/")[1:]) for pointer in pointers}
    assert places <= set(leaves(ENTRY))


def test_every_table_of_kinds_has_those_of_the_schema() -> None:
    assert known_kinds() == KINDS
    assert tuple(RECORD_CLASSES) == KINDS
    assert tuple(RECORDS) == KINDS
    assert set(selecting.KINDS) == set(KINDS)


def test_both_packages_have_the_same_record_for_each_kind() -> None:
    assert {kind: each.__name__ for kind, each in RECORDS.items()} == RECORD_CLASSES
    assert ModelInfo.__name__ == BASE_CLASS
    # Base classes have a parameter, too.
    generic = {each.__name__ for each in RECORDS.values() if getattr(each, "__parameters__", ())}
    assert generic == GENERIC_CLASSES


@pytest.mark.parametrize("kind", KINDS)
def test_an_entry_that_is_made_of_a_checkpoint_has_the_fields_of_its_kind(
    kind: str, tmp_path: Path
) -> None:
    files = saved(tmp_path, CHECKPOINTS[kind])
    assert recognise_kind(files.checkpoint) == kind
    made = make_entry(files, "acme/tiny", id="tiny", kind=None, revision=None).values
    of_texts = [field for field in ENCODINGS[kind] if field not in OF_IMAGES]
    assert list(made["encoding"]) == of_texts
    sources = {"folder": {"title": "A folder"}}
    text = json.dumps({"version": "1", "sources": sources, "models": [made]})
    assert find_problems(parse_source(text.encode())) == ()
