"""ColBERT checkpoints written by PyLate itself: the same vectors and scores as PyLate's.

PyLate pins older versions of sentence-transformers and transformers, and lives in an environment of
its own, which `make .venv-pylate/.installed` makes. It runs once, for all cases.
"""

from __future__ import annotations

import json
import os
import string
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.runtime.backbones import BACKBONES, MARKERS, save_backbone
from tests.runtime.conftest import TEXTS
from tests.runtime.parity import (
    Vectors,
    assert_all_same,
    assert_ranks_same,
    assert_scores_same,
    subject,
)
from transformers import (
    BertConfig,
    BertModel,
    BertTokenizer,
    DistilBertConfig,
    DistilBertModel,
    ModernBertConfig,
    ModernBertModel,
    PreTrainedConfig,
    PreTrainedModel,
)

from holotype.encoders import load
from holotype.encoders.vectors.token_pooling import pool_tokens
from holotype.records import ColbertModel

ROOT = Path(__file__).parent.parent.parent
PYTHON = ROOT / ".venv-pylate" / "bin" / "python"

SMALL: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
BASES: dict[str, Callable[[int], tuple[type[PreTrainedModel], PreTrainedConfig]]] = {
    "bert": lambda size: (
        BertModel,
        BertConfig(
            **SMALL,
            vocab_size=size,
            intermediate_size=64,
            max_position_embeddings=300,
            initializer_range=0.4,
        ),
    ),
    "distilbert": lambda size: (
        DistilBertModel,
        DistilBertConfig(
            vocab_size=size,
            dim=32,
            n_layers=2,
            n_heads=4,
            hidden_dim=64,
            max_position_embeddings=300,
            initializer_range=0.4,
        ),
    ),
    "modernbert": lambda size: (
        ModernBertModel,
        ModernBertConfig(
            **SMALL,
            vocab_size=size,
            intermediate_size=64,
            max_position_embeddings=300,
            initializer_range=0.4,
            pad_token_id=0,
            cls_token_id=2,
            sep_token_id=3,
        ),
    ),
}

# With markers that are in the vocabulary already. Qwen3 and Llama are not among them: PyLate puts the
# marker in the second place, which is padding where that is on the left.
ADDED = {"query_prefix": MARKERS[0], "document_prefix": MARKERS[1], "document_length": 80}
OTHERS = ("deberta-v2", "mpnet", "roberta", "xlm-roberta")
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "defaults": ("bert", {"embedding_size": 16}),
    "distilbert": ("distilbert", {"embedding_size": 16}),
    "modernbert": ("modernbert", {"embedding_size": 16}),
    **{name: (name, {"embedding_size": 16, **ADDED}) for name in OTHERS},
    "markers": (
        "bert",
        {"embedding_size": 16, "query_prefix": "[unused0]", "document_prefix": "[unused1]"},
    ),
    "lengths": ("bert", {"embedding_size": 16, "query_length": 12, "document_length": 48}),
    "no-expansion": ("bert", {"embedding_size": 16, "do_query_expansion": False}),
    "attended-expansion": ("bert", {"embedding_size": 16, "attend_to_expansion_tokens": True}),
    "no-skiplist": ("bert", {"embedding_size": 16, "skiplist_words": []}),
    "skiplist": ("bert", {"embedding_size": 16, "skiplist_words": ["the", "of", "?"]}),
    "bias": ("bert", {"embedding_size": 24, "bias": True}),
    "pooled": ("bert", {"embedding_size": 16}),
    "pooled-by-four": ("modernbert", {"embedding_size": 16}),
    "stanford": ("stanford", {}),
}
# How many times fewer vectors of documents PyLate leaves in these cases.
POOLED = {"pooled": 2, "pooled-by-four": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A checkpoint of PyLate and what PyLate computes with it."""

    folder: Path
    queries: list[Vectors]
    documents: list[Vectors]
    scores: Vectors


@pytest.fixture(scope="session")
def references(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reference]:
    """The checkpoint and the results of every case, from one run of PyLate."""
    assert PYTHON.exists(), "PyLate's environment is missing; run: make .venv-pylate/.installed"
    folder = tmp_path_factory.mktemp("pylate")
    bases = {name: save_base(folder / "bases" / name, make) for name, make in BASES.items()}
    bases |= {
        name: save_backbone(name, folder / "bases" / name)
        for name in sorted({base for base, _ in CASES.values()} & BACKBONES.keys() - BASES.keys())
    }
    bases["stanford"] = save_stanford(folder / "bases" / "stanford", bases["bert"])
    cases = {
        name: {
            "base": str(bases[base]),
            "options": options,
            "texts": texts_of(name),
            "pool_factor": POOLED.get(name, 1),
        }
        for name, (base, options) in CASES.items()
    }
    cases_file = folder / "cases.json"
    cases_file.write_text(json.dumps(cases), encoding="utf-8")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    subprocess.run(
        [PYTHON, Path(__file__).parent / "reference.py", cases_file, folder],
        check=True,
        env=environment | {"HF_HUB_OFFLINE": "1"},
    )
    return {name: read_reference(folder, name) for name in CASES}


def save_base(
    folder: Path, make: Callable[[int], tuple[type[PreTrainedModel], PreTrainedConfig]]
) -> Path:
    """Save a transformer of two layers and a tokenizer with a small vocabulary."""
    folder.mkdir(parents=True)
    words = "the of and what is late interaction query document with paris capital france text"
    vocabulary = [
        *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused0]", "[unused1]"),
        *words.split(),
        *string.ascii_lowercase,
        *("##" + letter for letter in string.ascii_lowercase),
        *string.punctuation,
        *string.digits,
    ]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    BertTokenizer(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(3)
    kind, config = make(len(vocabulary))
    kind(config).save_pretrained(folder)
    return folder


def save_stanford(folder: Path, bert: Path) -> Path:
    """Save a BERT as Stanford ColBERT does."""
    folder.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((bert / name).read_bytes())
    config = json.loads((bert / "config.json").read_text(encoding="utf-8"))
    config["architectures"] = ["HF_ColBERT"]
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    tensors = {
        f"bert.{name}": tensor for name, tensor in load_file(bert / "model.safetensors").items()
    }
    torch.manual_seed(13)
    tensors["linear.weight"] = torch.randn(16, 32)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    metadata = {
        "query_token_id": "[unused0]",
        "doc_token_id": "[unused1]",
        "query_maxlen": 20,
        "doc_maxlen": 60,
        "attend_to_mask_tokens": False,
        "mask_punctuation": True,
    }
    (folder / "artifact.metadata").write_text(json.dumps(metadata), encoding="utf-8")
    return folder


def read_reference(folder: Path, name: str) -> Reference:
    """Read what PyLate wrote for a case."""
    with np.load(folder / f"{name}.npz") as arrays:
        return Reference(
            folder=folder / name,
            queries=split(arrays["queries"], arrays["query_lengths"]),
            documents=split(arrays["documents"], arrays["document_lengths"]),
            scores=arrays["scores"],
        )


def split(vectors: Vectors, lengths: np.typing.NDArray[np.int64]) -> list[Vectors]:
    """Take vectors that follow each other apart."""
    return np.split(vectors, np.cumsum(lengths)[:-1])


def texts_of(name: str) -> list[str]:
    """The texts of a case.

    PyLate's sentence-transformers strips white space, which these tokenizers heed; its later
    versions, which read the same checkpoints, do not.
    """
    return [text.strip() for text in TEXTS] if name in OTHERS else TEXTS


def record(embedding_dim: int) -> ColbertModel[Any]:
    """A record that knows nothing but its size, so that the checkpoint decides."""
    return ColbertModel(
        id="tiny-colbert",
        type="colbert",
        name="Tiny ColBERT",
        huggingface_id="tests/tiny-colbert",
        organization="Tests",
        description="A model of the tests.",
        embedding_dim=embedding_dim,
        multi_vector=True,
    )


@pytest.mark.parametrize("name", CASES)
def test_a_checkpoint_of_pylate_gives_its_vectors_and_scores(
    name: str, references: dict[str, Reference]
) -> None:
    reference = references[name]
    encoder = load(record(reference.queries[0].shape[1]), checkpoint=reference.folder)
    queries = encoder.encode_query(texts_of(name), on_overflow="truncate")
    documents = encoder.encode_document(texts_of(name), on_overflow="truncate")
    of = subject(encoder, reference.folder, "PyLate")
    assert_all_same(queries, reference.queries, of=of)
    factor = POOLED.get(name)
    if factor is not None:
        documents = pool_tokens(documents, factor=factor, normalize=False)
    assert_all_same(documents, reference.documents, of=of)
    scores = encoder.similarity(queries, documents)
    assert_scores_same(scores, reference.scores, of=of)
    assert_ranks_same(scores, reference.scores)


def test_stanfords_checkpoint_gives_the_same_as_pylates_copy_of_it(
    references: dict[str, Reference],
) -> None:
    reference = references["stanford"]
    original = reference.folder.parent / "bases" / "stanford"
    encoder = load(record(16), checkpoint=original)
    of = subject(encoder, original, "PyLate")
    queries = encoder.encode_query(TEXTS, on_overflow="truncate")
    assert_all_same(queries, reference.queries, of=of)
    documents = encoder.encode_document(TEXTS, on_overflow="truncate")
    assert_all_same(documents, reference.documents, of=of)
