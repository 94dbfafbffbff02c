"""Values that cannot all be true of one model are found, at the place where one of them stands."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.holotype_codegen.catalogues import (
    changed,
    problems_of,
    sentence,
    valid_catalogue,
    valid_entry,
)

from holotype_codegen.standards import is_to_come

LATER = (datetime.now(UTC) + timedelta(days=400)).date().isoformat()
MATRYOSHKA = "/architecture/matryoshka_dims"

# The kind of the entry, what is changed in it, where the problem stands, its rule, and some words.
CONTRADICTIONS: list[tuple[str, dict[str, Any], str, str, str]] = [
    (
        "colbert",
        {"/encoding/query_length": 513},
        "/encoding/query_length",
        "lengths_fit_the_context",
        "query_length is 513, context_length is 512",
    ),
    (
        "colbert",
        {"/encoding/document_length": 8192},
        "/encoding/document_length",
        "lengths_fit_the_context",
        "document_length is 8192, context_length is 512",
    ),
    (
        "dense",
        {"/architecture/type": "static", "/specs/layers": 12},
        "/specs/layers",
        "static_models_have_no_layers",
        "layers is 12",
    ),
    (
        "sparse",
        {MATRYOSHKA: [64, 30522]},
        MATRYOSHKA,
        "sparse_vectors_are_never_truncated",
        "a sparse model has matryoshka_dims",
    ),
    (
        "classifier",
        {"/encoding/multi_label": True},
        "/encoding/activation",
        "several_labels_are_no_softmax",
        'expected "sigmoid" or "identity"',
    ),
    (
        "dense",
        {"/specs/parameters": 22_000},
        "/specs/parameters",
        "parameters_hold_the_vocabulary",
        "vocab_size times hidden_dim is 11720448",
    ),
    (
        "dense",
        {"/architecture/type": "static", "/specs/parameters": 11_720_447},
        "/specs/parameters",
        "parameters_hold_the_vocabulary",
        "vocab_size times embedding_dim is 11720448",
    ),
    (
        "dense",
        {"/files/weights/safetensors": "pytorch_model.bin"},
        "/files/weights/safetensors",
        "files_are_of_their_format",
        "expected a name that ends in .safetensors or .safetensors.index.json",
    ),
    (
        "dense",
        {"/files/weights/onnx": "model.safetensors"},
        "/files/weights/onnx",
        "files_are_of_their_format",
        "move it to the field for its format",
    ),
    (
        "dense",
        {"/files/weights/pytorch": "model.onnx"},
        "/files/weights/pytorch",
        "files_are_of_their_format",
        '"model.onnx" is not a file of this format',
    ),
    (
        "dense",
        {"/files/config": "config.yaml"},
        "/files/config",
        "files_are_of_their_format",
        "expected a name that ends in .json",
    ),
    (
        "dense",
        {"/lineage/adapted_from": "ACME/tiny-dense-v1"},
        "/lineage/adapted_from",
        "models_are_adapted_from_others",
        "the model itself",
    ),
    (
        "dense",
        {"/release_date": "2999"},
        "/release_date",
        "dates_are_iso_8601",
        'the date "2999" is in the future',
    ),
    (
        "dense",
        {"/release_date": LATER},
        "/release_date",
        "dates_are_iso_8601",
        "is in the future",
    ),
    (
        "dense",
        {"/encoding/query_prompt": "Query: {query}"},
        "/encoding/query_prompt",
        "prompts_have_known_places",
        'the prompt has the placeholder "{query}", which nothing fills',
    ),
    (
        "dense",
        {"/encoding/document_prompt": "{instruction} {text}"},
        "/encoding/document_prompt",
        "prompts_have_known_places",
        'the placeholder "{text}"',
    ),
]


@pytest.mark.parametrize(
    "case", CONTRADICTIONS, ids=lambda case: f"{case[3]} {next(iter(case[1].items()))}"
)
def test_a_contradiction_is_found(case: tuple[str, dict[str, Any], str, str, str]) -> None:
    kind, changes, pointer, rule, words = case
    entry = valid_entry(kind)
    for place, value in changes.items():
        entry = changed(entry, place, value)
    found = [each for each in problems_of(valid_catalogue(entry)) if each.rule == rule]
    assert [each.pointer for each in found] == [f"/models/0{pointer}"]
    assert words in sentence(found[0])


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("colbert", {"/encoding/document_length": 512}),
        ("colbert", {"/encoding/document_length": 8192, "/specs/context_length": None}),
        ("dense", {"/architecture/type": "static", "/specs/layers": None}),
        ("dense", {"/architecture/type": "static", "/specs/parameters": 11_720_448}),
        ("dense", {"/architecture/type": "albert", "/specs/parameters": 11_683_584}),
        ("dense", {"/specs/parameters": 22_000, "/specs/vocab_size": None}),
        ("classifier", {"/encoding/multi_label": True, "/encoding/activation": "sigmoid"}),
        ("dense", {"/files/weights/safetensors": "model.safetensors.index.json"}),
        ("dense", {"/files/weights/pytorch": "colbert.PT"}),
        ("dense", {"/lineage/adapted_from": "acme/other"}),
        ("dense", {"/encoding/query_prompt": "Instruct: {instruction}\nQuery: "}),
        ("dense", {"/encoding/query_prompt": 'Answer with {"score": 1}, {} or { x }: '}),
        ("dense", {"/release_date": str(datetime.now(UTC).year)}),
    ],
    ids=str,
)
def test_what_may_be_true_passes(kind: str, changes: dict[str, Any]) -> None:
    entry = valid_entry(kind)
    for place, value in changes.items():
        entry = changed(entry, place, value)
    assert problems_of(valid_catalogue(entry)) == ()


def test_a_successor_is_of_the_same_kind() -> None:
    older, newer = valid_entry("dense"), valid_entry("cross-encoder", 2)
    older = changed(older, "/lineage/superseded_by", newer["id"])
    (problem,) = problems_of(valid_catalogue(older, newer))
    assert problem.rule == "successors_are_of_the_same_kind"
    assert problem.pointer == "/models/0/lineage/superseded_by"
    assert 'which is of the type "cross-encoder", not "dense"' in problem.found


def test_a_source_was_read_in_the_past() -> None:
    catalogue = changed(valid_catalogue(), "/sources/lab/retrieved", "2999-01")
    (problem,) = problems_of(catalogue)
    assert problem.pointer == "/sources/lab/retrieved"
    assert "is in the future" in problem.found


@given(st.dates(max_value=datetime(2026, 11, 27, tzinfo=UTC).date()))
def test_no_day_before_the_release_is_to_come_whatever_the_clock_says(day: Any) -> None:
    assert not is_to_come(day.isoformat())


def test_a_key_of_a_source_ends_where_its_line_ends() -> None:
    catalogue = valid_catalogue()
    catalogue["sources"]["lab\n"] = {"title": "With a line break"}
    (problem,) = problems_of(catalogue)
    assert "is not a valid key for a source" in problem.found


@pytest.mark.parametrize("item", [None, {"id": "x"}], ids=["mixed", "objects"])
def test_long_lists_are_searched_for_repetitions_in_linear_time(item: Any) -> None:
    entry = valid_entry("classifier")
    labels: list[Any] = [f"label {number}" for number in range(20_000)]
    entry["encoding"]["labels"] = [*labels, item, labels[0]]
    began = time.perf_counter()
    problems = problems_of(valid_catalogue(entry))
    assert time.perf_counter() - began < 10  # It took minutes.
    assert [each.found for each in problems if each.rule == "uniqueItems"] == [
        '"labels" contains "label 0" twice'
    ]
