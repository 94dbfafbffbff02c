"""Every architecture that runs without padding: the reference's vectors, and the padded ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from tests.runtime.architectures import HIDDEN, PACKED, WORDS, save_architecture
from tests.runtime.parity import DenseRecord, Save, assert_dense_parity, assert_same
from transformers import AutoModel, PreTrainedModel

from holotype.encoders import load
from holotype.encoders.inputs.rows import Row
from holotype.encoders.running.packing import pack
from holotype.encoders.torch_backend.attention import TokenBatch
from holotype.encoders.torch_backend.forwards import (
    HOSTED,
    ON_CPU,
    REWRITTEN,
    packed_forward,
    runs_without_padding,
)

TEXTS = [
    "what is a query",
    "the document of paris is the capital",
    "",
    "late",
    "unknown words and <pad> [PAD] as text",
    " ".join(WORDS),
    "the capital of france is paris the capital of france is",
    "late",
]


def architecture(name: str, folder: Path) -> PreTrainedModel:
    save_architecture(name, folder)
    build: Any = AutoModel.from_pretrained
    model: PreTrainedModel = build(folder, dtype=torch.float32).eval()
    return model


def rows(generator: np.random.Generator, *, all_attended: bool) -> list[Row]:
    """Texts of 1 to 30 tokens, each token in or out of attention, the first always in."""
    found = []
    for _ in range(12):
        n_tokens = int(generator.integers(1, 31))
        ids = generator.integers(4, 10, n_tokens).tolist()
        attended = [
            all_attended or at == 0 or bool(generator.random() < 0.7) for at in range(n_tokens)
        ]
        found.append(Row(ids, [0] * n_tokens, attended, [True] * n_tokens))
    return found


@torch.inference_mode()
def one_by_one(model: PreTrainedModel, row: Row) -> torch.Tensor:
    """Run a model of transformers over one row."""
    attended = torch.tensor([row.attended]).long()
    found: torch.Tensor = model(input_ids=torch.tensor([row.ids]), attention_mask=attended)[0][0]
    return found


def test_each_architecture_of_the_list_is_compared_here() -> None:
    # test_t5_forward.py compares T5, whose configuration has names of its own.
    assert {*PACKED, "T5EncoderModel"} == REWRITTEN.keys() | ON_CPU.keys() | HOSTED


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("all_attended", [True, False])
def test_packed_rows_equal_rows_on_their_own(name: str, all_attended: bool, tmp_path: Path) -> None:
    model = architecture(name, tmp_path)
    texts = rows(np.random.default_rng(5), all_attended=all_attended)
    expected = [one_by_one(model, row) for row in texts]
    with torch.inference_mode():
        forward = packed_forward(model, has_types=True)
        assert forward is not None
        for batch in pack(texts, max_rows=None, max_tokens=100, pad_id=0):
            vectors = forward(TokenBatch.place(batch, torch.device("cpu"), with_types=True))
            start = 0
            for index in batch.indices:
                part = vectors[start : start + len(texts[index].ids)]
                start += len(texts[index].ids)
                torch.testing.assert_close(part, expected[index], atol=1e-5, rtol=0)


@pytest.mark.parametrize("pooling", ["mean", "lasttoken"])
@pytest.mark.parametrize("name", PACKED)
def test_vectors_equal_those_of_sentence_transformers(
    name: str, pooling: str, tmp_path: Path, save_dense: Save, dense_record: DenseRecord
) -> None:
    (tmp_path / "base").mkdir()
    max_length = save_architecture(name, tmp_path / "base")
    folder = save_dense(Pooling(HIDDEN, pooling), transformer=Transformer(str(tmp_path / "base")))
    encoder = load(dense_record(HIDDEN, context_length=max_length), checkpoint=folder, device="cpu")
    assert_dense_parity(encoder, folder, TEXTS)
    alone = np.stack([encoder.encode(text, on_overflow="truncate") for text in TEXTS])
    assert_same(encoder.encode(TEXTS, on_overflow="truncate"), alone)


@pytest.mark.parametrize("is_causal", [True, False])
@pytest.mark.parametrize("name", ["LlamaModel", "MistralModel", "Qwen3Model"])
def test_a_configuration_says_whether_a_decoder_sees_what_follows(
    name: str, is_causal: bool, tmp_path: Path, save_dense: Save, dense_record: DenseRecord
) -> None:
    (tmp_path / "base").mkdir()
    max_length = save_architecture(name, tmp_path / "base", is_causal=is_causal)
    folder = save_dense(Pooling(HIDDEN, "cls"), transformer=Transformer(str(tmp_path / "base")))
    encoder = load(dense_record(HIDDEN, context_length=max_length), checkpoint=folder, device="cpu")
    assert_dense_parity(encoder, folder, TEXTS)


def test_gemma_3_sees_what_follows_where_its_configuration_says_so(
    tmp_path: Path, save_dense: Save, dense_record: DenseRecord
) -> None:
    (tmp_path / "base").mkdir()
    max_length = save_architecture("Gemma3TextModel", tmp_path / "base", is_causal=False)
    folder = save_dense(Pooling(HIDDEN, "cls"), transformer=Transformer(str(tmp_path / "base")))
    encoder = load(dense_record(HIDDEN, context_length=max_length), checkpoint=folder, device="cpu")
    assert_dense_parity(encoder, folder, TEXTS)


@pytest.mark.parametrize("name", ["LlamaModel", "Qwen3Model"])
def test_what_a_configuration_says_of_causality_needs_no_padding(name: str, tmp_path: Path) -> None:
    model = architecture(name, tmp_path)
    for is_causal in (True, False):
        model.config.is_causal = is_causal
        assert runs_without_padding(model)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("BertModel", {"is_decoder": True}),
        ("BertModel", {"is_causal": True}),
        ("MistralModel", {"is_causal": False}),
        ("MPNetModel", {"relative_attention_num_buckets": 64}),
        (
            "LlamaModel",
            {"rope_parameters": {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}},
        ),
    ],
)
def test_an_architecture_set_up_in_another_way_is_padded(
    name: str, changes: dict[str, Any], tmp_path: Path
) -> None:
    model = architecture(name, tmp_path)
    assert runs_without_padding(model)
    for key, value in changes.items():
        setattr(model.config, key, value)
    assert not runs_without_padding(model)


def test_a_class_of_the_same_name_from_elsewhere_is_padded(tmp_path: Path) -> None:
    model = architecture("BertModel", tmp_path)
    model.__class__ = type("BertModel", (type(model),), {"__module__": "transformers_modules.own"})
    assert not runs_without_padding(model)
