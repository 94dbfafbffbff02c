"""A tiny checkpoint in BGE-M3's form, its records, and the definitions of its authors written out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from tests.runtime.sparse import N_POSITIONS, save_language_model

from holotype.records import ColbertModel, DenseModel, SparseModel

WIDTH = 32
COLBERT_DIM = 16
MAX_LENGTH = N_POSITIONS - 2
REVISION = "1" * 40
_COMMON: dict[str, Any] = {
    "huggingface_id": "tests/tiny-m3",
    "organization": "Tests",
    "description": "A model of the tests.",
    "revision": REVISION,
    "hidden_dim": WIDTH,
    "query_prompt": "",
    "document_prompt": "",
}
DENSE: DenseModel[Any] = DenseModel(
    id="tiny-m3",
    type="dense",
    name="Tiny M3",
    embedding_dim=WIDTH,
    pooling="cls",
    normalize=True,
    similarity="cosine",
    **_COMMON,
)
COLBERT: ColbertModel[Any] = ColbertModel(
    id="tiny-m3-colbert",
    type="colbert",
    name="Tiny M3 (ColBERT)",
    embedding_dim=COLBERT_DIM,
    multi_vector=True,
    normalize=True,
    has_projection=True,
    projection_dims=COLBERT_DIM,
    similarity="maxsim",
    **_COMMON,
)


def sparse_model(folder: Path, **changes: Any) -> SparseModel:
    """The record of the lexical mode, whose width is the size of the vocabulary."""
    n_words = json.loads((folder / "config.json").read_text())["vocab_size"]
    known: dict[str, Any] = {
        "id": "tiny-m3-sparse",
        "type": "sparse",
        "name": "Tiny M3 (sparse)",
        "embedding_dim": n_words,
        "pooling": "max",
        "activation": "relu",
        "similarity": "dot",
    }
    return SparseModel(**(known | _COMMON | changes))


def save_bge_m3(folder: Path) -> Path:
    """Save a dense XLM-R as sentence-transformers does, and the two layers beside it."""
    made = folder / "transformer"
    made.mkdir()
    save_language_model(made, "xlm-roberta")
    modules = [
        Transformer(str(made), max_seq_length=MAX_LENGTH),
        Pooling(WIDTH, pooling_mode="cls"),
        Normalize(),
    ]
    checkpoint = folder / "m3"
    model = SentenceTransformer(modules=modules, device="cpu", similarity_fn_name="cosine")
    model.save(str(checkpoint), create_model_card=False)
    torch.manual_seed(5)
    sparse = {"weight": torch.randn(1, WIDTH), "bias": torch.tensor([2.0])}
    save_file(sparse, checkpoint / "sparse_linear.safetensors")
    projection = {"weight": torch.randn(COLBERT_DIM, WIDTH), "bias": torch.randn(COLBERT_DIM)}
    save_file(projection, checkpoint / "colbert_linear.safetensors")
    return checkpoint


@dataclass(frozen=True, slots=True)
class Reference:
    """What the authors' library gives for one text; words as a vector of the whole vocabulary."""

    dense: NDArray[np.float32]
    sparse: NDArray[np.float32]
    colbert: NDArray[np.float32]


class AuthorsModel:
    """The definitions of BGE-M3's authors, one text at a time."""

    def __init__(self, folder: Path) -> None:
        """Load what `save_bge_m3` made."""
        self._tokenizer: Any = transformers.AutoTokenizer.from_pretrained(folder)
        self._model: Any = transformers.AutoModel.from_pretrained(folder).eval()
        self._sparse = load_file(folder / "sparse_linear.safetensors")
        self._colbert = load_file(folder / "colbert_linear.safetensors")

    def encode(self, text: str) -> Reference:
        """Return all three kinds of vectors of a text."""
        inputs = self._tokenizer(text, truncation=True, max_length=MAX_LENGTH, return_tensors="pt")
        with torch.inference_mode():
            states = self._model(**inputs).last_hidden_state[0]
            dense = torch.nn.functional.normalize(states[0], dim=-1)
            weights = torch.relu(states @ self._sparse["weight"].T + self._sparse["bias"])[:, 0]
            tokens = states[1:] @ self._colbert["weight"].T + self._colbert["bias"]
            colbert = torch.nn.functional.normalize(tokens, dim=-1)
        words = self._words(inputs["input_ids"][0].tolist(), weights.tolist())
        return Reference(dense.numpy(), words, colbert.numpy())

    def _words(self, ids: list[int], weights: list[float]) -> NDArray[np.float32]:
        tokenizer = self._tokenizer
        unused = {tokenizer.cls_token_id, tokenizer.eos_token_id}
        unused |= {tokenizer.pad_token_id, tokenizer.unk_token_id}
        words = np.zeros(len(tokenizer), dtype=np.float32)
        for id, weight in zip(ids, weights, strict=True):
            if id not in unused and weight > words[id]:
                words[id] = weight
        return words
