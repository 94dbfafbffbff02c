"""Checkpoints that were saved with a head for pre-training: the encoder in them is loaded whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from tests.runtime.parity import DenseRecord

from holotype.encoders import load
from holotype.errors import CheckpointError, TensorError, WrongKindError

SIZES = {
    "vocab_size": 116,
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 40,
    "initializer_range": 0.4,
    "pad_token_id": 0,
}
DISTILBERT = {
    "vocab_size": 116,
    "dim": 32,
    "n_layers": 1,
    "n_heads": 4,
    "hidden_dim": 64,
    "max_position_embeddings": 40,
}
MODELS = [
    ("BertConfig", "BertForPreTraining", SIZES),
    ("RobertaConfig", "RobertaForMaskedLM", SIZES),
    ("DistilBertConfig", "DistilBertForMaskedLM", DISTILBERT),
    ("MPNetConfig", "MPNetForMaskedLM", SIZES),
    ("AlbertConfig", "AlbertForPreTraining", {**SIZES, "embedding_size": 16}),
    ("ElectraConfig", "ElectraForPreTraining", {**SIZES, "embedding_size": 16}),
    ("ElectraConfig", "ElectraForMaskedLM", {**SIZES, "embedding_size": 16}),
    ("DebertaV2Config", "DebertaV2ForMaskedLM", SIZES),
    ("ModernBertConfig", "ModernBertForMaskedLM", SIZES),
    ("Qwen2Config", "Qwen2ForCausalLM", {**SIZES, "num_key_value_heads": 2}),
]


def saved(folder: Path, tokenizer: Path, config: str, model: str, sizes: dict[str, Any]) -> Any:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((tokenizer / name).read_bytes())
    torch.manual_seed(2)
    whole = getattr(transformers, model)(getattr(transformers, config)(**sizes)).eval()
    whole.save_pretrained(folder)
    return whole


@pytest.mark.parametrize(("config", "model", "sizes"), MODELS, ids=[case[1] for case in MODELS])
def test_the_encoder_beside_a_head(
    config: str,
    model: str,
    sizes: dict[str, Any],
    tmp_path: Path,
    bert_folder: Path,
    dense_record: DenseRecord,
) -> None:
    whole = saved(tmp_path, bert_folder, config, model, sizes)
    encoder = load(dense_record(pooling="cls", context_length=38), checkpoint=tmp_path)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    inputs = tokenizer(["what is late interaction?"], return_tensors="pt")
    inputs.pop("token_type_ids", None)
    with torch.inference_mode():
        expected = whole.base_model(**inputs).last_hidden_state[:, 0].numpy()
    ours = encoder.encode(["what is late interaction?"])
    np.testing.assert_allclose(ours, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("task", "error", "message"),
    [
        ("SequenceClassification", WrongKindError, "use the record of the kind cross-encoder"),
        ("TokenClassification", TensorError, r"2 unexpected: classifier\.bias, classifier\.weight"),
    ],
)
def test_a_classifier_is_no_encoder(
    task: str,
    error: type[CheckpointError],
    message: str,
    tmp_path: Path,
    bert_folder: Path,
    dense_record: DenseRecord,
) -> None:
    saved(tmp_path, bert_folder, "BertConfig", f"BertFor{task}", SIZES)
    with pytest.raises(error, match=message):
        load(dense_record(pooling="cls"), checkpoint=tmp_path)
