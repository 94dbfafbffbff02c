"""Every architecture with every pooling: the vectors of sentence-transformers."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers.base.modules import Normalize, Transformer
from sentence_transformers.base.modules.dense import Dense
from sentence_transformers.sentence_transformer.modules import Pooling
from tests.runtime.backbones import (
    BACKBONES,
    HIDDEN_DIM,
    MARKERS,
    STANFORD_MARKERS,
    saved_when_asked,
)
from tests.runtime.conftest import TEXTS
from tests.runtime.heads import CHARACTERS, N_POSITIONS
from tests.runtime.parity import (
    ColbertRecord,
    DenseRecord,
    Save,
    assert_all_same,
    assert_colbert_parity,
    assert_dense_parity,
    assert_same,
    change,
    change_tensors,
    write,
)

from holotype.encoders import load

EVERYTHING = [*TEXTS, CHARACTERS]
PROMPTS = {"query": "a query: ", "document": "the text "}
POOLINGS: dict[str, tuple[int, Callable[[], list[Any]]]] = {
    "cls": (32, lambda: [Pooling(HIDDEN_DIM, "cls")]),
    "max": (32, lambda: [Pooling(HIDDEN_DIM, "max")]),
    "mean": (32, lambda: [Pooling(HIDDEN_DIM, "mean")]),
    "weighted-mean": (32, lambda: [Pooling(HIDDEN_DIM, "weightedmean")]),
    "last-token": (32, lambda: [Pooling(HIDDEN_DIM, "lasttoken"), Normalize()]),
    "mean-without-prompt": (32, lambda: [Pooling(HIDDEN_DIM, "mean", include_prompt=False)]),
    "two-poolings-and-projections": (
        20,
        lambda: [
            Pooling(HIDDEN_DIM, ("mean", "max")),
            Dense(2 * HIDDEN_DIM, 48, activation_function=torch.nn.GELU()),
            Dense(48, 20, bias=False, activation_function=torch.nn.Identity()),
            Normalize(),
        ],
    ),
}


@pytest.fixture(scope="session")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A transformer of an architecture, saved when it is first asked for."""
    return saved_when_asked(tmp_path_factory.mktemp)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("architecture", BACKBONES)
def test_dense_models(
    architecture: str,
    pooling: str,
    backbone: Callable[[str], Path],
    save_dense: Save,
    dense_record: DenseRecord,
) -> None:
    dim, modules = POOLINGS[pooling]
    torch.manual_seed(5)
    transformer = Transformer(str(backbone(architecture)))
    folder = save_dense(*modules(), transformer=transformer, prompts=PROMPTS)
    encoder = load(dense_record(dim), checkpoint=folder, device="cpu")
    assert encoder.max_length == N_POSITIONS
    assert_dense_parity(encoder, folder, EVERYTHING if pooling == "mean" else TEXTS)


@pytest.mark.parametrize("architecture", BACKBONES)
def test_neither_order_nor_company_nor_threads_change_a_dense_vector(
    architecture: str, backbone: Callable[[str], Path], dense_record: DenseRecord
) -> None:
    record = dense_record(pooling="mean", context_length=64)
    encoder = load(record, checkpoint=backbone(architecture), device="cpu")
    whole = encoder.encode(EVERYTHING, on_overflow="truncate")
    alone = [encoder.encode(text, on_overflow="truncate") for text in TEXTS]
    assert_same(np.stack(alone), whole[: len(TEXTS)])
    backwards = encoder.encode(EVERYTHING[::-1], batch_size=2, on_overflow="truncate")
    assert_same(backwards[::-1], whole)
    n_threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        assert_same(encoder.encode(TEXTS, on_overflow="truncate"), whole[: len(TEXTS)])
    finally:
        torch.set_num_threads(n_threads)
    assert encoder.encode([]).shape == (0, HIDDEN_DIM)


@pytest.mark.parametrize("expansion", [None, {"strategy": "fixed", "length": 24}])
@pytest.mark.parametrize("architecture", BACKBONES)
def test_late_interaction_models(
    architecture: str,
    expansion: dict[str, Any] | None,
    backbone: Callable[[str], Path],
    save_colbert: Save,
    colbert_record: ColbertRecord,
) -> None:
    options = {} if expansion is None else {"query_expansion": expansion}
    transformer = Transformer(str(backbone(architecture)), document_length=80, **options)
    folder = save_colbert(
        transformer=transformer,
        prompts=dict(zip(("query", "document"), MARKERS, strict=True)),
        skiplist_words=[".", ","],
    )
    encoder = load(colbert_record(), checkpoint=folder, device="cpu")
    assert_colbert_parity(encoder, folder, EVERYTHING if expansion else TEXTS)
    documents = encoder.encode_document(TEXTS, on_overflow="truncate")
    backwards = encoder.encode_document(TEXTS[::-1], batch_size=2, on_overflow="truncate")
    assert_all_same(backwards[::-1], documents)
    assert len(encoder.encode_document([])) == 0


@pytest.mark.parametrize("architecture", BACKBONES)
def test_late_interaction_models_in_the_format_of_pylate(
    architecture: str,
    backbone: Callable[[str], Path],
    pylate_folder: Save,
    colbert_record: ColbertRecord,
) -> None:
    folder = pylate_folder(
        save={"transformer": Transformer(str(backbone(architecture)))},
        query_prefix=MARKERS[0],
        document_prefix=MARKERS[1],
        query_length=24,
        document_length=80,
        attend_to_expansion_tokens=True,
    )
    encoder = load(colbert_record(), checkpoint=folder, device="cpu")
    assert_colbert_parity(encoder, folder, TEXTS)


@pytest.mark.parametrize("architecture", BACKBONES)
def test_late_interaction_models_in_the_format_of_stanford(
    architecture: str,
    backbone: Callable[[str], Path],
    colbert_record: ColbertRecord,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "stanford"
    shutil.copytree(backbone(architecture), folder)
    change(folder, "config.json", architectures=["HF_ColBERT"])
    torch.manual_seed(13)
    change_tensors(folder, "model.safetensors", linear__weight=torch.randn(16, HIDDEN_DIM))
    metadata = {
        "query_token_id": STANFORD_MARKERS[0],
        "doc_token_id": STANFORD_MARKERS[1],
        "query_maxlen": 24,
        "doc_maxlen": 64,
        "attend_to_mask_tokens": False,
        "mask_punctuation": True,
    }
    write(folder, "artifact.metadata", metadata)
    encoder = load(colbert_record(), checkpoint=folder, device="cpu")
    assert_colbert_parity(encoder, folder, TEXTS)
