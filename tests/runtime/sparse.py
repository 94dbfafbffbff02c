"""Tiny masked language models of real architectures, and what tests of sparse models share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from sentence_transformers import SparseEncoder as ReferenceEncoder
from tests.parity_table import Measurement, Subject, record
from tests.runtime.parity import assert_ranks_same, assert_scores_same
from tests.runtime.test_tokenizer_json import make_tokenizer

from holotype.encoders.sparse import SparseEncoder
from holotype.encoders.vectors.sparse import SparseVectors

N_POSITIONS = 96
_SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "initializer_range": 0.3,
}
_DISTILBERT = {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64, "initializer_range": 0.3}
# The tokenizer, the configuration and its sizes. Weights are wide, so that words differ.
ARCHITECTURES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "bert": ("BertTokenizer", "BertConfig", _SIZES),
    "distilbert": ("DistilBertTokenizer", "DistilBertConfig", _DISTILBERT),
    "xlm-roberta": ("XLMRobertaTokenizer", "XLMRobertaConfig", _SIZES),
    "roberta": ("RobertaTokenizer", "RobertaConfig", _SIZES),
    "modernbert": (
        "BertTokenizer",
        "ModernBertConfig",
        _SIZES
        | {
            "pad_token_id": 4,
            "cls_token_id": 3,
            "sep_token_id": 1,
            "bos_token_id": 3,
            "eos_token_id": 1,
            "reference_compile": False,
        },
    ),
    "mpnet": ("MPNetTokenizer", "MPNetConfig", _SIZES),
    "nomic-bert": ("BertTokenizer", "NomicBertConfig", _SIZES | {"pad_token_id": 4}),
    "electra": ("ElectraTokenizer", "ElectraConfig", _SIZES | {"embedding_size": 16}),
    "deberta-v2": ("DebertaV2Tokenizer", "DebertaV2Config", _SIZES),
}


def save_language_model(folder: Path, architecture: str = "bert", **sizes: Any) -> Path:
    """Save a tiny masked language model with its tokenizer, as transformers does."""
    tokenizer, config_name, usual = ARCHITECTURES[architecture]
    make_tokenizer(tokenizer, folder)
    wrapper = transformers.AutoTokenizer.from_pretrained(folder)
    wrapper.model_max_length = N_POSITIONS - 2
    wrapper.save_pretrained(folder)
    torch.manual_seed(17)
    config = getattr(transformers, config_name)(
        vocab_size=len(wrapper),
        max_position_embeddings=N_POSITIONS,
        **(usual | sizes),
    )
    build: Any = transformers.AutoModelForMaskedLM.from_config
    model = build(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(std=0.3)
    model.save_pretrained(folder)
    return folder


def assert_sparse(ours: SparseVectors, theirs: torch.Tensor, *, of: Subject | None = None) -> None:
    """Assert that weights are equal to 1e-5, and that the same words have one."""
    dense = theirs.to_dense().numpy()
    assert ours.shape == dense.shape
    assert ours.values.dtype == np.float32
    found = ours.to_dense()
    if of is not None:
        record(of, Measurement(scores=float(np.abs(found - dense).max(initial=0))))
    np.testing.assert_allclose(found, dense, rtol=1e-5, atol=1e-5)


def assert_sparse_parity(
    encoder: SparseEncoder, reference: ReferenceEncoder, texts: list[str], *, of: Subject
) -> None:
    """Assert that queries, documents, scores and rankings are the reference's."""
    everything = [*texts, "late interaction of text " * 4200]
    ours = encoder.encode(everything, on_overflow="truncate")
    assert_sparse(ours, reference.encode(everything), of=of)
    queries = encoder.encode_query(everything, on_overflow="truncate", batch_size=3)
    their_queries = reference.encode_query(everything)
    assert_sparse(queries, their_queries, of=of)
    documents = encoder.encode_document(everything, on_overflow="truncate", batch_size=5)
    their_documents = reference.encode_document(everything)
    assert_sparse(documents, their_documents, of=of)
    scores = encoder.similarity(queries, documents)
    their_scores = reference.similarity(their_queries, their_documents).to_dense().numpy()
    assert_scores_same(scores, their_scores, of=of)
    assert_ranks_same(scores, their_scores)
    pairs = encoder.similarity_pairwise(queries, documents)
    np.testing.assert_allclose(pairs, np.diag(scores), rtol=1e-5, atol=1e-4)
