"""Synthetic fact lines, in the formats of docs/catalogue-pipeline.md."""

from __future__ import annotations

from typing import Any

import pytest

REPOSITORY = "acme/tiny-embed"


@pytest.fixture
def mteb_line() -> dict[str, Any]:
    return {
        "adapted_from": "acme/base",
        "embed_dim": 8,
        "huggingface_id": REPOSITORY,
        "is_baseline": False,
        "languages": ["eng-Latn", "zho-Hans", "python-Code"],
        "license": "mit",
        "loader": "SentenceTransformerEncoderWrapper",
        "loader_kwargs": None,
        "max_tokens": 32,
        "memory_usage_mb": None,
        "modalities": ["text"],
        "model_type": ["dense"],
        "n_embedding_parameters": 800,
        "n_parameters": 1234,
        "output_dtypes": None,
        "release_date": "2024-05-01",
        "retrieval_prompts": {"query": "query: {text}"},
        "revision": "0123456789abcdef0123456789abcdef01234567",
        "similarity": "cosine",
        "superseded_by": None,
    }


@pytest.fixture
def encoding_line() -> dict[str, Any]:
    return {
        "architecture": "bert",
        "base_model": None,
        "beir_avg": {"value": 48.8, "what": "points of 100, from the card"},
        "dense_modules": None,
        "embedding_dim": 8,
        "hidden_size": 8,
        "huggingface_id": REPOSITORY,
        "max_position_embeddings": None,
        "max_seq_length": 16,
        "model_kind": "dense",
        "ms_marco_mrr10": {"value": 40.2, "what": "points of 100, from the card"},
        "normalize": True,
        "num_hidden_layers": None,
        "other_values": {"max_seq_length": [{"source": "mteb registry", "value": 32}]},
        "pooling": "last_token",
        "problem_type": None,
        "sources": {
            "architecture": "hf:config.json",
            "beir_avg": "hf card",
            "embedding_dim": "mteb registry",
            "hidden_size": "hf:config.json",
            "max_seq_length": "hf:sentence_bert_config.json",
            "ms_marco_mrr10": "hf card",
            "normalize": "hf:modules.json (Transformer, Pooling, Normalize)",
            "pooling": "memory",
        },
        "sparse": None,
        "vocab_size": None,
    }


@pytest.fixture
def score_line() -> dict[str, Any]:
    return {"beir15_avg": 0.4, "huggingface_id": REPOSITORY, "msmarco_dev_mrr_at_10": 0.3}


@pytest.fixture
def selection() -> dict[str, Any]:
    model = {"id": "tiny-embed", "type": "dense", "huggingface_id": REPOSITORY}
    return {
        "organizations": {"acme": "Acme"},
        "excluded": {},
        "models": [model | {"aliases": ["tiny"]}],
    }


@pytest.fixture
def curated() -> dict[str, Any]:
    keys = (
        "derived",
        "hub",
        "maintainers",
        "model-family",
        "mteb",
        "mteb-results",
        "parameter-count",
        "web",
    )
    sources = {key: {"title": key} for key in keys}
    return {"version": "1", "sources": sources, "facts": {}}
