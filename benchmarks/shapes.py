"""Architectures in the shapes of well-known models, with random weights and few layers."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import holotype
from corpus import CHECKPOINT
from holotype.records import DenseModel

_N_LAYERS = 2
# What reads more tokens than this has one layer: attention takes most of the time, in every layer.
_LONG = 4096
_BASE: Mapping[str, Any] = {
    "hidden_size": 768,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
}
_LARGE: Mapping[str, Any] = {
    "hidden_size": 1024,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A configuration of transformers.

    Attributes:
        config: the class of the configuration.
        model: the class of the model.
        values: what it says beyond layers, vocabulary and positions.
        reads_long: whether the model that it stands for reads 8,192 tokens.
    """

    config: str
    model: str
    values: Mapping[str, Any] = field(default_factory=dict)
    reads_long: bool = False


SHAPES: Mapping[str, Shape] = {
    "mpnet-base": Shape(config="MPNetConfig", model="MPNetModel", values=_BASE),
    "ModernBERT-base": Shape(
        config="ModernBertConfig",
        model="ModernBertModel",
        values={**_BASE, "intermediate_size": 1152},
        reads_long=True,
    ),
    "XLM-R large": Shape(
        config="XLMRobertaConfig",
        model="XLMRobertaModel",
        values={**_LARGE, "type_vocab_size": 1},
        reads_long=True,
    ),
    "Qwen3-0.6B": Shape(
        config="Qwen3Config",
        model="Qwen3Model",
        values={
            **_LARGE,
            "intermediate_size": 3072,
            "num_key_value_heads": 8,
            "head_dim": 128,
        },
        reads_long=True,
    ),
    "DeBERTa-v3 base": Shape(
        config="DebertaV2Config",
        model="DebertaV2Model",
        values={
            **_BASE,
            "relative_attention": True,
            "position_buckets": 256,
            "norm_rel_ebd": "layer_norm",
            "share_att_key": True,
            "pos_att_type": ["p2c", "c2p"],
            "max_relative_positions": -1,
            "position_biased_input": False,
            "type_vocab_size": 0,
        },
    ),
    "T5 base encoder": Shape(
        config="T5Config",
        model="T5EncoderModel",
        values={"d_model": 768, "d_kv": 64, "num_heads": 12, "d_ff": 3072},
    ),
}


def text(n_tokens: int, number: int) -> str:
    """Return a text that is cut to so many tokens."""
    chosen = random.Random(number)  # noqa: S311
    words = ("what", "late", "query", "document", "token", "search", "vector", "model")
    return " ".join(chosen.choices(words, k=n_tokens))


def save_short(name: str, folder: Path, n_tokens: int) -> int:
    """Save a model of a shape with few layers, and return its width; see `save`."""
    return save(SHAPES[name], folder, n_tokens, 1 if n_tokens > _LONG else _N_LAYERS)


def load_ours(folder: Path, width: int, device: str, dtype: Any) -> Any:
    """Return a model that `save` saved as holotype loads it."""
    return holotype.load(_record(width), checkpoint=folder / "whole", device=device, dtype=dtype)


def load_theirs(folder: Path, device: str, dtype: str) -> Any:
    """Return a model that `save` saved as sentence-transformers loads it."""
    from sentence_transformers import SentenceTransformer

    options = {"dtype": dtype}
    return SentenceTransformer(str(folder / "whole"), device=device, model_kwargs=options)


def save(shape: Shape, folder: Path, n_tokens: int, n_layers: int) -> int:
    """Save random weights with the tokenizer of MiniLM, and mean pooling.

    Args:
        shape: the shape.
        folder: where to.
        n_tokens: how many tokens it reads at most.
        n_layers: how many layers it has.

    Returns:
        The width of the vectors.
    """
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    width = _save_transformer(shape, folder / "model", n_tokens, n_layers)
    module = Transformer(str(folder / "model"), max_seq_length=n_tokens)
    whole = SentenceTransformer(modules=[module, Pooling(width)], device="cpu")
    whole.save(str(folder / "whole"), create_model_card=False)
    return width


def _save_transformer(shape: Shape, folder: Path, n_tokens: int, n_layers: int) -> int:
    import torch
    import transformers
    from transformers import AutoTokenizer

    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(CHECKPOINT, model_max_length=n_tokens)
    layers = "num_layers" if shape.config == "T5Config" else "num_hidden_layers"
    config = getattr(transformers, shape.config)(
        vocab_size=len(tokenizer),
        pad_token_id=tokenizer.pad_token_id,
        **{
            layers: n_layers,
            "max_position_embeddings": n_tokens + 2,
            **shape.values,
        },
    )
    getattr(transformers, shape.model)(config).eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return int(config.hidden_size)


def _record(width: int) -> DenseModel[Any]:
    return DenseModel(
        id="random-shape",
        type="dense",
        name="Random shape",
        huggingface_id="benchmarks/random-shape",
        organization="Benchmarks",
        description="A transformer of random weights.",
        embedding_dim=width,
    )
