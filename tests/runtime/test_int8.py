"""int8 on torch: near to float32, refused where it is slow or was never measured."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from tests.runtime.architectures import HIDDEN, save_architecture
from tests.runtime.heads import PAIRS, cross_encoder_record, save_head
from tests.runtime.parity import DenseRecord, Save, SparseRecord, change
from tests.runtime.sparse import save_language_model
from tests.runtime.test_minilm import MINILM

from holotype.encoders import load
from holotype.encoders.torch_backend import backbone
from holotype.encoders.torch_backend.backbone import Placement, place
from holotype.encoders.torch_backend.byte_map import byte_products
from holotype.encoders.torch_backend.forwards import REWRITTEN
from holotype.errors import InvalidArgumentError, UnsupportedCheckpointError
from holotype.records import AnyDenseModel

CPU = torch.device("cpu")
PARAGRAPHS = [
    "A holotype is the single specimen upon which the description and name of a new species is based.",
    "Late interaction keeps one vector for each token of a document and compares them with those of "
    "the query only when both are known, which costs memory and gains precision.",
    "In 1859 the museum moved into a new building, whose halls were lit by gas until the turn of "
    "the century; the beetles stayed in their drawers.",
    "for index, value in enumerate(values):\n    total += weights[index] * value",
    "Der Zug nach Wien fährt heute ausnahmsweise von Gleis sieben ab.",
    "The invoice of 12.50 EUR was paid on 2024-05-01, two days late (reminder: 3 %).",
    "what eats fish?",
    "a",
]


def saved(
    name: str, folder: Path, save_dense: Save, dense_record: DenseRecord
) -> tuple[Path, AnyDenseModel]:
    """Save a dense model of random weights, and return where it is with its record."""
    (folder / "base").mkdir()
    max_length = save_architecture(name, folder / "base")
    to = save_dense(Pooling(HIDDEN, "mean"), transformer=Transformer(str(folder / "base")))
    return to, dense_record(HIDDEN, context_length=max_length)


needs_bytes = pytest.mark.skipif(
    not byte_products(CPU), reason="this processor has no AVX512-VNNI, or torch cannot tell"
)


@needs_bytes
def test_int8_stays_close_to_float32_on_ordinary_paragraphs(minilm_folder: Path) -> None:
    exact = load(MINILM, checkpoint=minilm_folder, device="cpu").encode(PARAGRAPHS)
    encoder = load(MINILM, checkpoint=minilm_folder, device="cpu", dtype="int8")
    cosines = (encoder.encode(PARAGRAPHS) * exact).sum(axis=1)
    assert cosines.min() >= 0.998
    assert encoder.dtype == encoder.config.dtype == "int8"
    assert "dtype='int8'" in repr(encoder)


@needs_bytes
def test_a_text_has_the_same_vector_in_any_company(minilm_folder: Path) -> None:
    encoder = load(MINILM, checkpoint=minilm_folder, device="cpu", dtype="int8")
    alone = np.concatenate([encoder.encode([text]) for text in PARAGRAPHS])
    beside = encoder.encode([*PARAGRAPHS, *["late interaction " * 60] * 9])[: len(PARAGRAPHS)]
    # Few tokens attend in float32, many in bfloat16 where the processor multiplies it.
    assert (alone * beside).sum(axis=1).min() >= 0.999


@needs_bytes
def test_int8_takes_less_memory_and_fills_the_same_index(minilm_folder: Path) -> None:
    exact = load(MINILM, checkpoint=minilm_folder, device="cpu")
    encoder = load(MINILM, checkpoint=minilm_folder, device="cpu", dtype="int8")
    # The table of words, half of this small model, stays in float32.
    assert encoder.memory_bytes < 0.67 * exact.memory_bytes
    assert encoder.fingerprint == exact.fingerprint


@needs_bytes
@pytest.mark.parametrize("name", REWRITTEN)
@pytest.mark.parametrize("activation", ["gelu", "relu", "gelu_new"])
def test_each_of_the_kin_runs(
    name: str, activation: str, tmp_path: Path, save_dense: Save, dense_record: DenseRecord
) -> None:
    folder, record = saved(name, tmp_path, save_dense, dense_record)
    key = "activation" if name == "DistilBertModel" else "hidden_act"
    change(folder, "config.json", **{key: activation})
    texts = ["what is the capital of france", "late query of a document", "paris"]
    exact = load(record, checkpoint=folder, device="cpu").encode(texts)
    found = load(record, checkpoint=folder, device="cpu", dtype="int8").encode(texts)
    cosines = (found * exact).sum(axis=1) / np.linalg.norm(found, axis=1)
    assert (cosines / np.linalg.norm(exact, axis=1)).min() >= 0.99
    assert not np.array_equal(found, exact)


@needs_bytes
def test_an_architecture_that_was_never_measured_is_refused(
    tmp_path: Path, save_dense: Save, dense_record: DenseRecord
) -> None:
    folder, record = saved("ModernBertModel", tmp_path, save_dense, dense_record)
    with pytest.raises(UnsupportedCheckpointError, match=r"ModernBertModel.*int8.*bfloat16"):
        load(record, checkpoint=folder, device="cpu", dtype="int8")


@needs_bytes
def test_heads_read_what_the_layers_return(tmp_path: Path) -> None:
    folder = save_head(tmp_path / "reranker", "Bert", num_labels=1)
    record = cross_encoder_record()
    pairs = PAIRS[:2]
    exact = load(record, checkpoint=folder, device="cpu").predict(pairs, activation="identity")
    encoder = load(record, checkpoint=folder, device="cpu", dtype="int8")
    found = encoder.predict(pairs, activation="identity")
    assert not np.array_equal(found, exact)
    np.testing.assert_allclose(found, exact, atol=0.1 * float(np.abs(exact).max()))
    with pytest.raises(UnsupportedCheckpointError, match=r"DebertaV2.*int8"):
        other = save_head(tmp_path / "other", "DebertaV2", num_labels=1)
        load(record, checkpoint=other, device="cpu", dtype="int8")


@needs_bytes
def test_words_are_weighed_by_what_the_layers_return(
    sparse_record: SparseRecord, tmp_path: Path
) -> None:
    folder = save_language_model(tmp_path / "plain")
    n_words = json.loads((folder / "config.json").read_text())["vocab_size"]
    record = sparse_record(n_words, pooling="max", activation="log1p-relu")
    exact = load(record, checkpoint=folder, device="cpu").encode(["the query"]).to_dense()[0]
    found = load(record, checkpoint=folder, device="cpu", dtype="int8").encode(["the query"])
    dense = found.to_dense()[0]
    assert not np.array_equal(dense, exact)
    assert dense @ exact / np.linalg.norm(dense) / np.linalg.norm(exact) >= 0.99


def test_a_processor_that_multiplies_no_bytes_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict, raising=False)
    with pytest.raises(InvalidArgumentError, match=r"AVX512-VNNI.*pass another dtype"):
        place("cpu", "int8")


def test_everything_but_the_maps_is_float32_and_many_tokens_attend_in_the_fastest_type(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    placement = Placement(CPU, torch.float32, "int8")
    monkeypatch.setattr(backbone, "favours_bfloat16", lambda device: True)
    assert placement.attends_in == torch.bfloat16
    monkeypatch.setattr(backbone, "favours_bfloat16", lambda device: False)
    assert placement.attends_in == torch.float32
    assert Placement(CPU, torch.float16, "float16").attends_in == torch.float16
