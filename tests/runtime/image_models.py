"""Tiny models that read pictures, saved by transformers itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ParamSpec, TypeVar

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from torch import nn
from transformers import (
    AlignConfig,
    AlignModel,
    AlignProcessor,
    BertTokenizer,
    Blip2Config,
    Blip2ForConditionalGeneration,
    Blip2Processor,
    BlipConfig,
    BlipForConditionalGeneration,
    BlipImageProcessorPil,
    BlipProcessor,
    ChineseCLIPConfig,
    ChineseCLIPImageProcessorPil,
    ChineseCLIPModel,
    ChineseCLIPProcessor,
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    CLIPProcessor,
    CLIPTokenizer,
    ColModernVBertConfig,
    ColModernVBertForRetrieval,
    ColModernVBertProcessor,
    ColPaliConfig,
    ColPaliForRetrieval,
    ColPaliProcessor,
    ColQwen2Config,
    ColQwen2ForRetrieval,
    ColQwen2Processor,
    EfficientNetImageProcessorPil,
    GemmaTokenizer,
    GitConfig,
    GitForCausalLM,
    GitProcessor,
    GPT2Config,
    GPT2Tokenizer,
    Idefics3Config,
    Idefics3ImageProcessorPil,
    Idefics3Model,
    Idefics3PreTrainedModel,
    Idefics3Processor,
    MetaClip2Config,
    MetaClip2Model,
    PreTrainedTokenizerFast,
    Qwen2VLImageProcessorPil,
    Siglip2Config,
    Siglip2ImageProcessorPil,
    Siglip2Model,
    Siglip2Processor,
    Siglip2Tokenizer,
    SiglipConfig,
    SiglipImageProcessorPil,
    SiglipModel,
    SiglipProcessor,
    T5Tokenizer,
    VisionEncoderDecoderConfig,
    VisionEncoderDecoderModel,
    ViTConfig,
    ViTImageProcessorPil,
)

WORDS = ("a", "cat", "dog", "photo", "of", "red", "house", "this", "is", "the", "two", ".", "and")
LAYERS: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 37,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}

_Given = ParamSpec("_Given")
_Made = TypeVar("_Made")


def _repeatable(make: Callable[_Given, _Made]) -> Callable[_Given, _Made]:
    """Draw the same numbers at each call, also those that transformers draws for a fresh model."""

    @wraps(make)
    def seeded(*args: _Given.args, **kwargs: _Given.kwargs) -> _Made:
        torch.manual_seed(5)
        return make(*args, **kwargs)

    return seeded


def word_tokenizer(
    *, special: tuple[str, ...] = (), ends: bool = True, **options: Any
) -> PreTrainedTokenizerFast:
    """Return a tokenizer of whole words.

    Args:
        special: more tokens that stand for themselves.
        ends: whether an end stands after every text.
        options: settings of transformers' class.
    """
    words = {word: at for at, word in enumerate(("<pad>", "</s>", "<unk>", *special, *WORDS))}
    tokenizer = Tokenizer(WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.normalizer = Lowercase()
    if ends:
        tokenizer.post_processor = TemplateProcessing(
            single="$A </s>", special_tokens=[("</s>", words["</s>"])]
        )
    tokenizer.add_special_tokens(list(special))
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


def _together(processor: Any, pictures: Any, tokenizer: Any, **options: Any) -> Any:
    """Return a processor of transformers, whose classes say nothing of their types."""
    return processor(pictures, tokenizer, **options)


@_repeatable
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
    return _save(folder, CLIPModel(config), _together(CLIPProcessor, pictures, tokenizer))


@_repeatable
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
    return _save(folder, MetaClip2Model(config), _together(CLIPProcessor, pictures, tokenizer))


@_repeatable
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
    return _save(folder, model, _together(SiglipProcessor, pictures, tokenizer))


@_repeatable
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
    return _save(folder, model, _together(Siglip2Processor, pictures, tokenizer))


@_repeatable
def siglip2_fixed(folder: Path, *, lowers: bool = False) -> Any:
    """Save a SigLIP 2 model of one size: a network of SigLIP with a tokenizer of Gemma's.

    Args:
        folder: where.
        lowers: whether the tokenizer is of the class that puts texts in lower case.
    """
    special = ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>")
    pieces = [*special, "\u2581", *"abcdefghijklmnopqrstuvwxyzCAT."]
    make: Any = Siglip2Tokenizer if lowers else GemmaTokenizer
    tokenizer = make(
        vocab={piece: at for at, piece in enumerate(pieces)},
        merges=[],
        add_bos_token=False,
        add_eos_token=True,
        model_max_length=64,
        padding_side="right",
        model_input_names=["input_ids"],
    )
    config = SiglipConfig(
        text_config=LAYERS | {"vocab_size": len(tokenizer), "max_position_embeddings": 64},
        vision_config=LAYERS | {"image_size": 32, "patch_size": 8},
    )
    pictures = SiglipImageProcessorPil(size={"height": 32, "width": 32}, resample=2)
    model = SiglipModel(config)
    _set_scores(model)
    return _save(folder, model, _together(SiglipProcessor, pictures, tokenizer))


@_repeatable
def chinese_clip(folder: Path) -> Any:
    """Save a Chinese CLIP model, whose network for texts is BERT, and return its processor."""
    tokenizer = bert_tokenizer()
    tokenizer.model_max_length = 40
    config = ChineseCLIPConfig(
        text_config=LAYERS | {"vocab_size": len(tokenizer), "max_position_embeddings": 40},
        vision_config=LAYERS | {"image_size": 32, "patch_size": 8},
        projection_dim=24,
    )
    pictures = ChineseCLIPImageProcessorPil(size={"height": 32, "width": 32}, do_center_crop=False)
    model = ChineseCLIPModel(config)
    return _save(folder, model, _together(ChineseCLIPProcessor, pictures, tokenizer))


@_repeatable
def align(folder: Path) -> Any:
    """Save an ALIGN model, whose network for pictures is EfficientNet, and return its processor."""
    tokenizer = bert_tokenizer()
    tokenizer.model_max_length = 40
    config = AlignConfig(
        text_config=LAYERS | {"vocab_size": len(tokenizer), "max_position_embeddings": 40},
        vision_config={
            "image_size": 32,
            "kernel_sizes": [3, 3],
            "in_channels": [32, 16],
            "out_channels": [16, 24],
            "depthwise_padding": [],
            "strides": [1, 2],
            "num_block_repeats": [1, 2],
            "expand_ratios": [1, 6],
            "width_coefficient": 1.0,
            "hidden_dim": 24,
        },
        projection_dim=24,
    )
    pictures = EfficientNetImageProcessorPil(
        size={"height": 36, "width": 36},
        crop_size={"height": 32, "width": 32},
        do_center_crop=True,
        rescale_offset=True,
    )
    model = AlignModel(config)
    with torch.no_grad():
        model.temperature.fill_(0.07)
    return _save(folder, model, _together(AlignProcessor, pictures, tokenizer), scale=0.25)


def _set_scores(model: Any) -> None:
    with torch.no_grad():
        model.logit_scale.fill_(2.3)
        model.logit_bias.fill_(-3.5)


def _save(folder: Path, model: Any, processor: Any, *, scale: float = 0.15) -> Any:
    # Weights of a fresh model are so small that all pictures get nearly one vector.
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1:
                parameter.normal_(0, 0.3 if "embedding" in name else scale)
    model.eval().save_pretrained(folder)
    processor.save_pretrained(folder)
    return processor


@_repeatable
def blip(folder: Path, n_positions: int = 40) -> Any:
    """Save a BLIP model that writes captions, and return its processor."""
    tokenizer = bert_tokenizer()
    text = LAYERS | {
        "vocab_size": len(tokenizer),
        "encoder_hidden_size": 32,
        "max_position_embeddings": n_positions,
        "bos_token_id": tokenizer.convert_tokens_to_ids("[DEC]"),
        "sep_token_id": tokenizer.sep_token_id,
        "eos_token_id": tokenizer.sep_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    config = BlipConfig(
        text_config=text,
        vision_config=LAYERS | {"image_size": 32, "patch_size": 8},
        projection_dim=16,
    )
    pictures = BlipImageProcessorPil(size={"height": 32, "width": 32})
    model = BlipForConditionalGeneration(config)
    return _save(folder, model, _together(BlipProcessor, pictures, tokenizer), scale=0.5)


@_repeatable
def git(folder: Path, n_positions: int = 40) -> Any:
    """Save a GIT model, and return its processor."""
    tokenizer = bert_tokenizer()
    config = GitConfig(
        **LAYERS,
        vocab_size=len(tokenizer),
        max_position_embeddings=n_positions,
        vision_config=LAYERS | {"image_size": 32, "patch_size": 8},
        bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    sides = {"height": 32, "width": 32}
    pictures = CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=sides)
    return _save(
        folder, GitForCausalLM(config), _together(GitProcessor, pictures, tokenizer), scale=0.5
    )


@_repeatable
def blip_2(folder: Path, n_positions: int = 60) -> Any:
    """Save a BLIP-2 model with OPT, and return its processor."""
    opt = {
        "model_type": "opt",
        "hidden_size": 32,
        "word_embed_proj_dim": 32,
        "ffn_dim": 37,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": n_positions,
    }
    return _blip_2(folder, _opt_tokenizer(), opt)


def _opt_tokenizer() -> Any:
    """Return a tokenizer of OPT's class."""
    return _bytes_tokenizer(
        ("<pad>", "</s>", "<unk>"),
        **dict.fromkeys(("bos_token", "eos_token"), "</s>"),
        **{"unk_token": "<unk>", "pad_token": "<pad>"},
    )


def _bytes_tokenizer(special: tuple[str, ...], **named: str) -> Any:
    """Return a tokenizer whose pieces are bytes: a blank belongs to the next word."""
    letters = sorted(set("".join(WORDS)))
    merges: dict[tuple[str, str], None] = {}
    for word in (f"\u0120{word}" for word in WORDS):
        merges |= {(word[:at], word[at]): None for at in range(1, len(word))}
    pieces = [*special, "\u0120", *letters, *map("".join, merges)]
    make: Any = GPT2Tokenizer
    return make(vocab={piece: at for at, piece in enumerate(pieces)}, merges=list(merges), **named)


@_repeatable
def vit_gpt2(folder: Path, n_positions: int = 40) -> Any:
    """Save a ViT whose pictures a GPT-2 describes, and return its processor."""
    tokenizer = _gpt2_tokenizer()
    encoder: Any = ViTConfig(**LAYERS, image_size=32, patch_size=8)
    decoder: Any = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=n_positions,
        n_embd=32,
        n_layer=2,
        n_head=4,
        bos_token_id=tokenizer.eos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(encoder, decoder)
    model: Any = VisionEncoderDecoderModel(config)
    ends = ("decoder_start_token_id", "bos_token_id", "eos_token_id", "pad_token_id")
    for name in ends:
        setattr(model.generation_config, name, tokenizer.eos_token_id)
    pictures = ViTImageProcessorPil(size={"height": 32, "width": 32})
    # transformers has no class for both, and two files.
    tokenizer.save_pretrained(folder)
    _save(folder, model, pictures, scale=0.5)
    return SimpleNamespace(
        image_processor=pictures, tokenizer=tokenizer, batch_decode=tokenizer.batch_decode
    )


def _gpt2_tokenizer() -> Any:
    """Return a tokenizer of GPT-2's class, which has one token for everything special."""
    return _bytes_tokenizer(("<|endoftext|>",), **dict.fromkeys(_GPT2_SPECIAL, "<|endoftext|>"))


_GPT2_SPECIAL = ("bos_token", "eos_token", "unk_token", "pad_token")


def _t5_tokenizer() -> Any:
    """Return a tokenizer of T5's class, whose pieces have scores."""
    letters = sorted(set("".join(WORDS)))
    scores = dict.fromkeys(("<pad>", "</s>", "<unk>"), 0.0) | dict.fromkeys(letters, -9.0)
    scores |= {"\u2581": -9.0, **dict.fromkeys((f"\u2581{word}" for word in WORDS), -1.0)}
    make: Any = T5Tokenizer
    return make(vocab=list(scores.items()), extra_ids=0)


@_repeatable
def blip_2_t5(folder: Path) -> Any:
    """Save a BLIP-2 model with T5, whose captions a decoder writes, and return its processor."""
    tokenizer = _t5_tokenizer()
    t5 = {
        "model_type": "t5",
        "d_model": 32,
        "d_kv": 8,
        "d_ff": 37,
        "num_layers": 2,
        "num_decoder_layers": 2,
        "num_heads": 4,
        "decoder_start_token_id": tokenizer.pad_token_id,
    }
    return _blip_2(folder, tokenizer, t5)


def _blip_2(folder: Path, tokenizer: Any, language_model: dict[str, Any]) -> Any:
    tokenizer.add_tokens(["<image>"], special_tokens=True)
    layers = {"hidden_size": 32, "intermediate_size": 37, "num_attention_heads": 4}
    config = Blip2Config(
        vision_config=LAYERS | {"image_size": 32, "patch_size": 8},
        qformer_config=layers
        | {"num_hidden_layers": 2, "encoder_hidden_size": 32, "vocab_size": 20},
        text_config=language_model
        | {
            "vocab_size": len(tokenizer),
            "bos_token_id": tokenizer.eos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
        },
        num_query_tokens=4,
        image_token_index=int(str(tokenizer.convert_tokens_to_ids("<image>"))),
    )
    pictures = BlipImageProcessorPil(size={"height": 32, "width": 32})
    processor = _together(Blip2Processor, pictures, tokenizer, num_query_tokens=4)
    return _save(folder, Blip2ForConditionalGeneration(config), processor, scale=0.5)


def bert_tokenizer() -> BertTokenizer:
    """Return a tokenizer of BERT's class with few words, and that with which BLIP begins."""
    special = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]")
    pieces = ("##s", "##house", "'", ",", "!")
    words = {word: at for at, word in enumerate((*special, *WORDS, *pieces))}
    make: Any = BertTokenizer
    made: BertTokenizer = make(vocab=words, additional_special_tokens=["[DEC]"])
    return made


_GEMMA = {"num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 128}


@_repeatable
def colpali(folder: Path) -> Any:
    """Save a ColPali model, and return its processor."""
    tokenizer = word_tokenizer(bos_token="<bos>", special=("<bos>", "<image>"), ends=False)
    pictures: Any = SiglipImageProcessorPil(size={"height": 32, "width": 32})
    pictures.image_seq_length = 16
    processor = _together(ColPaliProcessor, pictures, tokenizer)
    config = ColPaliConfig(
        vlm_config={
            "model_type": "paligemma",
            "text_config": {"model_type": "gemma", **LAYERS, **_GEMMA}
            | {"vocab_size": len(processor.tokenizer)},
            "vision_config": {"model_type": "siglip_vision_model", **LAYERS}
            | {"image_size": 32, "patch_size": 8, "vision_use_head": False},
            "image_token_index": processor.image_token_id,
            "projection_dim": 32,
            "hidden_size": 32,
        },
        embedding_dim=16,
    )
    return _save(folder, ColPaliForRetrieval(config), processor)


@_repeatable
def colqwen2(folder: Path) -> Any:
    """Save a ColQwen2 model, whose number of vectors depends on the picture."""
    special = ("<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>")
    tokenizer = word_tokenizer(special=special, ends=False)
    pictures: Any = Qwen2VLImageProcessorPil(
        size={"shortest_edge": 28 * 28 * 2, "longest_edge": 28 * 28 * 12}
    )
    words = {token: tokenizer.convert_tokens_to_ids(token) for token in special}
    config = ColQwen2Config(
        vlm_config={
            "model_type": "qwen2_vl",
            "text_config": {"model_type": "qwen2_vl_text", **LAYERS, "num_key_value_heads": 2}
            | {
                "vocab_size": len(tokenizer),
                "max_position_embeddings": 128,
                "rope_parameters": {"rope_type": "default", "mrope_section": [1, 1, 2]}
                | {"rope_theta": 10000.0},
            },
            "vision_config": {"model_type": "qwen2_vl_vision", "depth": 2, "embed_dim": 32}
            | {"hidden_size": 32, "num_heads": 2, "mlp_ratio": 2},
            "image_token_id": words["<|image_pad|>"],
            "vision_start_token_id": words["<|vision_start|>"],
            "vision_end_token_id": words["<|vision_end|>"],
        },
        embedding_dim=16,
    )
    processor = _together(ColQwen2Processor, pictures, tokenizer)
    return _save(folder, ColQwen2ForRetrieval(config), processor)


TILE = 32


@_repeatable
def colmodernvbert(folder: Path) -> Any:
    """Save a ColModernVBERT model, which cuts a page into tiles, and return its processor."""
    places = tuple(f"<row_{row}_col_{column}>" for row in range(1, 5) for column in range(1, 5))
    special = (
        *("[CLS]", "[SEP]", "<|begin_of_text|>", "<fake_token_around_image>", "<image>"),
        *("<end_of_utterance>", "<global-img>", "\n\n", "\n", *places),
    )
    tokenizer = word_tokenizer(special=special, ends=False)
    ends = [(token, int(str(tokenizer.convert_tokens_to_ids(token)))) for token in special[:2]]
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=ends
    )
    pictures: Any = Idefics3ImageProcessorPil(
        size={"longest_edge": 4 * TILE}, max_image_size={"longest_edge": TILE}
    )
    processor = _together(ColModernVBertProcessor, pictures, tokenizer, image_seq_len=4)
    config = ColModernVBertConfig(
        vlm_config={
            "model_type": "modernvbert",
            "text_config": {"model_type": "modernbert", **LAYERS}
            | {"vocab_size": len(processor.tokenizer), "max_position_embeddings": 256}
            | dict.fromkeys(("bos_token_id", "cls_token_id"), ends[0][1])
            | dict.fromkeys(("eos_token_id", "sep_token_id"), ends[1][1])
            | {"pad_token_id": tokenizer.pad_token_id},
            "vision_config": {"model_type": "siglip_vision_model", **LAYERS}
            | {"image_size": TILE, "patch_size": 8, "vision_use_head": False},
            "image_token_id": processor.image_token_id,
            "pixel_shuffle_factor": 2,
        },
        embedding_dim=16,
    )
    return _save(folder, ColModernVBertForRetrieval(config), processor)


@_repeatable
def colsmol(folder: Path) -> Any:
    """Save a ColSmol model as colpali-engine does, and return its processor."""
    places = tuple(f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7))
    special = (
        *("<|im_start|>", "<fake_token_around_image>", "<image>", "<end_of_utterance>"),
        *("<global-img>", "\n\n", "\n", *places),
    )
    tokenizer = word_tokenizer(special=special, ends=False)
    pictures: Any = Idefics3ImageProcessorPil(
        size={"longest_edge": 4 * TILE}, max_image_size={"longest_edge": TILE}
    )
    processor = _together(ColIdefics3Processor, pictures, tokenizer, image_seq_len=4)
    config = Idefics3Config(
        text_config={"model_type": "llama", **LAYERS, "num_key_value_heads": 2}
        | {"vocab_size": len(processor.tokenizer), "max_position_embeddings": 256}
        | {"pad_token_id": tokenizer.pad_token_id},
        vision_config={"model_type": "idefics3_vision", **LAYERS}
        | {"image_size": TILE, "patch_size": 8},
        image_token_id=processor.image_token_id,
        scale_factor=2,
    )
    return _save(folder, ColIdefics3(config), processor)


class ColIdefics3Processor(Idefics3Processor):
    """What colpali-engine 0.3.18 has as its processor of ColSmol."""

    def process_images(self, pictures: list[Any]) -> Any:
        """Return what the network reads of pictures."""
        text = "<|im_start|>User:<image>Describe the image.<end_of_utterance>\nAssistant:"
        several = [picture.convert("RGB") for picture in pictures]
        return self(text=[text] * len(several), images=several, return_tensors="pt")

    def process_queries(self, texts: list[str], suffix: str | None = None) -> Any:
        """Return what it reads of queries."""
        after = "<end_of_utterance>" * 10 if suffix is None else suffix
        return self(text=[text + after for text in texts], return_tensors="pt")

    def score_retrieval(self, queries: Any, pages: Any) -> Any:
        """Return the scores of one page."""
        return torch.stack([(query @ pages[0].T).max(1).values.sum()[None] for query in queries])


class ColIdefics3(Idefics3PreTrainedModel):  # type: ignore[no-untyped-call]
    """What colpali-engine 0.3.18 saves as ColSmol, and computes with it.

    Its own classes read the folder and gave the same vectors to 1e-7, for pages and for queries.
    """

    def __init__(self, config: Any) -> None:
        """Build the network and the projection."""
        super().__init__(config)
        self.model = Idefics3Model(config)
        self.linear = nn.Linear(config.text_config.hidden_size, 128)
        finish: Any = self.post_init
        finish()

    def forward(self, **inputs: Any) -> Any:
        """Return the vectors of all tokens, as `embeddings`."""
        projected = self.linear(self.model(**inputs)[0])
        lengths = projected.norm(dim=-1, keepdim=True)
        vectors = projected / lengths * inputs["attention_mask"].unsqueeze(-1)
        return SimpleNamespace(embeddings=vectors)


def open_clip(folder: Path, *, vocab_size: int | None = None, **options: Any) -> None:
    """Write a folder as OpenCLIP does; `tests/open_clip` has OpenCLIP itself load it.

    Args:
        folder: where.
        vocab_size: the size of the vocabulary; None for that of a small tokenizer, which is saved.
        options: settings of the model, or of how pictures are prepared, beside the usual ones.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if vocab_size is None:
        tokenizer = clip_tokenizer()
        tokenizer.save_pretrained(folder)
        vocab_size = len(tokenizer)
    n_positions = 20
    model = {
        "embed_dim": 24,
        "vision_cfg": {"image_size": 30, "layers": 2, "width": 32, "patch_size": 10}
        | {"head_width": 8, "mlp_ratio": 2.5},
        "text_cfg": {"context_length": n_positions, "vocab_size": vocab_size, "width": 16}
        | {"heads": 2, "layers": 3},
    }
    prepared = {"mean": [0.4, 0.5, 0.6], "std": [0.3, 0.2, 0.25]}
    for name, value in options.items():
        (prepared if name in ("resize_mode", "interpolation") else model)[name] = value
    config = {"model_cfg": model, "preprocess_cfg": prepared}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    shapes = {
        "visual.class_embedding": (32,),
        "visual.positional_embedding": (10, 32),
        "visual.conv1.weight": (32, 3, 10, 10),
        "visual.ln_pre.weight": (32,),
        "visual.ln_pre.bias": (32,),
        "visual.ln_post.weight": (32,),
        "visual.ln_post.bias": (32,),
        "visual.proj": (32, 24),
        **_open_clip_layers("visual.transformer", 2, 32, 80),
    }
    texts = {
        "token_embedding.weight": (vocab_size, 16),
        "positional_embedding": (n_positions, 16),
        "ln_final.weight": (16,),
        "ln_final.bias": (16,),
        "text_projection": (16, 24),
        **_open_clip_layers("transformer", 3, 16, 64),
    }
    before = "text." if options.get("custom_text") else ""
    shapes |= {before + name: shape for name, shape in texts.items()}
    random = torch.Generator().manual_seed(7)
    tensors = {name: torch.randn(shape, generator=random) * 0.3 for name, shape in shapes.items()}
    tensors["logit_scale"] = torch.tensor(3.1)
    save_file(tensors, folder / "open_clip_model.safetensors")


def _open_clip_layers(
    name: str, n_layers: int, width: int, inner: int
) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {
        "attn.in_proj_weight": (3 * width, width),
        "attn.in_proj_bias": (3 * width,),
        "attn.out_proj.weight": (width, width),
        "attn.out_proj.bias": (width,),
        "mlp.c_fc.weight": (inner, width),
        "mlp.c_fc.bias": (inner,),
        "mlp.c_proj.weight": (width, inner),
        "mlp.c_proj.bias": (width,),
    }
    shapes |= {f"ln_{at}.{part}": (width,) for at in (1, 2) for part in ("weight", "bias")}
    return {
        f"{name}.resblocks.{layer}.{part}": shape
        for layer in range(n_layers)
        for part, shape in shapes.items()
    }
