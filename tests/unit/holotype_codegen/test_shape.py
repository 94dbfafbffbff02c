"""What breaks the schema is found at its place, once, in words that say what to write instead."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema.exceptions import ValidationError
from tests.unit.holotype_codegen.catalogues import (
    changed,
    problems_of,
    sentence,
    text_at,
    text_of,
    valid_catalogue,
    valid_entry,
)

from holotype_codegen import shape
from holotype_codegen.entries import Entry

# The kind of the entry, what is changed in it, and the problem: its pointer within the entry, what
# stands at its line and column, its keyword, and some of its words.
Breach = tuple[str, str, Any, str, str, str, str]

MISSING: list[Breach] = [
    (kind, pointer, ..., pointer, spot, "required", f"the required field {name} is missing")
    for kind, pointer, spot, name in [
        ("dense", "/id", "{", '"id"'),
        ("dense", "/type", "{", '"type"'),
        ("dense", "/name", "{", '"name"'),
        ("dense", "/huggingface_id", "{", '"huggingface_id"'),
        ("dense", "/organization", "{", '"organization"'),
        ("dense", "/release_date", "{", '"release_date"'),
        ("dense", "/license", "{", '"license"'),
        ("dense", "/description", "{", '"description"'),
        ("dense", "/architecture", "{", '"architecture"'),
        ("two-tower", "/organization", "{", '"organization"'),
        ("dense", "/files", "{", '"files"'),
        ("dense", "/capabilities", "{", '"capabilities"'),
        ("dense", "/performance", "{", '"performance"'),
        ("dense", "/revision", "{", '"revision"'),
        ("dense", "/provenance", "{", '"provenance"'),
        ("dense", "/provenance/*", "{", '"*"'),
        ("dense", "/encoding", "{", '"encoding"'),
        ("colbert", "/encoding", "{", '"encoding"'),
        ("sparse", "/encoding", "{", '"encoding"'),
        ("dense", "/encoding/pooling", "{", '"pooling"'),
        ("colbert", "/encoding/skiplist", "{", '"skiplist"'),
        ("sparse", "/encoding/activation", "{", '"activation"'),
        ("dense", "/architecture/has_projection", "{", '"has_projection"'),
        ("dense", "/specs/vocab_size", "{", '"vocab_size"'),
        ("dense", "/performance/beir_avg", "{", '"beir_avg"'),
        ("dense", "/variants/0/id", "{", '"id"'),
    ]
]

UNKNOWN: list[Breach] = [
    (kind, pointer, 1, pointer, f'"{pointer.rpartition("/")[2]}": 1', "additionalProperties", words)
    for kind, pointer, words in [
        ("dense", "/licence", 'did you mean "license"?'),
        ("dense", "/huggingFaceId", 'did you mean "huggingface_id"?'),
        ("dense", "/embedding_dim", "move it to /specs"),
        ("dense", "/embeddingDim", 'did you mean "embedding_dim" in /specs?'),
        ("dense", "/zzz", "delete it, or look up the right name in the schema"),
        ("dense", "/specs/embeding_dim", 'did you mean "embedding_dim"?'),
        ("dense", "/specs/pooling", "move it to /encoding"),
        ("dense", "/files/weights/safetensor", 'did you mean "safetensors"?'),
        ("dense", "/encoding/query_length", '"query_length" is not a field here'),
        ("colbert", "/encoding/pooling", '"pooling" is not a field here'),
        ("dense", "/variants/0/precision", '"precision" is not a field here'),
        ("two-tower", "/encoding", 'a model of the type "two-tower" has no encoding'),
    ]
]

WRONG_TYPE: list[Breach] = [
    ("dense", "/id", 7, "/id", "7", "type", '"id" is the number 7; expected text; write "7"'),
    ("dense", "/name", None, "/name", "null", "type", '"name" is null; expected text; give the'),
    ("dense", "/type", ["dense"], "/type", "[", "type", '"type" is a list; expected text'),
    ("dense", "/architecture", [], "/architecture", "[]", "type", "is a list; expected an object"),
    (
        "dense",
        "/encoding",
        "cls",
        "/encoding",
        '"cls"',
        "type",
        'is the text "cls"; expected an ob',
    ),
    ("dense", "/release_date", 2024, "/release_date", "2024", "type", 'write "2024" in quotes'),
    ("dense", "/provenance/*", 1, "/provenance/*", "1", "type", '"*" is the number 1'),
    (
        "dense",
        "/variants",
        {},
        "/variants",
        "{}",
        "type",
        '"variants" is an object; expected a list',
    ),
    ("dense", "/variants/0", 4, "/variants/0", "4", "type", '"variants[0]" is the number 4'),
    *(
        ("dense", pointer, value, pointer, spot, "type", words)
        for pointer, value, spot, words in [
            ("/specs/parameters", "110M", '"110M"', "write 110000000, without quotes"),
            ("/specs/parameters", "0.6 b", '"0.6 b"', "write 600000000, without quotes"),
            ("/specs/parameters", "109,482,240", '"109,', "write 109482240, without quotes"),
            ("/specs/parameters", "many", '"many"', "write a whole number above 0 or null"),
            ("/specs/parameters", "unknown", '"unknown"', "write null, without quotes"),
            ("/specs/parameters", True, "true", "is true; expected a whole number above 0"),
            ("/specs/hidden_dim", 384.0, "384.0", "written as a fraction; expected a whole"),
            ("/specs/hidden_dim", 384.5, "384.5", "is the number 384.5; expected a whole number"),
            ("/specs/hidden_dim", 0.0, "0.0", "is 0.0, written as a fraction"),
            ("/specs/embedding_dim", None, "null", "is null; expected a whole number above 0"),
            ("/specs/embedding_dim", "384", '"384"', "a whole number above 0; write 384, without"),
            ("/architecture/has_projection", "false", '"false"', "write false, without quotes"),
            ("/capabilities/multi_vector", 0, "0", "is the number 0; expected true or false"),
            ("/capabilities/languages", "en", '"en"', 'write ["en"]'),
            ("/capabilities/languages/0", 5, "5", '"languages[0]" is the number 5; expected text'),
            ("/performance/beir_avg", "0.53", '"0.53"', "write 0.53, without quotes"),
            ("/performance/beir_avg", False, "false", "expected a number from 0 to 1 or null"),
        ]
    ),
    ("cross-encoder", "/specs/embedding_dim", 384, "/specs/embedding_dim", "384", "type", "null"),
]

WRONG_VALUE: list[Breach] = [
    ("dense", "/id", "", "/id", '""', "minLength", '"id" is an empty text'),
    ("dense", "/license", "", "/license", '""', "minLength", "not empty; write null"),
    (
        "dense",
        "/capabilities/modalities",
        [],
        "/capabilities/modalities",
        "[]",
        "minItems",
        "empty",
    ),
    ("dense", "/capabilities/languages", [], "/capabilities/languages", "[]", "minItems", "null"),
    *(
        ("dense", pointer, value, pointer, spot, keyword, words)
        for pointer, value, spot, keyword, words in [
            ("/encoding/pooling", "last_token", '"last_', "enum", 'null; write "last-token"'),
            ("/encoding/pooling", "CLS", '"CLS"', "enum", 'write "cls"'),
            ("/encoding/pooling", 3, "3", "enum", "write one of these"),
            (
                "/encoding/similarity",
                "maxsim",
                '"maxsim"',
                "enum",
                'expected one of "cosine", "dot"',
            ),
            ("/capabilities/modalities/0", "txt", '"txt"', "enum", 'write "text"'),
            ("/performance/beir_avg", 53.25, "53.25", "maximum", "write 0.5325, a fraction"),
            ("/performance/beir_avg", 532.5, "532.5", "maximum", "write the true value, or null"),
            ("/performance/ms_marco_mrr10", -0.1, "-0.1", "minimum", "a number from 0 to 1"),
            ("/capabilities/languages/1", "en", '"en"', "uniqueItems", 'contains "en" twice'),
        ]
    ),
    *(
        ("colbert", "/encoding/skiplist", value, pointer, spot, "anyOf", words)
        for value, pointer, spot, words in [
            (3, "/encoding/skiplist", "3", "is the number 3"),
            (
                "punct",
                "/encoding/skiplist",
                '"punct"',
                'is the text "punct"; expected "punctuation"',
            ),
            (["a", 3], "/encoding/skiplist/1", "3", '"skiplist[1]" is the number 3; expected text'),
            (["a", ""], "/encoding/skiplist/1", '""', '"skiplist[1]" is an empty text'),
            (["a", "a"], "/encoding/skiplist/1", '"a"', '"skiplist" contains "a" twice'),
        ]
    ),
]

NOT_POSITIVE: list[Breach] = [
    (
        kind,
        pointer,
        value,
        pointer,
        str(value),
        "exclusiveMinimum",
        f"Model tiny-{kind}-v1 has invalid {label}: {value}; expected a whole number above 0",
    )
    for kind, pointer, label in [
        ("dense", "/specs/parameters", "parameters"),
        ("dense", "/specs/embedding_dim", "embedding_dim"),
        ("dense", "/specs/hidden_dim", "hidden_dim"),
        ("dense", "/specs/context_length", "context_length"),
        ("dense", "/specs/max_position_embeddings", "max_position_embeddings"),
        ("dense", "/specs/vocab_size", "vocab_size"),
        ("colbert", "/architecture/projection_dims", "projection_dims"),
        ("colbert", "/architecture/matryoshka_dims/0", "matryoshka_dims[0]"),
        ("colbert", "/encoding/query_length", "query_length"),
        ("colbert", "/encoding/document_length", "document_length"),
    ]
    for value in (0, -1)
]


@pytest.mark.parametrize(
    "breach",
    [*MISSING, *UNKNOWN, *WRONG_TYPE, *WRONG_VALUE, *NOT_POSITIVE],
    ids=lambda breach: f"{breach[0]}{breach[1]}={str(breach[2])[:30]}",
)
def test_a_breach_of_the_schema_is_the_only_problem_of_its_entry(breach: Breach) -> None:
    kind, pointer, value, at, spot, keyword, words = breach
    others = [valid_entry("two-tower", 2), valid_entry("dense", 3)]
    catalogue = valid_catalogue(others[0], changed(valid_entry(kind), pointer, value), others[1])
    (problem,) = problems_of(catalogue)
    assert problem.pointer == f"/models/1{at}"
    assert problem.rule == keyword
    assert words in sentence(problem)
    assert text_at(text_of(catalogue), problem).startswith(spot)


def test_a_near_miss_of_a_kind_is_the_only_problem_of_its_entry() -> None:
    (problem,) = problems_of(valid_catalogue(changed(valid_entry(), "/type", "Dense")))
    assert sentence(problem) == (
        'the type "Dense" is another spelling of a known one; expected "dense"; write "dense"'
    )


def test_a_field_of_earlier_versions_is_refused_with_what_to_do() -> None:
    values = valid_entry("dense") | {"performance_hints": {"batch_size_optimal": 32}}
    (problem,) = problems_of(valid_catalogue(values))
    assert problem.pointer == "/models/0/performance_hints"
    assert problem.action == "delete it; earlier versions had it, and nothing read it"


def test_a_misspelt_kind_is_found_by_its_encoding() -> None:
    (problem,) = problems_of(valid_catalogue(changed(valid_entry("colbert"), "/type", "colber")))
    assert problem.action == 'write "type": "colbert" if that is meant, or delete the encoding'


def test_a_kind_of_another_library_is_not_answered_with_deleting_the_encoding_alone() -> None:
    (problem,) = problems_of(valid_catalogue(changed(valid_entry("dense"), "/type", "embedding")))
    assert problem.action == "correct the type to one of these, or delete the encoding"


def test_an_entry_without_a_source_is_told_what_a_source_is() -> None:
    (problem,) = problems_of(valid_catalogue(changed(valid_entry("dense"), "/provenance", {})))
    assert problem.pointer == "/models/0/provenance/*"
    assert problem.action.startswith('add "*" (The key of a source at the top of the file, such as')


@pytest.mark.parametrize(
    ("pointer", "value", "at", "keyword", "words"),
    [
        ("/version", ..., "/version", "required", 'the required field "version" is missing'),
        ("/version", 1.5, "/version", "type", 'write "1.5" in quotes'),
        ("/sources", ..., "/sources", "required", 'the required field "sources" is missing'),
        ("/models", ..., "/models", "required", 'the required field "models" is missing'),
        ("/models", [], "/models", "minItems", '"models" is an empty list'),
        ("/models", {}, "/models", "type", '"models" is an object; expected a list'),
        ("/models/1", 5, "/models/1", "type", "the entry is the number 5; expected an object"),
        ("/models/1", None, "/models/1", "type", "the entry is null; expected an object"),
        ("/modles", 1, "/modles", "additionalProperties", 'did you mean "models"?'),
        ("/sources/lab", "a", "/sources/lab", "type", '"lab" is the text "a"'),
        ("/sources/lab/title", ..., "/sources/lab/title", "required", "is missing"),
        ("/sources/lab/URL", "a", "/sources/lab/URL", "additionalProperties", 'mean "url"?'),
        ("/sources/lab/url", "lab", "/sources/lab/url", "pattern", "of the form ^https?://"),
        (
            "/sources/My Lab",
            {"title": "x"},
            "/sources/My Lab",
            "propertyNames",
            "is not a valid key",
        ),
    ],
)
def test_a_breach_outside_the_entries_is_found(
    pointer: str, value: Any, at: str, keyword: str, words: str
) -> None:
    problems = problems_of(changed(valid_catalogue(), pointer, value))
    problem = next(problem for problem in problems if problem.pointer == at)
    assert (problem.id, problem.rule) == (None, keyword)
    assert words in sentence(problem)


@pytest.mark.parametrize("value", [None, True, 3, "text", []])
def test_a_catalogue_that_is_no_object_is_one_problem(value: Any) -> None:
    (problem,) = problems_of(value)
    assert (problem.line, problem.column, problem.pointer) == (1, 1, "")
    assert problem.found.startswith("the catalogue is ")


def test_a_keyword_without_words_of_its_own_is_still_reported() -> None:
    error = ValidationError(
        "", validator="maxLength", path=["name"], instance="abc", validator_value=2
    )
    ((keyword, finding),) = shape._explain([error], Entry({}, "/models/0"))
    assert (keyword, finding.pointer) == ("maxLength", "/models/0/name")
    assert finding.expected == "expected maxLength 2"
