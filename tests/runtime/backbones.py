"""Tiny transformers of every architecture that models of the catalogue have, for tests of parity.

Each has a byte-level tokenizer, so that no text is unknown to it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
from tests.runtime.heads import BERT_STYLE, DISTILBERT, N_POSITIONS, ROBERTA_STYLE, byte_tokenizer

HIDDEN_DIM = 32
MARKERS = ("[Q] ", "[D] ")
STANFORD_MARKERS = ("[unused0]", "[unused1]")
_SIZES = {
    "hidden_size": HIDDEN_DIM,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": N_POSITIONS,
    "initializer_range": 0.3,
}
_AFTER_PADDING = {**_SIZES, "max_position_embeddings": N_POSITIONS + 2}
_DECODER = {**_SIZES, "num_key_value_heads": 2, "head_dim": 8}
_END_STYLE = ("<s>", "<pad>", "</s>", "<unk>", "$A </s>", "$B </s>")
_BEGIN_STYLE = ("<s>", "<pad>", "</s>", "<unk>", "<s> $A", "$B")

# The class of transformers, its configuration, and how its tokenizers frame a text.
BACKBONES: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "bert": ("BertModel", _SIZES, BERT_STYLE),
    "deberta-v2": (
        "DebertaV2Model",
        {
            **_SIZES,
            "relative_attention": True,
            "position_buckets": 16,
            "pos_att_type": ["p2c", "c2p"],
            "type_vocab_size": 0,
        },
        BERT_STYLE,
    ),
    "distilbert": ("DistilBertModel", DISTILBERT, BERT_STYLE),
    "gemma3": (
        "Gemma3TextModel",
        {
            **_DECODER,
            "sliding_window": 16,
            "layer_types": ["sliding_attention", "full_attention"],
            "use_bidirectional_attention": True,
        },
        ROBERTA_STYLE,
    ),
    "llama": ("LlamaModel", _DECODER, _BEGIN_STYLE),
    "modernbert": (
        "ModernBertModel",
        {**_SIZES, "local_attention": 16, "layer_types": ["sliding_attention", "full_attention"]},
        BERT_STYLE,
    ),
    "mpnet": ("MPNetModel", _AFTER_PADDING, ROBERTA_STYLE),
    "nomic-bert": ("NomicBertModel", _SIZES, BERT_STYLE),
    "qwen3": ("Qwen3Model", _DECODER, _END_STYLE),
    "roberta": ("RobertaModel", _AFTER_PADDING, ROBERTA_STYLE),
    "t5": (
        "T5EncoderModel",
        {"d_model": HIDDEN_DIM, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4},
        _END_STYLE,
    ),
    "xlm-roberta": ("XLMRobertaModel", {**_AFTER_PADDING, "type_vocab_size": 1}, ROBERTA_STYLE),
}
_PADS_LEFT = ("llama", "qwen3")


def save_backbone(name: str, folder: Path) -> Path:
    """Save a transformer of two layers and its tokenizer, as transformers does."""
    class_name, sizes, style = BACKBONES[name]
    side = "left" if name in _PADS_LEFT else "right"
    tokenizer = byte_tokenizer(style, *MARKERS, *STANFORD_MARKERS, padding_side=side)
    tokenizer.save_pretrained(folder)
    package: Any = importlib.import_module("transformers")
    prefix = class_name.removesuffix("Model").removesuffix("Encoder")
    special = {
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.cls_token_id,
        "eos_token_id": tokenizer.eos_token_id,
    }
    torch.manual_seed(7)
    config = getattr(package, f"{prefix}Config")(vocab_size=len(tokenizer), **special, **sizes)
    getattr(package, class_name)(config).eval().save_pretrained(folder)
    return folder


def saved_when_asked(make_folder: Callable[[str], Path]) -> Callable[[str], Path]:
    """Return what gives the folder of an architecture, and saves it when it is first asked for."""
    return cache(lambda name: save_backbone(name, make_folder(name)))
