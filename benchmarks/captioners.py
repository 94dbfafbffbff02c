"""Checkpoints of the sizes of published captioners; their random weights take the same time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def _save_blip(folder: Path, n_layers: int = 12) -> None:
    from transformers import (
        BertTokenizer,
        BlipConfig,
        BlipForConditionalGeneration,
        BlipImageProcessorPil,
    )

    words = _words(30_524, "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]")
    config = BlipConfig(
        text_config={
            "vocab_size": len(words),
            "encoder_hidden_size": 768,
            "num_attention_heads": 12,
            "num_hidden_layers": n_layers,
            "bos_token_id": words["[DEC]"],
            "sep_token_id": words["[SEP]"],
            "pad_token_id": words["[PAD]"],
        },
        vision_config={"image_size": 384, "patch_size": 16, "num_hidden_layers": n_layers},
    )
    make: Any = BertTokenizer
    _save(folder, BlipForConditionalGeneration(config), BlipImageProcessorPil(), make(vocab=words))


def _save_git(folder: Path, n_layers: int = 12) -> None:
    from transformers import BertTokenizer, CLIPImageProcessorPil, GitConfig, GitForCausalLM

    words = _words(30_522, "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    config = GitConfig(
        num_hidden_layers=n_layers // 2,
        vision_config={"num_hidden_layers": n_layers},
        bos_token_id=words["[CLS]"],
        eos_token_id=words["[SEP]"],
        pad_token_id=words["[PAD]"],
    )
    make: Any = BertTokenizer
    _save(folder, GitForCausalLM(config), CLIPImageProcessorPil(), make(vocab=words))


def _save_blip_2(folder: Path, n_layers: int = 12) -> None:
    from transformers import Blip2Config, Blip2ForConditionalGeneration, BlipImageProcessorPil

    words = _words(50_272, "<pad>", "</s>", "<image>")
    ids = {"bos_token_id": words["</s>"], "eos_token_id": words["</s>"]}
    config = Blip2Config(
        vision_config={
            "hidden_size": 768,
            "intermediate_size": 3072,
            "num_hidden_layers": n_layers,
            "num_attention_heads": 12,
            "image_size": 224,
            "patch_size": 14,
        },
        qformer_config={"encoder_hidden_size": 768, "num_hidden_layers": n_layers},
        text_config={
            "model_type": "opt",
            "vocab_size": len(words),
            "num_hidden_layers": n_layers,
            **ids,
        },
        image_token_index=words["<image>"],
    )
    pictures = BlipImageProcessorPil(size={"height": 224, "width": 224})
    _save(folder, Blip2ForConditionalGeneration(config), pictures, _of_bytes(words, "</s>"))


def _save_vit_gpt2(folder: Path, n_layers: int = 12) -> None:
    from transformers import (
        GPT2Config,
        VisionEncoderDecoderConfig,
        VisionEncoderDecoderModel,
        ViTConfig,
        ViTImageProcessorPil,
    )

    words = _words(50_257, "<|endoftext|>")
    end = words["<|endoftext|>"]
    encoder: Any = ViTConfig(num_hidden_layers=n_layers)
    decoder: Any = GPT2Config(n_layer=n_layers, bos_token_id=end, eos_token_id=end)
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(encoder, decoder)
    model: Any = VisionEncoderDecoderModel(config)
    for name in ("decoder_start_token_id", "bos_token_id", "eos_token_id", "pad_token_id"):
        setattr(model.generation_config, name, end)
    _save(folder, model, ViTImageProcessorPil(), _of_bytes(words, "<|endoftext|>"))


SAVERS: Mapping[str, Callable[..., None]] = {
    "BLIP": _save_blip,
    "GIT": _save_git,
    "BLIP-2 with the sizes of OPT-125m and ViT-B/14": _save_blip_2,
    "ViT-GPT2": _save_vit_gpt2,
}
"""What saves a checkpoint into a folder, by the published model whose sizes it has; with a number, of
so many layers in the network for pictures."""


def _words(n_words: int, *special: str) -> dict[str, int]:
    names = (*special, *(f"w{at}" for at in range(n_words - len(special))))
    return {name: at for at, name in enumerate(names)}


def _of_bytes(words: Mapping[str, int], end: str) -> Any:
    from transformers import GPT2Tokenizer

    make: Any = GPT2Tokenizer
    names = ("bos_token", "eos_token", "unk_token", "pad_token")
    return make(vocab=words, merges=[], **dict.fromkeys(names, end))


def _save(folder: Path, model: Any, *others: Any) -> None:
    for one in (model, *others):
        one.save_pretrained(folder)
