"""Late-interaction checkpoints that merge the tokens of texts: the reference's vectors."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import MultiVectorEncoder
from sentence_transformers.base.modules import Normalize, Transformer
from sentence_transformers.multi_vector_encoder.modules import (
    HierarchicalTokenPooling,
    MultiVectorMask,
)
from tests.runtime.conftest import token_linear
from tests.runtime.heads import CHARACTERS
from tests.runtime.parity import (
    ColbertRecord,
    DenseRecord,
    Save,
    assert_all_same,
    assert_colbert_parity,
    change,
    colbert_reference,
    read,
    subject,
    write,
)

from holotype.encoders import load
from holotype.errors import CheckpointError, MissingExtraError, UnsupportedCheckpointError

OPTIONS: list[dict[str, Any]] = [
    {"pool_factor": 2},
    {"pool_factor": 1.5, "num_protected_tokens": 0},
    {"pool_factor": 3, "normalize_embeddings": False, "num_protected_tokens": 2},
    {"pool_factor": 2, "tasks": ["query", "document"]},
    {"pool_factor": 4, "tasks": "query"},
    {"pool_factor": 1},
]


@pytest.fixture
def save_pooled(bert_folder: Path, tmp_path: Path) -> Save:
    """Save a model whose last module merges tokens; keywords are that module's."""

    def save(**options: Any) -> Path:
        torch.manual_seed(11)
        modules = [
            Transformer(
                str(bert_folder),
                document_length=48,
                query_expansion={"strategy": "fixed", "length": 16},
            ),
            token_linear(32, 16),
            MultiVectorMask(skiplist_words=["."]),
            Normalize(module_input_name="token_embeddings"),
            HierarchicalTokenPooling(**options),
        ]
        model = MultiVectorEncoder(modules=modules, device="cpu")
        model.save(str(tmp_path / "pooled"), create_model_card=False)
        return tmp_path / "pooled"

    return save


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_tokens_are_merged(
    options: dict[str, Any], save_pooled: Save, colbert_record: ColbertRecord, texts: list[str]
) -> None:
    folder = save_pooled(**options)
    encoder = load(colbert_record(), checkpoint=folder, device="cpu")
    assert_colbert_parity(encoder, folder, [*texts, CHARACTERS])
    plain = encoder.encode(texts, on_overflow="truncate")
    theirs = list(colbert_reference(folder).encode(texts, convert_to_numpy=True))
    assert_all_same(plain, theirs, of=subject(encoder, folder))


def test_older_files_do_not_normalise(
    save_pooled: Save, colbert_record: ColbertRecord, texts: list[str]
) -> None:
    folder = save_pooled(pool_factor=2)
    name = "4_HierarchicalTokenPooling/config.json"
    write(folder, name, {"pool_factor": 2, "num_protected_tokens": 1})
    encoder = load(colbert_record(), checkpoint=folder, device="cpu")
    assert_colbert_parity(encoder, folder, texts)
    (vectors,) = encoder.encode_document(["the text of the query"])[:1]
    assert np.linalg.norm(vectors, axis=1).min() < 0.999


def test_tokens_are_merged_before_they_are_cut(
    save_pooled: Save, colbert_record: ColbertRecord
) -> None:
    folder, record = save_pooled(pool_factor=2), colbert_record(matryoshka_dims=(4, 16))
    whole = load(record, checkpoint=folder).encode_document("late interaction of the text")
    cut = load(record, checkpoint=folder, dim=4).encode_document("late interaction of the text")
    expected = whole[:, :4] / np.linalg.norm(whole[:, :4], axis=1, keepdims=True)
    np.testing.assert_allclose(cut, expected, atol=1e-6)


def test_merging_is_part_of_the_fingerprint(
    save_pooled: Save, colbert_record: ColbertRecord
) -> None:
    folder = save_pooled(pool_factor=2)
    before = load(colbert_record(), checkpoint=folder).fingerprint
    change(folder, "4_HierarchicalTokenPooling/config.json", pool_factor=3)
    assert load(colbert_record(), checkpoint=folder).fingerprint != before


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"pool_factor": 0.5}, "expected a number, at least 1"),
        ({"pool_factor": "two"}, "expected a number, at least 1"),
        ({"num_protected_tokens": -1}, "expected at least 0"),
    ],
)
def test_settings_that_make_no_sense(
    values: dict[str, Any], message: str, save_pooled: Save, colbert_record: ColbertRecord
) -> None:
    folder = save_pooled(pool_factor=2)
    change(folder, "4_HierarchicalTokenPooling/config.json", **values)
    with pytest.raises(CheckpointError, match=message):
        load(colbert_record(), checkpoint=folder)


def test_merging_before_other_modules_is_refused(
    save_pooled: Save, colbert_record: ColbertRecord
) -> None:
    folder = save_pooled(pool_factor=2)
    modules = read(folder, "modules.json")
    write(folder, "modules.json", [*modules[:3], modules[4], modules[3]])
    with pytest.raises(UnsupportedCheckpointError, match="it is run at the end only"):
        load(colbert_record(), checkpoint=folder)


def test_a_dense_model_does_not_merge(save_pooled: Save, dense_record: DenseRecord) -> None:
    folder = save_pooled(pool_factor=2)
    modules = read(folder, "modules.json")
    write(folder, "modules.json", [modules[0], modules[4]])
    write(folder, "config_sentence_transformers.json", {"model_type": "SentenceTransformer"})
    with pytest.raises(UnsupportedCheckpointError, match="'HierarchicalTokenPooling' has no"):
        load(dense_record(), checkpoint=folder)


def test_scipy_is_asked_for_when_the_model_is_loaded(
    save_pooled: Save, colbert_record: ColbertRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save_pooled(pool_factor=2)
    monkeypatch.setitem(sys.modules, "scipy.cluster.hierarchy", None)
    with pytest.raises(MissingExtraError, match="holotype\\[scipy\\]"):
        load(colbert_record(), checkpoint=folder)
