"""Tiny checkpoints of several architectures: the same vectors as sentence-transformers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from tests.runtime.parity import (
    DenseRecord,
    Save,
    assert_dense_parity,
    assert_same,
    dense_reference,
)
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.processors import TemplateProcessing
from transformers import (
    BertConfig,
    BertModel,
    BigBirdConfig,
    BigBirdModel,
    ConvBertConfig,
    ConvBertModel,
    CpmAntConfig,
    CpmAntModel,
    DistilBertConfig,
    DistilBertModel,
    EsmConfig,
    EsmModel,
    FNetConfig,
    FNetModel,
    GemmaConfig,
    GemmaModel,
    LiltConfig,
    LiltModel,
    LukeConfig,
    LukeModel,
    MistralConfig,
    MistralModel,
    MobileBertConfig,
    MobileBertModel,
    MPNetConfig,
    MPNetModel,
    NystromformerConfig,
    NystromformerModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2Model,
    StableLmConfig,
    StableLmModel,
    T5Config,
    T5EncoderModel,
    XLMRobertaConfig,
    XLMRobertaModel,
    YosoConfig,
    YosoModel,
)

from holotype.encoders import load
from holotype.encoders.exports import export
from holotype.errors import UnsupportedCheckpointError

WORDS = ("the", "of", "what", "is", "late", "a", "query", "document", "paris", "capital", "france")


def word_tokenizer(*special: str, template: str, **options: Any) -> PreTrainedTokenizerFast:
    vocabulary = {token: at for at, token in enumerate([*special, *WORDS])}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.post_processor = TemplateProcessing(
        single=template, special_tokens=[(token, vocabulary[token]) for token in special]
    )
    make: Any = PreTrainedTokenizerFast
    made: PreTrainedTokenizerFast = make(tokenizer_object=tokenizer, unk_token="<unk>", **options)
    return made


def xlm_roberta(folder: Path) -> int:
    tokens = ("<s>", "<pad>", "</s>", "<unk>")
    names = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "cls_token": "<s>"}
    word_tokenizer(*tokens, template="<s> $A </s>", **names).save_pretrained(folder)
    config = XLMRobertaConfig(
        vocab_size=len(tokens) + len(WORDS),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=34,
        initializer_range=0.4,
        pad_token_id=1,
    )
    XLMRobertaModel(config, add_pooling_layer=False).save_pretrained(folder)
    return 32


def distilbert(folder: Path) -> int:
    tokens = ("<pad>", "<unk>", "<cls>", "<sep>")
    word_tokenizer(*tokens, template="<cls> $A <sep>", pad_token="<pad>").save_pretrained(folder)
    config = DistilBertConfig(
        vocab_size=len(tokens) + len(WORDS),
        dim=32,
        n_layers=2,
        n_heads=4,
        hidden_dim=64,
        max_position_embeddings=40,
        initializer_range=0.4,
    )
    DistilBertModel(config).save_pretrained(folder)
    return 40


def t5(folder: Path, **sizes: Any) -> int:
    tokens = ("<pad>", "</s>", "<unk>")
    word_tokenizer(
        *tokens, template="$A </s>", pad_token="<pad>", eos_token="</s>", model_max_length=24
    ).save_pretrained(folder)
    usual = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4}
    make: Any = T5Config
    config = make(vocab_size=len(tokens) + len(WORDS), **usual, **sizes)
    T5EncoderModel(config).save_pretrained(folder)
    return 24


def qwen2(folder: Path) -> int:
    tokens = ("<pad>", "<end>", "<unk>")
    word_tokenizer(
        *tokens, template="$A <end>", pad_token="<pad>", eos_token="<end>", padding_side="left"
    ).save_pretrained(folder)
    config = Qwen2Config(
        vocab_size=len(tokens) + len(WORDS),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=64,
        max_position_embeddings=50,
        initializer_range=0.4,
    )
    Qwen2Model(config).save_pretrained(folder)
    return 50


@pytest.mark.parametrize("pooling", ["mean", "lasttoken", "weightedmean"])
@pytest.mark.parametrize("architecture", [xlm_roberta, distilbert, t5, qwen2])
def test_other_architectures(
    architecture: Callable[[Path], int],
    pooling: str,
    tmp_path: Path,
    save_dense: Save,
    dense_record: DenseRecord,
) -> None:
    (tmp_path / "base").mkdir()
    torch.manual_seed(3)
    max_length = architecture(tmp_path / "base")
    folder = save_dense(Pooling(32, pooling), transformer=Transformer(str(tmp_path / "base")))
    encoder = load(dense_record(context_length=max_length), checkpoint=folder)
    assert encoder.max_length == max_length
    texts = ["what is a query", "the document of paris is the capital", "", "unknown words", "late"]
    assert_dense_parity(encoder, folder, texts)
    long = "the capital of france is paris " * 30
    assert encoder.encode([long], on_overflow="truncate").shape == (1, 32)


MIXING: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "big_bird": (BigBirdConfig, BigBirdModel, {"block_size": 1, "num_random_blocks": 1}),
    "causal bert": (BertConfig, BertModel, {"is_causal": True}),
    "convbert": (ConvBertConfig, ConvBertModel, {"embedding_size": 32}),
    "cpmant": (CpmAntConfig, CpmAntModel, {"dim_head": 8, "dim_ff": 64}),
    "fnet": (FNetConfig, FNetModel, {}),
    "gemma": (
        GemmaConfig,
        GemmaModel,
        {"use_bidirectional_attention": True, "num_key_value_heads": 2, "head_dim": 8},
    ),
    "longrope": (
        MistralConfig,
        MistralModel,
        {
            "num_key_value_heads": 2,
            "rope_parameters": {
                "rope_type": "longrope",
                "rope_theta": 1e4,
                "original_max_position_embeddings": 8,
                "short_factor": [1.0, 1.0, 1.0, 1.0],
                "long_factor": [1.0, 2.0, 3.0, 4.0],
                "factor": 4.0,
            },
        },
    ),
    "mobilebert": (
        MobileBertConfig,
        MobileBertModel,
        {"embedding_size": 32, "intra_bottleneck_size": 32, "true_hidden_size": 32},
    ),
    "nystromformer": (NystromformerConfig, NystromformerModel, {}),
    "stablelm": (StableLmConfig, StableLmModel, {"num_key_value_heads": 2, "is_causal": False}),
    "yoso": (YosoConfig, YosoModel, {}),
}


def save_word_model(config: Any, model: Any, folder: Path, **sizes: Any) -> Path:
    tokens = ("<unk>", "<pad>", "<cls>", "<sep>")
    word_tokenizer(*tokens, template="<cls> $A <sep>", pad_token="<pad>").save_pretrained(folder)
    usual = {
        "vocab_size": len(tokens) + len(WORDS),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "max_position_embeddings": 40,
        "initializer_range": 0.4,
        "pad_token_id": 1,
    }
    torch.manual_seed(3)
    made = model(config(**(usual | sizes)))
    # New models have zeros for padding; trained ones may have anything.
    made.get_input_embeddings().weight.data[usual["pad_token_id"]] = 0.5
    made.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("architecture", MIXING)
def test_architectures_in_which_padding_changes_vectors_run_text_by_text(
    architecture: str, tmp_path: Path, save_dense: Save, dense_record: DenseRecord
) -> None:
    config, model, sizes = MIXING[architecture]
    base = save_word_model(config, model, tmp_path / "base", **sizes)
    transformer = Transformer(str(base))
    transformer.max_seq_length = 36
    folder = save_dense(Pooling(32, "mean"), transformer=transformer)
    texts = ["what is a query", "the document of paris is the capital of france", "", "late"]
    alone = dense_reference(folder).encode(texts, batch_size=1)
    encoder = load(dense_record(), checkpoint=folder, device="cpu")
    assert_same(encoder.encode(texts), alone)
    assert_same(encoder.encode(texts), alone)
    with pytest.raises(UnsupportedCheckpointError, match="padding changes vectors"):
        export(dense_record(), checkpoint=folder, backend="onnx", to=tmp_path / "export")


@pytest.mark.parametrize("architecture", ["big_bird", "longrope"])
def test_networks_that_change_with_the_length_of_a_text_are_shared_by_threads(
    architecture: str, tmp_path: Path, save_dense: Save, dense_record: DenseRecord
) -> None:
    config, model, sizes = MIXING[architecture]
    base = save_word_model(config, model, tmp_path / "base", **sizes)
    folder = save_dense(Pooling(32, "mean"), transformer=Transformer(str(base)))
    encoder = load(dense_record(), checkpoint=folder, device="cpu")
    texts = ["late", "what is a query the document of paris is the capital of france"]
    state = torch.get_rng_state()
    alone = [encoder.encode(text) for text in texts]
    assert torch.equal(torch.get_rng_state(), state)
    with ThreadPoolExecutor(4) as threads:
        found = [*threads.map(encoder.encode, texts * 200)]
    assert_same(np.stack(found), np.tile(np.stack(alone), (200, 1)))


@pytest.mark.parametrize(
    ("config", "model", "sizes", "max_length"),
    [
        (EsmConfig, EsmModel, {"position_embedding_type": "absolute", "mask_token_id": 3}, 38),
        (EsmConfig, EsmModel, {"position_embedding_type": "rotary", "mask_token_id": 3}, 40),
        (LiltConfig, LiltModel, {"hidden_size": 24, "channel_shrink_ratio": 2}, 38),
        (LukeConfig, LukeModel, {"entity_vocab_size": 4, "entity_emb_size": 8}, 38),
    ],
)
def test_positions_that_are_numbered_behind_padding(
    config: Any,
    model: Any,
    sizes: dict[str, Any],
    max_length: int,
    tmp_path: Path,
    save_dense: Save,
    dense_record: DenseRecord,
) -> None:
    base = save_word_model(config, model, tmp_path / "base", **sizes)
    dim = sizes.get("hidden_size", 32)
    folder = save_dense(Pooling(dim, "mean"), transformer=Transformer(str(base)))
    encoder = load(dense_record(dim), checkpoint=folder)
    assert encoder.max_length == max_length
    texts = ["a query " * 9, "late"]
    assert_same(encoder.encode(texts), dense_reference(folder).encode(texts))
    assert encoder.encode("the " * 60, on_overflow="truncate").shape == (dim,)


def test_t5_reads_more_than_it_was_trained_with(
    tmp_path: Path, save_dense: Save, dense_record: DenseRecord
) -> None:
    (tmp_path / "base").mkdir()
    max_length = t5(tmp_path / "base", n_positions=8)
    folder = save_dense(Pooling(32, "mean"), transformer=Transformer(str(tmp_path / "base")))
    encoder = load(dense_record(), checkpoint=folder)
    assert encoder.max_length == max_length
    assert_dense_parity(encoder, folder, ["the capital of france is paris " * 9, "late"])


def test_mpnet_has_32_buckets_of_distances_whatever_its_table(
    tmp_path: Path, save_dense: Save, dense_record: DenseRecord
) -> None:
    base = tmp_path / "base"
    save_word_model(MPNetConfig, MPNetModel, base, relative_attention_num_buckets=64)
    folder = save_dense(Pooling(32, "mean"), transformer=Transformer(str(base)))
    encoder = load(dense_record(), checkpoint=folder)
    assert_dense_parity(encoder, folder, ["a query the document of paris " * 6, "late"])


@pytest.mark.parametrize("pad_id", [0, 1, 3])
def test_mpnet_numbers_positions_from_its_second_row_whatever_pads(
    pad_id: int, tmp_path: Path, save_dense: Save, dense_record: DenseRecord
) -> None:
    base = save_word_model(MPNetConfig, MPNetModel, tmp_path / "base", pad_token_id=pad_id)
    folder = save_dense(Pooling(32, "mean"), transformer=Transformer(str(base)))
    encoder = load(dense_record(), checkpoint=folder)
    assert encoder.max_length == 38
    assert_dense_parity(encoder, folder, ["a query " * 18, "late"])
    assert encoder.encode("the " * 60, on_overflow="truncate").shape == (32,)
