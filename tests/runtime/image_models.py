"""Tiny models that read pictures, saved by transformers itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import (
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    CLIPProcessor,
    CLIPTokenizer,
    MetaClip2Config,
    MetaClip2Model,
    PreTrainedTokenizerFast,
    Siglip2Config,
    Siglip2ImageProcessorPil,
    Siglip2Model,
    Siglip2Processor,
    SiglipConfig,
    SiglipImageProcessorPil,
    SiglipModel,
    SiglipProcessor,
)

WORDS = ("a", "cat", "dog", "photo", "of", "red", "house", "this", "is", "the", "two", ".", "and")
LAYERS: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 37,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}


def word_tokenizer(**options: Any) -> PreTrainedTokenizerFast:
    """Return a tokenizer of whole words, with an end after every text."""
    words = {word: at for at, word in enumerate(("<pad>", "</s>", "<unk>", *WORDS))}
    tokenizer = Tokenizer(WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.normalizer = Lowercase()
    tokenizer.post_processor = TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", words["</s>"])]
    )
    tokens = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    make: Any = PreTrainedTokenizerFast
    made: PreTrainedTokenizerFast = make(tokenizer_object=tokenizer, **tokens, **options)
    return made


def clip_tokenizer() -> CLIPTokenizer:
    """Return a tokenizer of CLIP's class with few pieces."""
    letters = "abcdefghijklmnopqrstuvwxyz."
    pieces = [*letters, *(f"{letter}</w>" for letter in letters)]
    merges = [("c", "a"), ("ca", "t</w>"), ("d", "o"), ("do", "g</w>"), ("o", "f</w>")]
    pieces += [first + second for first, second in merges]
    pieces += ["<|startoftext|>", "<|endoftext|>"]
    make: Any = CLIPTokenizer
    vocabulary = {piece: at for at, piece in enumerate(pieces)}
    made: CLIPTokenizer = make(vocab=vocabulary, merges=merges, model_max_length=40)
    return made


def clip(folder: Path) -> Any:
    """Save a CLIP model, and return its processor."""
    tokenizer = clip_tokenizer()
    config = CLIPConfig(
        text_config=LAYERS
        | {
            "vocab_size": len(tokenizer),
            "max_position_embeddings": 40,
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
        },
        vision_config=LAYERS | {"image_size": 30, "patch_size": 10},
        projection_dim=24,
    )
    sides = {"height": 30, "width": 30}
    pictures = CLIPImageProcessorPil(size={"shortest_edge": 30}, crop_size=sides)
    return _save(folder, CLIPModel(config), CLIPProcessor(pictures, tokenizer))


def metaclip_2(folder: Path) -> Any:
    """Save a MetaCLIP 2 model, and return its processor."""
    tokenizer = word_tokenizer(model_max_length=20)
    config = MetaClip2Config(
        text_config=LAYERS
        | {
            "vocab_size": len(tokenizer),
            "max_position_embeddings": 20,
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
        },
        vision_config=LAYERS | {"image_size": 32, "patch_size": 8},
        projection_dim=24,
    )
    sides = {"height": 32, "width": 32}
    pictures = CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=sides)
    return _save(folder, MetaClip2Model(config), CLIPProcessor(pictures, tokenizer))


def siglip(folder: Path) -> Any:
    """Save a SigLIP model, which masks no padding, and return its processor."""
    tokenizer = word_tokenizer(model_max_length=16, model_input_names=["input_ids"])
    config = SiglipConfig(
        text_config=LAYERS | {"vocab_size": len(tokenizer), "max_position_embeddings": 16},
        vision_config=LAYERS | {"image_size": 32, "patch_size": 8},
    )
    pictures = SiglipImageProcessorPil(size={"height": 32, "width": 32})
    model = SiglipModel(config)
    _set_scores(model)
    return _save(folder, model, SiglipProcessor(pictures, tokenizer))


def siglip2(folder: Path, *, masked: bool = False, left: bool = False) -> Any:
    """Save a SigLIP 2 model whose number of patches depends on the picture."""
    names = ["input_ids", "attention_mask"] if masked else ["input_ids"]
    tokenizer = word_tokenizer(
        model_max_length=16, model_input_names=names, padding_side="left" if left else "right"
    )
    config = Siglip2Config(
        text_config=LAYERS | {"vocab_size": len(tokenizer), "max_position_embeddings": 16},
        vision_config=LAYERS | {"num_patches": 16, "patch_size": 8},
    )
    pictures = Siglip2ImageProcessorPil(patch_size=8, max_num_patches=24)
    model = Siglip2Model(config)
    _set_scores(model)
    return _save(folder, model, Siglip2Processor(pictures, tokenizer))


def _set_scores(model: Any) -> None:
    with torch.no_grad():
        model.logit_scale.fill_(2.3)
        model.logit_bias.fill_(-3.5)


def _save(folder: Path, model: Any, processor: Any) -> Any:
    # Weights of a fresh model are so small that all pictures get nearly one vector.
    torch.manual_seed(5)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1:
                parameter.normal_(0, 0.3 if "embedding" in name else 0.15)
    model.eval().save_pretrained(folder)
    processor.save_pretrained(folder)
    return processor
