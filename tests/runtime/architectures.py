"""Tiny checkpoints of the architectures that run without padding."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedModel, PreTrainedTokenizerFast

WORDS = ("the", "of", "what", "is", "late", "a", "query", "document", "paris", "capital", "france")
HIDDEN = 32
_SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
_SIZES: dict[str, Any] = {
    "vocab_size": len(_SPECIAL) + len(WORDS),
    "hidden_size": HIDDEN,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "initializer_range": 0.3,
    "pad_token_id": 1,
    "max_position_embeddings": 40,
}
_DECODER = {"num_key_value_heads": 2, "head_dim": 8}
_SLIDING = ["sliding_attention", "full_attention", "sliding_attention"]

# The class of each model, and what its configuration says beyond the sizes.
PACKED: dict[str, dict[str, Any]] = {
    "BertModel": {"hidden_act": "gelu"},
    "CamembertModel": {},
    "DebertaV2Model": {
        "relative_attention": True,
        "position_buckets": 8,
        "max_relative_positions": 40,
        "pos_att_type": ["p2c", "c2p"],
        "norm_rel_ebd": "layer_norm",
        "share_att_key": True,
        "position_biased_input": False,
        "type_vocab_size": 0,
    },
    "DistilBertModel": {"dim": HIDDEN, "n_layers": 3, "n_heads": 4, "hidden_dim": 64},
    "Gemma3TextModel": {
        **_DECODER,
        "sliding_window": 9,
        "layer_types": _SLIDING,
        "use_bidirectional_attention": True,
    },
    "LlamaModel": _DECODER,
    "MPNetModel": {"hidden_act": "gelu_new"},
    "MistralModel": {**_DECODER, "sliding_window": 6},
    "ModernBertModel": {"local_attention": 8, "layer_types": _SLIDING, "reference_compile": False},
    "NomicBertModel": {},
    "Qwen2Model": {"num_key_value_heads": 2},
    "Qwen3Model": _DECODER,
    "RobertaModel": {},
    "XLMRobertaModel": {"type_vocab_size": 1},
}


def save_architecture(name: str, folder: Path, **config: Any) -> int:
    """Save a model of random weights and a tokenizer, and return the longest text in tokens.

    Args:
        name: the class of its transformer, one of `PACKED`.
        folder: where the files go.
        config: what else its configuration says.
    """
    vocabulary = {token: at for at, token in enumerate([*_SPECIAL, *WORDS])}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>", special_tokens=[(token, vocabulary[token]) for token in _SPECIAL]
    )
    make: Any = PreTrainedTokenizerFast
    make(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        model_max_length=30,
    ).save_pretrained(folder)
    build(name, **config).save_pretrained(folder)
    return 30


def build(name: str, kind: str = "Model", **config: Any) -> PreTrainedModel:
    """Build a model of random weights.

    Args:
        name: the class of its transformer.
        kind: what stands in place of `Model` in the name of the class.
        config: what else its configuration says.
    """
    torch.manual_seed(3)
    package: Any = importlib.import_module("transformers")
    settings = {**_SIZES, **PACKED.get(name, {}), **config}
    made = getattr(package, name.replace("Model", "Config"))(**settings)
    model: PreTrainedModel = getattr(package, name.replace("Model", kind))(made).eval()
    return model
