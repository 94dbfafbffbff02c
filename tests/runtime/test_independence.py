"""Order, company and the number of threads change no result beyond rounding, in any kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
import torch
from tests.runtime.backbones import save_backbone
from tests.runtime.conftest import TEXTS
from tests.runtime.heads import CHARACTERS, classifier_record, cross_encoder_record, save_head
from tests.runtime.parity import (
    ColbertRecord,
    DenseRecord,
    Save,
    SparseRecord,
    Vectors,
    assert_all_same,
    read,
)
from tests.runtime.sparse import save_language_model

from holotype.encoders import load

EVERYTHING = [*TEXTS, CHARACTERS, *TEXTS[:3]]
Run: TypeAlias = Callable[[list[str], int | None], list[Vectors]]


@pytest.fixture
def run(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    pylate_folder: Save,
    dense_record: DenseRecord,
    colbert_record: ColbertRecord,
    sparse_record: SparseRecord,
) -> Iterator[Run]:
    """What turns texts into results, one array each, in batches of a size."""
    encode: Callable[..., Any]
    if request.param == "dense":
        folder = save_backbone("modernbert", tmp_path / "saved")
        record: Any = dense_record(pooling="last-token", context_length=64)
        encode = load(record, checkpoint=folder, device="cpu").encode_document
    elif request.param == "colbert":
        keys = {"query_prefix": "[unused0]", "document_prefix": "[unused1]", "query_length": 20}
        record, folder = colbert_record(), pylate_folder(**keys)
        encode = load(record, checkpoint=folder, device="cpu").encode_query
    elif request.param == "sparse":
        folder = save_language_model(tmp_path / "saved")
        n_words = read(folder, "config.json")["vocab_size"]
        record = sparse_record(n_words, pooling="max", activation="log1p-relu")
        encode = load(record, checkpoint=folder, device="cpu").encode_document
    elif request.param == "cross-encoder":
        folder = save_head(tmp_path / "saved", "DebertaV2", num_labels=2)
        reranker = load(cross_encoder_record(), checkpoint=folder, device="cpu")

        def encode(texts: list[str], **options: Any) -> Any:
            return reranker.predict([("a query", text) for text in texts], **options)
    else:
        folder = save_head(tmp_path / "saved", "Qwen3", num_labels=3)
        encode = load(classifier_record(), checkpoint=folder, device="cpu").predict_scores

    def run(texts: list[str], batch_size: int | None = None) -> list[Vectors]:
        found: Any = encode(texts, batch_size=batch_size, on_overflow="truncate")
        if request.param == "sparse":
            found = found.to_dense()
        return [np.atleast_2d(result) for result in found]

    yield run


KINDS = ("dense", "colbert", "sparse", "cross-encoder", "classifier")


@pytest.mark.parametrize("run", KINDS, indirect=True)
def test_neither_order_nor_company_changes_a_result(run: Run) -> None:
    whole = run(EVERYTHING, None)
    assert_all_same(run(EVERYTHING, 1), whole)
    assert_all_same(run(EVERYTHING[::-1], 3)[::-1], whole)
    assert_all_same([run([text], None)[0] for text in EVERYTHING], whole)
    assert_all_same(whole[-3:], whole[:3])
    assert run([], None) == []


@pytest.mark.parametrize("run", KINDS, indirect=True)
def test_the_number_of_threads_changes_no_result(run: Run) -> None:
    n_threads = torch.get_num_threads()
    found = []
    try:
        for number in (1, 2):
            torch.set_num_threads(number)
            found.append(run(EVERYTHING, None))
    finally:
        torch.set_num_threads(n_threads)
    assert_all_same(*found)
