"""Artifacts of tiny models that load and run: one of each type, made in a fraction of a second."""

from __future__ import annotations

import json
import string
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers

from holotype.publishing import create_artifact

DIM = 16
N_POSITIONS = 192
_WORDS = "the of and what is a query document with good bad bread kettle tea chain text"
_VOCABULARY = [
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    *_WORDS.split(),
    *string.ascii_lowercase,
    *("##" + letter for letter in string.ascii_lowercase),
    *string.punctuation,
    *string.digits,
]
_ST = "sentence_transformers"


def make_dense(folder: Path, *, seed: int = 7, dim: int = DIM, licence: str = "") -> Path:
    """Make an artifact of a dense model called `tiny-dense`.

    Another seed, or another dimension, makes other vectors; another licence only another digest.
    """
    made = _checkpoint(folder, "tiny-dense", "BertModel", seed, hidden_size=dim)
    _modules(made, "models.Transformer", "models.Pooling")
    config = {"word_embedding_dimension": dim, "pooling_mode": "mean"}
    (made / "1_Pooling").mkdir()
    (made / "1_Pooling/config.json").write_text(json.dumps(config))
    (made / "LICENSE").write_text(licence)
    return _artifact(made, folder)


def make_classifier(folder: Path, labels: Sequence[str], *, seed: int = 7) -> Path:
    """Make an artifact of a classifier called `tiny-classifier`."""
    names = dict(enumerate(labels))
    made = _checkpoint(
        folder,
        "tiny-classifier",
        "BertForSequenceClassification",
        seed,
        id2label=names,
        label2id={name: number for number, name in names.items()},
        problem_type="single_label_classification",
    )
    return _artifact(made, folder)


def make_cross_encoder(folder: Path, *, seed: int = 7) -> Path:
    """Make an artifact of a reranker called `tiny-reranker`."""
    made = _checkpoint(folder, "tiny-reranker", "BertForSequenceClassification", seed, num_labels=1)
    return _artifact(made, folder)


def make_sparse(folder: Path, *, seed: int = 7) -> Path:
    """Make an artifact of a sparse model called `tiny-sparse`."""
    made = _checkpoint(folder, "tiny-sparse", "BertForMaskedLM", seed)
    parts = ("models.MLMTransformer", "models.SpladePooling")
    _modules(made, *(f"sparse_encoder.{part}" for part in parts))
    (made / "1_SpladePooling").mkdir()
    (made / "1_SpladePooling/config.json").write_text(json.dumps({"pooling_strategy": "max"}))
    return _artifact(made, folder)


def make_colbert(folder: Path, *, seed: int = 7) -> Path:
    """Make an artifact of a ColBERT model called `tiny-colbert`, as PyLate keeps one."""
    made = _checkpoint(folder, "tiny-colbert", "BertModel", seed)
    from safetensors.torch import save_file

    _modules(made, "models.Transformer", "pylate.models.Dense.Dense", names=("", "1_Dense"))
    (made / "1_Dense").mkdir()
    linear = {
        "in_features": DIM,
        "out_features": 8,
        "bias": False,
        "activation_function": "torch.nn.modules.linear.Identity",
    }
    (made / "1_Dense/config.json").write_text(json.dumps(linear))
    torch.manual_seed(seed)
    save_file({"linear.weight": torch.randn(8, DIM)}, made / "1_Dense/model.safetensors")
    keys = {
        "query_prefix": "[MASK]",
        "document_prefix": "[UNK]",
        "query_length": 120,
        "document_length": 180,
        "do_query_expansion": True,
        "attend_to_expansion_tokens": False,
        "skiplist_words": [],
        "model_type": "ColBERT",
        "similarity_fn_name": "MaxSim",
    }
    (made / "config_sentence_transformers.json").write_text(json.dumps(keys))
    return _artifact(made, folder)


def _checkpoint(folder: Path, name: str, architecture: str, seed: int, **more: Any) -> Path:
    made = folder.parent / f"{folder.name}-checkpoint" / name
    made.mkdir(parents=True)
    (made / "vocab.txt").write_text("\n".join(_VOCABULARY))
    tokenizer: Any = transformers.BertTokenizer(
        vocab=str(made / "vocab.txt"), model_max_length=N_POSITIONS
    )
    tokenizer.save_pretrained(made)
    torch.manual_seed(seed)
    sizes: dict[str, Any] = {
        "vocab_size": len(_VOCABULARY),
        "hidden_size": DIM,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": N_POSITIONS,
        "initializer_range": 0.4,
    }
    config = transformers.BertConfig(**{**sizes, **more})
    getattr(transformers, architecture)(config).save_pretrained(made)
    return made


def _modules(folder: Path, *types: str, names: Sequence[str] = ()) -> None:
    folders = names or ("", f"1_{types[1].rpartition('.')[2]}")
    listed = [
        {
            "idx": number,
            "name": str(number),
            "path": path,
            "type": type if type.startswith("pylate") else f"{_ST}.{type}",
        }
        for number, (type, path) in enumerate(zip(types, folders, strict=True))
    ]
    (folder / "modules.json").write_text(json.dumps(listed))


def _artifact(checkpoint: Path, folder: Path) -> Path:
    create_artifact(f"local:{checkpoint}", folder)
    return folder
