"""Every kind of mistake is found, at its place, in words that say what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.holotype_codegen.catalogues import (
    changed,
    problems_of,
    valid_catalogue,
    valid_entry,
)

from holotype_codegen.report import CatalogueError
from holotype_codegen.source import parse_source
from holotype_codegen.validate import find_problems, load_catalogue

KINDS = ["dense", "colbert", "sparse", "cross-encoder", "classifier", "two-tower"]
COUNTS = [
    "/specs/parameters",
    "/specs/embedding_dim",
    "/specs/hidden_dim",
    "/specs/context_length",
    "/specs/max_position_embeddings",
    "/specs/vocab_size",
    "/performance_hints/batch_size_optimal",
    "/performance_hints/memory_mb_per_batch",
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_complete_entry_of_each_kind_has_no_problem(kind: str) -> None:
    assert problems_of(valid_catalogue(valid_entry(kind))) == ()


# What is changed in a valid entry of a kind, and what is found: the pointer and some of the words.
ENTRY_MISTAKES: list[tuple[str, str, Any, str, str]] = [
    ("dense", "/id", "Tiny", "/id", 'the id "Tiny" is not kebab-case'),
    ("dense", "/id", "tiny_v1", "/id", 'write "tiny-v1"'),
    ("dense", "/id", "tiny--v1", "/id", "is not kebab-case"),
    ("dense", "/id", "tiny-é", "/id", "is not kebab-case"),
    ("dense", "/id", "model-registry", "/id", "becomes MODEL_REGISTRY, a name that the module"),
    ("dense", "/id", "", "/id", "id is empty"),
    ("dense", "/id", 7, "/id", "id is 7; expected text"),
    ("dense", "/type", "Dense", "/type", 'expected "dense"'),
    ("cross-encoder", "/type", "cross_encoder", "/type", 'expected "cross-encoder"'),
    ("two-tower", "/type", "two tower", "/type", "is not kebab-case"),
    ("dense", "/name", ..., "", 'the field "name" is missing'),
    ("dense", "/license", ..., "", 'the field "license" is missing'),
    ("dense", "/encoding", ..., "", 'the field "encoding" is missing'),
    ("dense", "/encoding/pooling", ..., "/encoding", 'the field "pooling" is missing'),
    ("dense", "/specs/vocab_size", ..., "/specs", 'the field "vocab_size" is missing'),
    ("dense", "/performance/beir_avg", ..., "/performance", 'the field "beir_avg" is missing'),
    ("dense", "/provenance/*", ..., "/provenance", 'the field "*" is missing'),
    ("dense", "/specs/embeding_dim", 3, "/specs/embeding_dim", 'did you mean "embedding_dim"?'),
    ("dense", "/licence", "mit", "/licence", 'did you mean "license"?'),
    ("dense", "/encoding/query_length", 32, "/encoding/query_length", "there is no field"),
    ("two-tower", "/encoding", {}, "/encoding", 'the type "two-tower" has no encoding'),
    ("dense", "/specs/parameters", "110M", "/specs/parameters", "about 110000000"),
    ("dense", "/specs/parameters", True, "/specs/parameters", "is true; expected a whole number"),
    ("dense", "/specs/hidden_dim", 384.0, "/specs/hidden_dim", "is 384.0; expected a whole"),
    ("dense", "/specs/embedding_dim", None, "/specs/embedding_dim", "dense models return vectors"),
    (
        "cross-encoder",
        "/specs/embedding_dim",
        384,
        "/specs/embedding_dim",
        "embedding_dim is 384; expected null",
    ),
    ("dense", "/capabilities/multi_vector", 0, "/capabilities/multi_vector", "true or false"),
    ("dense", "/capabilities/languages", "en", "/capabilities/languages", "write a list"),
    ("dense", "/capabilities/languages", [], "/capabilities/languages", "is empty"),
    ("dense", "/capabilities/modalities/0", "txt", "/capabilities/modalities/0", '"text"?'),
    ("dense", "/capabilities/languages/1", "en", "/capabilities/languages/1", "stands twice"),
    ("dense", "/encoding/pooling", "last_token", "/encoding/pooling", 'mean "last-token"?'),
    ("colbert", "/encoding/skiplist", 3, "/encoding/skiplist", "skiplist is 3"),
    ("dense", "/huggingface_id", "tiny", "/huggingface_id", "it has no organization"),
    ("dense", "/huggingface_id", "a/b/c", "/huggingface_id", "more than one slash"),
    ("dense", "/huggingface_id", "acme/", "/huggingface_id", "is empty"),
    ("dense", "/huggingface_id", "acme/a b", "/huggingface_id", "other than letters"),
    ("dense", "/huggingface_id", "acme/a--b", "/huggingface_id", "it has '--'"),
    ("dense", "/huggingface_id", "acme/a..b", "/huggingface_id", "it has '..'"),
    ("dense", "/huggingface_id", "-acme/ab", "/huggingface_id", "begins or ends"),
    ("dense", "/huggingface_id", "acme/ab.", "/huggingface_id", "begins or ends"),
    ("dense", "/huggingface_id", "acme/ab.git", "/huggingface_id", "ends in '.git'"),
    ("dense", "/huggingface_id", "acme/" + "a" * 96, "/huggingface_id", "101 characters"),
    ("dense", "/lineage/adapted_from", "bert", "/lineage/adapted_from", "no organization"),
    ("dense", "/variants/0/huggingface_id", "x", "/variants/0/huggingface_id", "no organization"),
    ("dense", "/architecture/has_projection", True, "/architecture/has_projection", "is no proj"),
    ("dense", "/architecture/projection_dims", 384, "/architecture/projection_dims", "not true"),
    ("colbert", "/architecture/projection_dims", 96, "/architecture/projection_dims", "is 96, emb"),
    ("dense", "/specs/hidden_dim", 768, "/specs/embedding_dim", "there is no projection"),
    ("sparse", "/specs/vocab_size", 30000, "/specs/embedding_dim", "vocab_size is 30000"),
    (
        "dense",
        "/dependencies/requires_projection",
        True,
        "/dependencies/requires_projection",
        "has_projection is false",
    ),
    (
        "dense",
        "/capabilities/multi_vector",
        True,
        "/capabilities/multi_vector",
        "for a dense model",
    ),
    ("colbert", "/capabilities/multi_vector", False, "/capabilities/multi_vector", "expected true"),
    (
        "colbert",
        "/architecture/matryoshka_dims",
        [128, 64],
        "/architecture/matryoshka_dims",
        "expected ascending",
    ),
    (
        "colbert",
        "/architecture/matryoshka_dims",
        [64, 64, 128],
        "/architecture/matryoshka_dims",
        "write [64, 128]",
    ),
    (
        "colbert",
        "/architecture/matryoshka_dims",
        [64, 96],
        "/architecture/matryoshka_dims",
        "ends in 96, embedding_dim is 128",
    ),
    (
        "colbert",
        "/architecture/matryoshka_dims/0",
        0,
        "/architecture/matryoshka_dims/0",
        "Model tiny-colbert-v1 has invalid matryoshka_dims: 0",
    ),
    ("colbert", "/capabilities/matryoshka", False, "/capabilities/matryoshka", "lists sizes"),
    ("dense", "/capabilities/matryoshka", True, "/capabilities/matryoshka", "lists none"),
    (
        "dense",
        "/specs/context_length",
        513,
        "/specs/context_length",
        "no longer than the positions",
    ),
    ("dense", "/revision", "main", "/revision", 'the revision "main" is no commit'),
    ("dense", "/revision", "0123456", "/revision", "40 hexadecimal digits"),
    ("dense", "/performance/beir_avg", 53.25, "/performance/beir_avg", "write 0.5325"),
    ("dense", "/performance/beir_avg", -0.1, "/performance/beir_avg", "outside 0 to 1"),
    ("dense", "/capabilities/languages/0", "xx", "/capabilities/languages/0", "IANA's registry"),
    ("dense", "/capabilities/languages/0", "eng-Latn", "/capabilities/languages/0", 'write "en"'),
    ("dense", "/capabilities/languages/0", "english", "/capabilities/languages/0", "no BCP 47"),
    ("dense", "/license", "apache", "/license", 'the licence "apache" is unknown'),
    ("dense", "/license", "unknown", "/license", "write null where no source names one"),
    ("dense", "/release_date", "17.5.2024", "/release_date", "YYYY-MM-DD"),
    ("dense", "/release_date", "2024-02-30", "/release_date", "not one of ISO 8601"),
    ("dense", "/release_date", "2024-13", "/release_date", "not one of ISO 8601"),
    ("dense", "/lineage/superseded_by", "nowhere", "/lineage/superseded_by", "no id of the cat"),
    ("dense", "/lineage/superseded_by", "tiny-dense-v1", "/lineage/superseded_by", "back to it"),
    ("dense", "/provenance/*", "memory", "/provenance/*", 'the source "memory", which is not'),
    ("dense", "/provenance/~1id", "laab: x", "/provenance/~1id", 'the source "laab"'),
    ("dense", "/provenance/~1specs~1x", "lab", "/provenance/~1specs~1x", 'of "/specs/x", which is'),
    ("dense", "/provenance/pooling", "lab", "/provenance/pooling", "which is no field"),
    ("dense", "/description", " two\nlines ", "/description", 'write "two lines"'),
]


@pytest.mark.parametrize(
    ("kind", "pointer", "value", "found_at", "words"),
    ENTRY_MISTAKES,
    ids=[f"{kind}{pointer}={value!r}"[:60] for kind, pointer, value, *_ in ENTRY_MISTAKES],
)
def test_a_mistake_in_an_entry_is_found_at_its_place(
    kind: str, pointer: str, value: Any, found_at: str, words: str
) -> None:
    broken = valid_catalogue(changed(valid_entry(kind), pointer, value))
    text = json.dumps(broken, indent=1)
    problems = find_problems(parse_source(text.encode()))
    matching = [problem for problem in problems if problem.pointer == f"/models/0{found_at}"]
    assert matching, problems
    sentences = [f"{p.found}; {p.expected}; {p.action}" for p in matching]
    assert any(words in sentence for sentence in sentences), sentences
    lines = text.splitlines()
    for problem in matching:
        rest = lines[problem.line - 1][problem.column - 1 :]
        assert rest[0] not in " ,:", rest


@pytest.mark.parametrize("pointer", COUNTS)
@pytest.mark.parametrize("value", [0, -1])
def test_a_count_that_is_not_positive_is_invalid(pointer: str, value: int) -> None:
    problems = problems_of(valid_catalogue(changed(valid_entry(), pointer, value)))
    field = pointer.rpartition("/")[2]
    assert [problem.found for problem in problems if problem.rule == "exclusiveMinimum"] == [
        f"Model tiny-dense-v1 has invalid {field}: {value}"
    ]


@pytest.mark.parametrize("pointer", ["/query_length", "/document_length"])
def test_a_length_that_is_not_positive_is_invalid(pointer: str) -> None:
    entry = changed(valid_entry("colbert"), f"/encoding{pointer}", 0)
    (problem,) = problems_of(valid_catalogue(entry))
    assert problem.found == f"Model tiny-colbert-v1 has invalid {pointer[1:]}: 0"


def test_the_same_id_twice_is_found_in_the_predecessors_words() -> None:
    other = changed(valid_entry(number=2), "/id", "tiny-dense-v1")
    problems = problems_of(valid_catalogue(valid_entry(), other))
    assert [p.found for p in problems] == ["Duplicate model ID found: tiny-dense-v1"]
    assert problems[0].pointer == "/models/1/id"


def test_ids_that_differ_by_case_only_are_the_same() -> None:
    other = changed(valid_entry(number=2), "/id", "Tiny-Dense-v1")
    found = [p.found for p in problems_of(valid_catalogue(valid_entry(), other))]
    assert "Duplicate model ID found: Tiny-Dense-v1" in found


@pytest.mark.parametrize("alias", ["tiny-dense-v1", "TINY-DENSE-V1", "tiny-dense-1"])
def test_an_alias_that_is_taken_is_found(alias: str) -> None:
    other = changed(valid_entry(number=2), "/lineage/aliases", [alias])
    (problem,) = problems_of(valid_catalogue(valid_entry(), other))
    assert problem.pointer == "/models/1/lineage/aliases/0"
    assert f'the alias "{alias}" is taken' in problem.found


def test_a_repository_has_one_entry_of_a_kind() -> None:
    other = changed(valid_entry(number=2), "/huggingface_id", "Acme/tiny-dense-v1")
    (problem,) = problems_of(valid_catalogue(valid_entry(), other))
    assert (
        problem.found == '"Acme/tiny-dense-v1" has another entry of the type dense: tiny-dense-v1'
    )


def test_a_repository_may_have_entries_of_several_kinds() -> None:
    other = changed(valid_entry("sparse"), "/huggingface_id", "acme/tiny-dense-v1")
    assert problems_of(valid_catalogue(valid_entry(), other)) == ()


def test_two_ids_that_become_one_constant_are_found() -> None:
    first = changed(valid_entry(), "/id", "x-v1.5")
    second = changed(valid_entry(number=2), "/id", "x-v1-5")
    (problem,) = problems_of(valid_catalogue(first, second))
    assert problem.found == 'the ids "x-v1.5" and "x-v1-5" both become X_V1_5'


def test_two_kinds_that_become_one_member_are_found() -> None:
    first, second = valid_entry("two-tower"), valid_entry("two-tower", 2)
    second["type"] = "two.tower"
    (problem,) = problems_of(valid_catalogue(first, second))
    assert problem.found == 'the types "two-tower" and "two.tower" both become TWO_TOWER'


def test_a_circle_of_successors_is_found_in_each_of_its_members() -> None:
    first = changed(valid_entry(number=1), "/lineage/superseded_by", "tiny-dense-v2")
    second = changed(valid_entry(number=2), "/lineage/superseded_by", "tiny-dense-v1")
    third = changed(valid_entry(number=3), "/lineage/superseded_by", "tiny-dense-v1")
    problems = problems_of(valid_catalogue(first, second, third))
    assert [p.id for p in problems] == ["tiny-dense-v1", "tiny-dense-v2"]


@pytest.mark.parametrize(
    ("pointer", "value", "words"),
    [
        ("/version", ..., 'the field "version" is missing'),
        ("/models", [], "models is empty"),
        ("/models", {}, "models is {}; expected a list"),
        ("/extra", 1, 'there is no field "extra"'),
        ("/sources/lab/title", ..., 'the field "title" is missing'),
        ("/sources/lab/retrieved", "May", 'the date "May"'),
        ("/sources/lab/license", "free", 'the licence "free"'),
        ("/sources/lab/url", "lab", '"lab" has the wrong form'),
    ],
)
def test_a_mistake_outside_the_entries_is_found(pointer: str, value: Any, words: str) -> None:
    problems = problems_of(changed(valid_catalogue(), pointer, value))
    assert any(words in f"{p.found}; {p.expected}" and p.id is None for p in problems), problems


@pytest.mark.parametrize("value", [None, 3, "text", [], {}, {"models": [1, None, [], "x", {}]}])
def test_json_of_any_shape_is_a_catalogue_with_problems(value: Any) -> None:
    assert problems_of(value)


def test_all_problems_are_reported_at_once_in_file_order() -> None:
    broken = valid_catalogue(valid_entry(number=1), valid_entry(number=2), valid_entry(number=3))
    for pointer, value in [
        ("/models/2/revision", "main"),
        ("/models/0/specs/embedding_dim", 0),
        ("/models/1/license", "free"),
        ("/models/0/name", 3),
        ("/models/1/typo", 1),
    ]:
        broken = changed(broken, pointer, value)
    problems = problems_of(broken)
    assert len(problems) == 5
    places = [(problem.line, problem.column) for problem in problems]
    assert places == sorted(places)


def test_a_problem_reads_as_file_line_column_id_pointer_and_three_sentences(
    tmp_path: Path,
) -> None:
    file = tmp_path / "models.json"
    catalogue = valid_catalogue(changed(valid_entry(), "/specs/embedding_dim", 0))
    file.write_text(json.dumps(catalogue, indent=1), encoding="utf-8")
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(file)
    first, last = str(caught.value).splitlines()
    assert first == (
        f"{file}:26:22: tiny-dense-v1: /models/0/specs/embedding_dim: "
        "Model tiny-dense-v1 has invalid embedding_dim: 0; expected a whole number above 0; "
        "write the true value, or null where it is unknown and may be null"
    )
    assert last == f"1 problem in {file}"
