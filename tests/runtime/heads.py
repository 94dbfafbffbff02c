"""Tiny checkpoints of real architectures with heads, and what their tests share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from sentence_transformers import CrossEncoder as ReferenceCrossEncoder
from tests.runtime.conftest import TEXTS
from tests.runtime.parity import assert_scores_same, subject
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import BpeTrainer
from transformers import PreTrainedTokenizerFast

from holotype.encoders.cross_encoder import CrossEncoder
from holotype.records import ClassifierModel, CrossEncoderModel

N_POSITIONS = 96
CHARACTERS = "late interaction of queries " * 3572

PAIRS = [
    ("what is late interaction?", "a document about late interaction, with: punctuation;"),
    ("what is late interaction?", "Paris is the capital of France."),
    ("", ""),
    ("   ", "\n\t"),
    ("emoji 😀👩‍👩‍👧 and ñandú", "שלום עולם مرحبا بالعالم"),
    ("a NUL\0in the middle", "[MASK] tokens [SEP] in </s> the text"),
    ("中文文本没有空格", "x"),
    ("a long query " * 60, "a short document"),
    ("a short query", "the query and the document " * 70),
    ("a long query " * 60, "and a long document as well " * 60),
    ("what is late interaction?", "Paris is the capital of France."),
]
# 100,000 characters on either side. On both sides at once the reference runs out of memory.
HUGE_PAIRS = [(CHARACTERS, "x"), ("the capital of France", CHARACTERS)]

# Wide weights, so that the scores of different pairs are far apart.
SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": N_POSITIONS,
    "initializer_range": 0.3,
}
DECODER = {**SIZES, "num_key_value_heads": 2, "head_dim": 8}
DISTILBERT = {
    "dim": 32,
    "n_layers": 2,
    "n_heads": 4,
    "hidden_dim": 64,
    "max_position_embeddings": N_POSITIONS,
    "initializer_range": 0.3,
}
BART = {
    "d_model": 32,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "max_position_embeddings": N_POSITIONS,
    "init_std": 0.3,
}
BERT_STYLE = ("[CLS]", "[PAD]", "[SEP]", "[UNK]", "[CLS] $A [SEP]", "$B:1 [SEP]:1")
ROBERTA_STYLE = ("<s>", "<pad>", "</s>", "<unk>", "<s> $A </s>", "</s> $B </s>")

ARCHITECTURES: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "Bert": ("Bert", SIZES, BERT_STYLE),
    "Electra": ("Electra", {**SIZES, "embedding_size": 16}, BERT_STYLE),
    "DistilBert": ("DistilBert", DISTILBERT, BERT_STYLE),
    "DebertaV2": (
        "DebertaV2",
        {
            **SIZES,
            "relative_attention": True,
            "position_buckets": 16,
            "pos_att_type": ["p2c", "c2p"],
            "type_vocab_size": 0,
            "pooler_hidden_size": 32,
        },
        BERT_STYLE,
    ),
    "ModernBert": ("ModernBert", {**SIZES, "local_attention": 16}, BERT_STYLE),
    "ModernBert-mean": ("ModernBert", {**SIZES, "classifier_pooling": "mean"}, BERT_STYLE),
    "Roberta": ("Roberta", {**SIZES, "max_position_embeddings": N_POSITIONS + 2}, ROBERTA_STYLE),
    "XLMRoberta": (
        "XLMRoberta",
        {**SIZES, "max_position_embeddings": N_POSITIONS + 2},
        ROBERTA_STYLE,
    ),
    "Bart": ("Bart", BART, ROBERTA_STYLE),
    "Gemma3": (
        "Gemma3Text",
        {
            **DECODER,
            "sliding_window": 16,
            "layer_types": ["sliding_attention", "full_attention"],
        },
        ROBERTA_STYLE,
    ),
    "Llama": ("Llama", DECODER, ROBERTA_STYLE),
    "MPNet": ("MPNet", {**SIZES, "max_position_embeddings": N_POSITIONS + 2}, ROBERTA_STYLE),
    "NomicBert": ("NomicBert", SIZES, BERT_STYLE),
    "Qwen3": ("Qwen3", DECODER, ROBERTA_STYLE),
}


def byte_tokenizer(style: tuple[str, ...], *more: str, **options: Any) -> PreTrainedTokenizerFast:
    """A byte-level tokenizer, which knows every text, with the special tokens of a family."""
    first, pad, end, unknown, single, second = style
    special = [first, pad, end, unknown, "<mask>", *more]
    tokenizer = Tokenizer(BPE(unk_token=unknown))
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    trainer = BpeTrainer(
        vocab_size=320,
        special_tokens=special,
        initial_alphabet=ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.post_processor = TemplateProcessing(
        single=single,
        pair=f"{single} {second}",
        special_tokens=[(token, special.index(token)) for token in (first, end)],
    )
    make: Any = PreTrainedTokenizerFast
    names = {"cls_token": first, "pad_token": pad, "eos_token": end, "sep_token": end}
    made: PreTrainedTokenizerFast = make(
        tokenizer_object=tokenizer,
        unk_token=unknown,
        mask_token="<mask>",
        **names,
        **({"model_max_length": N_POSITIONS} | options),
    )
    return made


def save_head(folder: Path, architecture: str, *, tokenizer: Any = None, **config: Any) -> Path:
    """Save a model with a head for classification, as transformers does.

    Args:
        folder: where to.
        architecture: one of `ARCHITECTURES`.
        tokenizer: what reads texts; None takes a byte-level one.
        config: settings of the model, such as `num_labels` and `id2label`.
    """
    family, sizes, style = ARCHITECTURES[architecture]
    tokenizer = tokenizer or byte_tokenizer(style)
    config_class = getattr(transformers, f"{family}Config")
    model_class = getattr(transformers, f"{family}ForSequenceClassification")
    settings = {
        "vocab_size": len(tokenizer),
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "bos_token_id": tokenizer.cls_token_id,
    }
    torch.manual_seed(5)
    model = model_class(config_class(**(settings | sizes | config)))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def save_xlnet(folder: Path, summary: str) -> Path:
    """Save an XLNet with a head for classification that makes a summary of each row."""
    tokenizer = byte_tokenizer(BERT_STYLE, padding_side="left")
    torch.manual_seed(5)
    make: Any = transformers.XLNetConfig
    config = make(
        vocab_size=len(tokenizer),
        pad_token_id=tokenizer.pad_token_id,
        d_model=32,
        n_layer=2,
        n_head=4,
        d_inner=64,
        initializer_range=0.3,
        summary_type=summary,
        num_labels=1,
    )
    transformers.XLNetForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def cross_encoder_record(**known: Any) -> CrossEncoderModel:
    """A record that knows nothing; keywords say more."""
    return CrossEncoderModel(
        id="tiny-reranker",
        type="cross-encoder",
        name="Tiny Reranker",
        huggingface_id="tests/tiny-reranker",
        organization="Tests",
        description="A model of the tests.",
        embedding_dim=None,
        **known,
    )


def classifier_record(**known: Any) -> ClassifierModel:
    """A record that knows nothing; keywords say more."""
    return ClassifierModel(
        id="tiny-classifier",
        type="classifier",
        name="Tiny Classifier",
        huggingface_id="tests/tiny-classifier",
        organization="Tests",
        description="A model of the tests.",
        embedding_dim=None,
        **known,
    )


def cross_encoder_reference(folder: Path) -> ReferenceCrossEncoder:
    """Return a checkpoint in the library that wrote it."""
    reference: ReferenceCrossEncoder = ReferenceCrossEncoder(str(folder), device="cpu")
    return reference


def saved_by_reference(folder: Path, to: Path, **options: Any) -> Path:
    """Save a checkpoint of transformers once more, as sentence-transformers does."""
    model = ReferenceCrossEncoder(str(folder), device="cpu", **options)
    model.save_pretrained(str(to), create_model_card=False)
    return to


def saved_modules(modules: list[Any], folder: Path, **options: Any) -> Path:
    """Save a cross-encoder of the given modules, as sentence-transformers does."""
    model = ReferenceCrossEncoder(modules=modules, device="cpu", **options)
    model.save_pretrained(str(folder), create_model_card=False)
    return folder


def assert_cross_encoder_parity(
    encoder: CrossEncoder, folder: Path, *, prompt: str | None = None
) -> None:
    """Assert that scores and rankings are the reference's, whatever the batches."""
    reference, of = cross_encoder_reference(folder), subject(encoder, folder)
    theirs = reference.predict(PAIRS, prompt=prompt)
    for batch_size in (None, 5):
        ours = encoder.predict(PAIRS, batch_size=batch_size, on_overflow="truncate")
        assert_scores_same(ours, theirs, of=of)
    raw = reference.predict(PAIRS, prompt=prompt, activation_fn=torch.nn.Identity())
    logits = encoder.predict(PAIRS, activation="logits", on_overflow="truncate")
    assert_scores_same(logits, raw, of=of)
    if encoder.n_labels > 1:
        return
    query, documents = PAIRS[0][0], [document for _, document in PAIRS]
    ranked = encoder.rank(query, documents, return_documents=True, on_overflow="truncate")
    expected = reference.rank(query, documents, return_documents=True, prompt=prompt)
    assert [found.corpus_id for found in ranked] == [found["corpus_id"] for found in expected]
    assert [found.text for found in ranked] == [found["text"] for found in expected]
    assert_scores_same(
        np.array([found.score for found in ranked], dtype=np.float32),
        np.array([found["score"] for found in expected], dtype=np.float32),
    )
