"""The lexical weights of BGE-M3: one weight for every token, as its authors compute them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from tests.runtime.parity import SparseRecord
from tests.runtime.sparse import N_POSITIONS, save_language_model

from holotype.encoders import load
from holotype.errors import CheckpointError, TensorError, UnsafeCheckpointError

KNOWN = {"pooling": "max", "activation": "relu", "similarity": "dot"}


@pytest.fixture
def m3_folder(tmp_path: Path) -> Path:
    """A tiny dense XLM-R with the layer that weighs tokens beside it, and files of sides."""
    save_language_model(tmp_path, "xlm-roberta")
    transformers.AutoModel.from_pretrained(tmp_path).save_pretrained(tmp_path)
    torch.manual_seed(5)
    layer = {"weight": torch.randn(1, 32), "bias": torch.tensor([2.0])}
    save_file(layer, tmp_path / "sparse_linear.safetensors")
    modules = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Other"}]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    (tmp_path / "config_sentence_transformers.json").write_text(
        json.dumps({"model_type": "SentenceTransformer", "similarity_fn_name": "cosine"})
    )
    return tmp_path


def lexical_weights(folder: Path, text: str) -> NDArray[np.float32]:
    """Compute the weights as the authors' library does, for one text."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    layer = load_file(folder / "sparse_linear.safetensors")
    inputs = tokenizer(text, truncation=True, max_length=N_POSITIONS - 2, return_tensors="pt")
    with torch.inference_mode():
        states = model(**inputs).last_hidden_state
        weights = torch.relu(states @ layer["weight"].T + layer["bias"])[0, :, 0]
    unused = {tokenizer.cls_token_id, tokenizer.eos_token_id}
    unused |= {tokenizer.pad_token_id, tokenizer.unk_token_id}
    words = np.zeros(len(tokenizer), dtype=np.float32)
    for id, weight in zip(inputs["input_ids"][0].tolist(), weights.tolist(), strict=True):
        if id not in unused and weight > words[id]:
            words[id] = weight
    return words


def test_weights_are_those_of_the_authors(
    m3_folder: Path, sparse_record: SparseRecord, texts: list[str]
) -> None:
    n_words = json.loads((m3_folder / "config.json").read_text())["vocab_size"]
    encoder = load(sparse_record(n_words, **KNOWN), checkpoint=m3_folder)
    ours = encoder.encode_document(texts, on_overflow="truncate").to_dense()
    theirs = np.stack([lexical_weights(m3_folder, text) for text in texts])
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert (ours > 0).sum() > len(texts)
    queries = encoder.encode_query(texts, on_overflow="truncate", batch_size=2).to_dense()
    np.testing.assert_allclose(queries, theirs, atol=1e-5)


def test_a_pickled_layer_is_refused(m3_folder: Path, sparse_record: SparseRecord) -> None:
    (m3_folder / "sparse_linear.safetensors").rename(m3_folder / "sparse_linear.pt")
    n_words = json.loads((m3_folder / "config.json").read_text())["vocab_size"]
    with pytest.raises(UnsafeCheckpointError, match=r"torch\.load\('sparse_linear\.pt'"):
        load(sparse_record(n_words, **KNOWN), checkpoint=m3_folder)
    (m3_folder / "sparse_linear.pt").unlink()
    with pytest.raises(CheckpointError, match=r"has no sparse_linear\.safetensors"):
        load(sparse_record(n_words, **KNOWN), checkpoint=m3_folder)


def test_another_layer_is_refused(m3_folder: Path, sparse_record: SparseRecord) -> None:
    n_words = json.loads((m3_folder / "config.json").read_text())["vocab_size"]
    save_file({"weight": torch.ones(2, 32)}, m3_folder / "sparse_linear.safetensors")
    with pytest.raises(TensorError) as caught:
        load(sparse_record(n_words, **KNOWN), checkpoint=m3_folder)
    assert caught.value.missing == ("bias",)
    assert caught.value.misshapen == ("weight ([2, 32], expected [1, 32])",)
