"""Tiny ColBERT checkpoints with every option: the same vectors and scores as the reference.

The reference is sentence-transformers' `MultiVectorEncoder`, in its own format.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers.base.modules.dense import Dense
from tests.runtime.parity import (
    ColbertRecord,
    Save,
    Vectors,
    assert_all_same,
    assert_colbert_parity,
    colbert_reference,
)

from holotype.encoders import load
from holotype.errors import TextOverflowWarning

MARKERS = {"query": "[unused0] ", "document": "[unused1] "}
FIXED = {"strategy": "fixed", "length": 24}


@pytest.mark.parametrize("attend", [False, True])
@pytest.mark.parametrize("strategy", ["fixed", "min"])
def test_query_expansion(
    attend: bool, strategy: str, save_colbert: Save, colbert_record: ColbertRecord, texts: list[str]
) -> None:
    expansion = {"strategy": strategy, "length": 24, "attend": attend}
    folder = save_colbert(query_expansion=expansion, document_length=40, prompts=MARKERS)
    record = colbert_record(
        query_length=24,
        document_length=40,
        query_expansion=True,
        attend_to_expansion_tokens=attend,
        query_marker="[unused0]",
        document_marker="[unused1]",
    )
    encoder = load(record, checkpoint=folder)
    assert_colbert_parity(encoder, folder, texts)
    assert len(encoder.encode_query("a")) == 24


def test_a_ceiling_above_the_floor_of_an_expansion(
    save_colbert: Save, colbert_record: ColbertRecord, texts: list[str]
) -> None:
    expansion = {"strategy": "min", "length": 10}
    folder = save_colbert(query_expansion=expansion, query_length=30)
    encoder = load(colbert_record(), checkpoint=folder)
    assert encoder.query_length == 30
    assert_colbert_parity(encoder, folder, texts)


def test_an_expansion_by_another_token(
    save_colbert: Save, colbert_record: ColbertRecord, texts: list[str]
) -> None:
    folder = save_colbert(query_expansion={**FIXED, "token": "text"}, document_length=40)
    assert_colbert_parity(load(colbert_record(), checkpoint=folder), folder, texts)


@pytest.mark.parametrize("lengths", [{}, {"query_length": 12, "document_length": 20}])
def test_queries_that_are_not_expanded(
    lengths: dict[str, int], save_colbert: Save, colbert_record: ColbertRecord, texts: list[str]
) -> None:
    folder = save_colbert(prompts=MARKERS, **lengths)
    record = colbert_record(query_expansion=False, **lengths)
    assert_colbert_parity(load(record, checkpoint=folder), folder, texts)


@pytest.mark.parametrize(
    "mask",
    [
        {},
        {"skiplist_words": list(string.punctuation)},
        {"skiplist_words": ["the", "a", "not-a-token"], "skiplist_tasks": ["query", "document"]},
        {"skiplist_words": [".", "[MASK]"], "skiplist_tasks": ["query"]},
        {"keep_only_token_ids": [2, 3, 8, 9, 10]},
    ],
)
def test_tokens_that_are_left_out(
    mask: dict[str, Any], save_colbert: Save, colbert_record: ColbertRecord, texts: list[str]
) -> None:
    folder = save_colbert(query_expansion=FIXED, document_length=64, **mask)
    encoder = load(colbert_record(), checkpoint=folder)
    assert_colbert_parity(encoder, folder, texts)
    plain = encoder.encode(texts, on_overflow="truncate")
    assert_all_same(plain, list(colbert_reference(folder).encode(texts, convert_to_numpy=True)))


@pytest.mark.parametrize("normalize", [True, False])
def test_several_projections(
    normalize: bool,
    make_token_linear: Callable[..., Dense],
    save_colbert: Save,
    colbert_record: ColbertRecord,
    texts: list[str],
) -> None:
    linears = [
        make_token_linear(32, 48, activation_function=torch.nn.GELU(), bias=True),
        make_token_linear(48, 48, use_residual=True),
        make_token_linear(48, 12, use_residual=True),
    ]
    folder = save_colbert(linears=linears, normalize=normalize, query_expansion=FIXED)
    record = colbert_record(12, normalize=normalize, projection_dims=12, has_projection=True)
    assert_colbert_parity(load(record, checkpoint=folder), folder, texts)


def test_a_query_and_a_document_alone(save_colbert: Save, colbert_record: ColbertRecord) -> None:
    folder = save_colbert(query_expansion=FIXED, document_length=64)
    encoder = load(colbert_record(), checkpoint=folder)
    query, document = encoder.encode_query("what is a query"), encoder.encode_document("a text")
    assert query.shape == (24, 16)
    assert document.shape == (4, 16)
    assert encoder.similarity(query, document).shape == (1, 1)
    assert len(encoder.encode_query([])) == 0
    assert encoder.similarity([query], []).shape == (1, 0)


def test_matryoshka_token_vectors_are_cut_and_keep_their_length(
    save_colbert: Save, colbert_record: ColbertRecord
) -> None:
    folder = save_colbert(query_expansion=FIXED, document_length=64)
    record = colbert_record(matryoshka_dims=(4, 16))
    whole = load(record, checkpoint=folder).encode_document("late interaction")
    cut = load(record, checkpoint=folder, dim=4).encode_document("late interaction")
    expected = whole[:, :4] / np.linalg.norm(whole[:, :4], axis=1, keepdims=True)
    np.testing.assert_allclose(cut, expected, atol=1e-6)


def test_16_threads_share_an_encoder_and_get_the_vectors_of_one(
    save_colbert: Save, colbert_record: ColbertRecord, texts: list[str]
) -> None:
    folder = save_colbert(query_expansion=FIXED, document_length=64, prompts=MARKERS)
    encoder = load(colbert_record(), checkpoint=folder)
    chunks = [texts[shift:] + texts[:shift] for shift in range(len(texts))] * 2

    def encode(chunk: list[str]) -> Sequence[Vectors]:
        return encoder.encode_query(chunk, on_overflow="truncate")

    alone = [encode(chunk) for chunk in chunks]
    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(encode, chunks))
    for ours, theirs in zip(together, alone, strict=True):
        assert_all_same(ours, theirs)


def test_queries_and_documents_that_are_cut_are_reported(
    save_colbert: Save, colbert_record: ColbertRecord
) -> None:
    folder = save_colbert(query_expansion=FIXED, document_length=40)
    encoder = load(colbert_record(), checkpoint=folder)
    with pytest.warns(TextOverflowWarning, match="1 of 2 texts .* 24 tokens .* 8 tokens were cut"):
        encoder.encode_query(["the " * 30, "short"])
    with pytest.warns(TextOverflowWarning, match="1 of 1 text .* 40 tokens .* 2 tokens were cut"):
        encoder.encode_document("the " * 40)


def test_an_encoder_says_what_it_runs(save_colbert: Save, colbert_record: ColbertRecord) -> None:
    folder = save_colbert(query_expansion=FIXED, document_length=40)
    encoder = load(colbert_record(context_length=90), checkpoint=folder)
    assert (encoder.query_length, encoder.document_length, encoder.max_length) == (24, 40, 90)
    assert repr(encoder) == (
        "ColbertEncoder('tiny-colbert', dim=16, query_length=24, document_length=40, "
        "query_prompt='', document_prompt='', query_expansion=24, normalized=True, device='cpu', dtype='float32')"
    )
