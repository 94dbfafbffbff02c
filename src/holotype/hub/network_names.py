"""What networks are called in descriptions, by the type that a configuration states."""

from __future__ import annotations

_NETWORKS = {
    "bert": "BERT",
    "distilbert": "DistilBERT",
    "roberta": "RoBERTa",
    "xlm-roberta": "XLM-RoBERTa",
    "xmod": "X-MOD",
    "mpnet": "MPNet",
    "albert": "ALBERT",
    "electra": "ELECTRA",
    "deberta": "DeBERTa",
    "deberta-v2": "DeBERTa",
    "modernbert": "ModernBERT",
    "eurobert": "EuroBERT",
    "nomic_bert": "NomicBERT",
    "new": "GTE",
    "gte": "GTE",
    "t5": "T5",
    "bart": "BART",
    "qwen2": "Qwen2",
    "qwen3": "Qwen3",
    "mistral": "Mistral",
    "llama": "Llama",
    "llama_bidirec": "bidirectional Llama",
    "gemma": "Gemma",
    "gemma2": "Gemma 2",
    "gemma3_text": "Gemma 3",
    "lfm2": "LFM2",
    "luke": "LUKE",
    "dpr": "BERT",
    "codesage": "CodeSage",
}

_WITH_AN = ("ALBERT", "ELECTRA", "LFM2", "MPNet", "X-MOD", "XLM-RoBERTa")
"""Networks whose name is spoken with a vowel first."""


def network_name(type: str | None) -> str | None:
    """Return the name of a network with its article, such as "A BERT"; None if it has none."""
    name = _NETWORKS.get(type or "")
    return name and f"{'An' if name in _WITH_AN else 'A'} {name}"
