"""Sizes that contradict one another are found."""

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

DIMS = "/architecture/matryoshka_dims"
RANGE = "/architecture/matryoshka_range"

# The kind of the entry, what is changed in it, and the problem: its pointer within the entry, what
# stands at its line and column, its rule, and some of its words.
CONTRADICTIONS: list[tuple[str, dict[str, Any], str, str, str, str]] = [
    (
        "dense",
        {"/architecture/has_projection": True},
        "/architecture/has_projection",
        "true",
        "projections_have_dims",
        "there is no projection_dims",
    ),
    (
        "colbert",
        {"/architecture/projection_dims": None},
        "/architecture/has_projection",
        "true",
        "projections_have_dims",
        "add projection_dims, or set has_projection to false",
    ),
    (
        "dense",
        {"/architecture/projection_dims": 384},
        "/architecture/projection_dims",
        "384",
        "projections_have_dims",
        "has_projection is not true",
    ),
    (
        "dense",
        {"/architecture/projection_dims": 384, "/architecture/has_projection": None},
        "/architecture/projection_dims",
        "384",
        "projections_have_dims",
        "set has_projection to true, or delete projection_dims",
    ),
    (
        "colbert",
        {"/architecture/projection_dims": 96},
        "/architecture/projection_dims",
        "96",
        "projections_end_in_the_embedding",
        "projection_dims is 96, embedding_dim is 128",
    ),
    (
        "cross-encoder",
        {"/architecture/has_projection": True, "/architecture/projection_dims": 96},
        "/architecture/projection_dims",
        "96",
        "projections_end_in_the_embedding",
        "projection_dims is 96, embedding_dim is null",
    ),
    (
        "dense",
        {"/specs/hidden_dim": 768},
        "/specs/embedding_dim",
        "384",
        "unprojected_vectors_keep_their_width",
        "embedding_dim is 384, hidden_dim is 768, and there is no projection",
    ),
    (
        "colbert",
        {"/architecture/has_projection": False, "/architecture/projection_dims": None},
        "/specs/embedding_dim",
        "128",
        "unprojected_vectors_keep_their_width",
        "or describe the projection",
    ),
    (
        "sparse",
        {"/specs/vocab_size": 30000},
        "/specs/embedding_dim",
        "30522",
        "sparse_vectors_span_the_vocabulary",
        "embedding_dim is 30522, vocab_size is 30000",
    ),
    (
        "dense",
        {"/dependencies/requires_projection": True},
        "/dependencies/requires_projection",
        "true",
        "projections_are_required_where_they_exist",
        "has_projection is false",
    ),
    *(
        (
            kind,
            {"/capabilities/multi_vector": value},
            "/capabilities/multi_vector",
            str(value).lower(),
            "multi_vector_follows_the_kind",
            f"for a {kind} model; expected {str(not value).lower()}",
        )
        for kind, value in [
            ("dense", True),
            ("colbert", False),
            ("sparse", True),
            ("cross-encoder", True),
            ("classifier", True),
            ("image-text", True),
            ("captioner", True),
        ]
    ),
    *(
        ("colbert", {DIMS: value}, DIMS, "[", "matryoshka_sizes_ascend_to_the_embedding", words)
        for value, words in [
            ([128, 64], "expected ascending sizes, each once; write [64, 128]"),
            ([64, 64, 128], "write [64, 128]"),
            ([64, 96], "matryoshka_dims ends in 96, embedding_dim is 128"),
            ([64, 128, 256], "matryoshka_dims ends in 256, embedding_dim is 128"),
        ]
    ),
    (
        "classifier",
        {DIMS: [64, 128]},
        DIMS,
        "[",
        "matryoshka_sizes_ascend_to_the_embedding",
        "matryoshka_dims ends in 128, embedding_dim is null",
    ),
    (
        "colbert",
        {"/capabilities/matryoshka": False},
        "/capabilities/matryoshka",
        "false",
        "the_matryoshka_flag_agrees_with_the_sizes",
        "matryoshka is false, and matryoshka_dims lists smaller sizes",
    ),
    (
        "colbert",
        {DIMS: None},
        "/capabilities/matryoshka",
        "true",
        "the_matryoshka_flag_agrees_with_the_sizes",
        "matryoshka is true, and matryoshka_dims lists no smaller size",
    ),
    (
        "dense",
        {DIMS: [384], "/capabilities/matryoshka": True},
        "/capabilities/matryoshka",
        "true",
        "the_matryoshka_flag_agrees_with_the_sizes",
        "matryoshka is true, and matryoshka_dims lists no smaller size",
    ),
    *(
        ("dense", {RANGE: value}, RANGE, "[", "matryoshka_ranges_end_in_the_embedding", words)
        for value, words in [
            ([384, 384], "expected the smallest size, then a larger one"),
            ([32, 256], "matryoshka_range ends in 256, embedding_dim is 384"),
            ([32, 512], "expected the native width as the largest size"),
        ]
    ),
    (
        "classifier",
        {RANGE: [64, 128]},
        RANGE,
        "[",
        "matryoshka_ranges_end_in_the_embedding",
        "matryoshka_range ends in 128, embedding_dim is null",
    ),
    (
        "colbert",
        {RANGE: [32, 128]},
        RANGE,
        "[",
        "matryoshka_sizes_are_a_list_or_a_range",
        "matryoshka_range is [32, 128], and matryoshka_dims is [64, 128]",
    ),
    (
        "dense",
        {RANGE: [32, 384], "/capabilities/matryoshka": False},
        "/capabilities/matryoshka",
        "false",
        "the_matryoshka_flag_agrees_with_the_sizes",
        "matryoshka is false, and matryoshka_range lists smaller sizes",
    ),
    (
        "dense",
        {"/specs/context_length": 513},
        "/specs/context_length",
        "513",
        "contexts_fit_the_positions",
        "context_length is 513, max_position_embeddings is 512",
    ),
]


@pytest.mark.parametrize(
    ("kind", "changes", "at", "spot", "rule", "words"),
    CONTRADICTIONS,
    ids=[f"{kind} {changes}"[:70] for kind, changes, *_ in CONTRADICTIONS],
)
def test_a_contradiction_is_the_only_problem_of_its_entry(
    kind: str, changes: dict[str, Any], at: str, spot: str, rule: str, words: str
) -> None:
    entry = valid_entry(kind)
    for pointer, value in changes.items():
        entry = changed(entry, pointer, value)
    catalogue = valid_catalogue(entry)
    (problem,) = problems_of(catalogue)
    assert (problem.pointer, problem.rule) == (f"/models/0{at}", rule)
    assert words in sentence(problem)
    assert text_at(text_of(catalogue), problem).startswith(spot)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("dense", {"/specs/hidden_dim": None}),
        ("dense", {"/architecture/has_projection": None, "/specs/hidden_dim": 768}),
        ("dense", {"/specs/max_position_embeddings": None, "/specs/context_length": 10**6}),
        ("dense", {"/specs/context_length": 512}),
        ("sparse", {"/specs/vocab_size": None}),
        ("colbert", {"/capabilities/matryoshka": None}),
        ("colbert", {"/capabilities/matryoshka": ...}),
        ("dense", {"/capabilities/matryoshka": False}),
        ("dense", {"/capabilities/matryoshka": False, DIMS: [384]}),
        ("dense", {RANGE: [32, 384]}),
        ("dense", {RANGE: [32, 384], "/capabilities/matryoshka": True}),
        ("colbert", {DIMS: None, RANGE: [32, 128]}),
        ("two-tower", {"/capabilities/multi_vector": True}),
        ("two-tower", {"/specs/embedding_dim": None}),
    ],
)
def test_what_is_unknown_contradicts_nothing(kind: str, changes: dict[str, Any]) -> None:
    entry = valid_entry(kind)
    for pointer, value in changes.items():
        entry = changed(entry, pointer, value)
    assert problems_of(valid_catalogue(entry)) == ()
