"""Tiny dense checkpoints of every sort: the same vectors as sentence-transformers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Normalize, Transformer
from sentence_transformers.base.modules.dense import Dense
from sentence_transformers.sentence_transformer.modules import Dropout, Pooling
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.processors import TemplateProcessing
from transformers import (
    DistilBertConfig,
    DistilBertModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2Model,
    T5Config,
    T5EncoderModel,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from holotype.encoders import load
from holotype.encoders.dense import DenseEncoder, Vectors
from holotype.errors import CatalogueMismatchError, InstructionError, InvalidDimensionError
from holotype.records import DenseModel

Record = Callable[..., DenseModel[Any]]
Save = Callable[..., Path]

POOLINGS = {
    "cls": "cls",
    "max": "max",
    "mean": "mean",
    "mean_sqrt_len_tokens": "mean-sqrt-len",
    "weightedmean": "weighted-mean",
    "lasttoken": "last-token",
}


def read(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text())


def write(folder: Path, name: str, values: object) -> None:
    (folder / name).write_text(json.dumps(values))


def assert_parity(encoder: DenseEncoder, folder: Path, texts: list[str]) -> None:
    reference = SentenceTransformer(str(folder), device="cpu")
    assert_same(encoder.encode(texts, on_overflow="truncate"), reference.encode(texts))
    assert_same(encoder.encode_query(texts, on_overflow="truncate"), reference.encode_query(texts))
    assert_same(
        encoder.encode_document(texts, batch_size=3, on_overflow="truncate"),
        reference.encode_document(texts),
    )


def assert_same(ours: Vectors, theirs: Vectors) -> None:
    assert ours.dtype == np.float32
    assert ours.shape == theirs.shape
    scale = max(1.0, float(np.abs(theirs).max()))
    assert np.abs(ours - theirs).max() <= 1e-5 * scale
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    assert ((ours * theirs).sum(1) / lengths).min() >= 1 - 1e-6


@pytest.mark.parametrize("mode", POOLINGS)
def test_every_pooling(mode: str, save_dense: Save, dense_record: Record, texts: list[str]) -> None:
    folder = save_dense(Pooling(32, mode))
    encoder = load(dense_record(), checkpoint=folder)
    assert f"pooling='{POOLINGS[mode]}'" in repr(encoder)
    assert_parity(encoder, folder, texts)


def test_several_poolings_are_concatenated(
    save_dense: Save, dense_record: Record, texts: list[str]
) -> None:
    folder = save_dense(Pooling(32, ("lasttoken", "cls", "mean")))
    assert_parity(load(dense_record(96), checkpoint=folder), folder, texts)


@pytest.mark.parametrize("mode", ["cls", "mean", "lasttoken"])
def test_a_pooling_that_leaves_the_prompt_out(
    mode: str, save_dense: Save, dense_record: Record, texts: list[str]
) -> None:
    prompts = {"query": "a query: ", "document": "the text "}
    folder = save_dense(Pooling(32, mode, include_prompt=False), prompts=prompts)
    assert_parity(load(dense_record(), checkpoint=folder), folder, texts)


@pytest.mark.parametrize("flag", ["cls_token", "max_tokens", "mean_tokens", "lasttoken"])
def test_the_flags_of_older_pooling_files(
    flag: str, save_dense: Save, dense_record: Record, texts: list[str]
) -> None:
    folder = save_dense(Pooling(32, "mean"))
    flags = ["cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "lasttoken"]
    config = {f"pooling_mode_{name}": name == flag for name in flags}
    write(folder, "1_Pooling/config.json", {"word_embedding_dimension": 32, **config})
    assert_parity(load(dense_record(), checkpoint=folder), folder, texts)


@pytest.mark.parametrize(
    "activation",
    [torch.nn.Identity(), torch.nn.Tanh(), torch.nn.GELU(), torch.nn.ReLU(), torch.nn.SiLU()],
)
def test_every_activation_of_a_dense_module(
    activation: torch.nn.Module, save_dense: Save, dense_record: Record, texts: list[str]
) -> None:
    dense = Dense(32, 24, activation_function=activation)
    folder = save_dense(Pooling(32, "mean"), dense)
    assert_parity(load(dense_record(24), checkpoint=folder), folder, texts)


def test_a_chain_of_dense_modules_in_its_order(
    save_dense: Save, dense_record: Record, texts: list[str]
) -> None:
    chain = [
        Pooling(32, "mean"),
        Dense(32, 64, bias=False),
        Dropout(0.5),
        Normalize(),
        Dense(64, 64, use_residual=True),
        Dense(64, 20, use_residual=True),
        Normalize(),
    ]
    folder = save_dense(*chain)
    record = dense_record(20, has_projection=True, projection_dims=20, normalize=True)
    assert_parity(load(record, checkpoint=folder), folder, texts)


def test_a_dense_module_on_the_tokens_before_pooling(
    save_dense: Save,
    dense_record: Record,
    make_token_linear: Callable[..., Dense],
    texts: list[str],
) -> None:
    folder = save_dense(make_token_linear(32, 24), Pooling(24, "max"))
    assert_parity(load(dense_record(24), checkpoint=folder), folder, texts)


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
@pytest.mark.parametrize("normalized", [True, False])
def test_similarity_and_normalisation(
    similarity: str, normalized: bool, save_dense: Save, dense_record: Record, texts: list[str]
) -> None:
    steps = [Pooling(32, "mean"), *([Normalize()] if normalized else [])]
    folder = save_dense(*steps, similarity_fn_name=similarity)
    encoder = load(dense_record(normalize=normalized, similarity=similarity), checkpoint=folder)
    assert_parity(encoder, folder, texts)
    vectors = encoder.encode(texts, on_overflow="truncate")
    reference = SentenceTransformer(str(folder), device="cpu")
    theirs = reference.similarity(vectors, vectors).numpy()
    np.testing.assert_allclose(encoder.similarity(vectors, vectors), theirs, rtol=1e-5, atol=1e-5)


def test_prompts_of_the_checkpoint(
    save_dense: Save, dense_record: Record, texts: list[str]
) -> None:
    prompts = {"query": "query: ", "document": "a text: ", "other": "what is "}
    folder = save_dense(Pooling(32, "mean"), prompts=prompts, default_prompt_name="other")
    encoder = load(dense_record(query_prompt="query: "), checkpoint=folder)
    assert_parity(encoder, folder, texts)
    reference = SentenceTransformer(str(folder), device="cpu")
    assert_same(
        encoder.encode(texts, prompt="", on_overflow="truncate"), reference.encode(texts, prompt="")
    )


def test_prompts_of_the_record_where_the_checkpoint_is_silent(
    save_dense: Save, dense_record: Record
) -> None:
    folder = save_dense(Pooling(32, "mean"))
    record = dense_record(query_prompt="query: ", document_prompt="passage: ")
    encoder = load(record, checkpoint=folder)
    reference = SentenceTransformer(str(folder), device="cpu")
    assert_same(encoder.encode_query(["a b"]), reference.encode(["query: a b"]))
    assert_same(encoder.encode_document(["a b"]), reference.encode(["passage: a b"]))


@pytest.mark.parametrize("name", ["document", "passage", "corpus"])
def test_the_prompt_of_documents_under_each_of_its_names(
    name: str, save_dense: Save, dense_record: Record
) -> None:
    folder = save_dense(Pooling(32, "mean"))
    library = read(folder, "config_sentence_transformers.json")
    write(
        folder,
        "config_sentence_transformers.json",
        library | {"prompts": {"query": "query: ", name: "text: "}},
    )
    encoder = load(dense_record(), checkpoint=folder)
    reference = SentenceTransformer(str(folder), device="cpu")
    assert_same(encoder.encode_document(["a b"]), reference.encode(["text: a b"]))


def test_an_instruction_replaces_the_checkpoints_own(
    save_dense: Save, dense_record: Record
) -> None:
    own = "Instruct: find a text\nQuery: "
    folder = save_dense(Pooling(32, "mean"), prompts={"query": own, "document": ""})
    record = dense_record(query_prompt="Instruct: {instruction}\nQuery: ", document_prompt="")
    encoder = load(record, checkpoint=folder)
    reference = SentenceTransformer(str(folder), device="cpu")
    assert_same(encoder.encode_query(["a"]), reference.encode_query(["a"]))
    assert_same(
        encoder.encode_query(["a"], instruction="sort"),
        reference.encode(["Instruct: sort\nQuery: a"]),
    )
    with pytest.raises(InstructionError, match="takes no instruction, but got 'sort'"):
        encoder.encode_document("a", instruction="sort")


def test_an_instruction_that_nobody_knows_must_be_given(
    save_dense: Save, dense_record: Record
) -> None:
    folder = save_dense(Pooling(32, "mean"))
    encoder = load(dense_record(query_prompt="Instruct: {instruction}\n"), checkpoint=folder)
    assert encoder.encode_query("a", instruction="sort").shape == (32,)
    with pytest.raises(InstructionError, match="pass instruction="):
        encoder.encode_query("a")


@pytest.mark.parametrize("normalized", [True, False])
def test_matryoshka_vectors_are_cut_and_keep_their_length(
    normalized: bool, save_dense: Save, dense_record: Record, texts: list[str]
) -> None:
    folder = save_dense(Pooling(32, "mean"), *([Normalize()] if normalized else []))
    record = dense_record(matryoshka_dims=(8, 16, 32))
    encoder = load(record, checkpoint=folder, dim=8)
    assert encoder.dim == 8
    reference = SentenceTransformer(str(folder), device="cpu", truncate_dim=8)
    theirs = reference.encode(texts, normalize_embeddings=normalized)
    assert_same(encoder.encode(texts, on_overflow="truncate"), theirs)
    with pytest.raises(InvalidDimensionError, match="one of dim=8, 16, 32"):
        load(record, checkpoint=folder, dim=12)


def test_text_is_put_in_lower_case_where_the_checkpoint_says(
    bert_folder: Path, save_dense: Save, dense_record: Record
) -> None:
    transformer = Transformer(str(bert_folder))
    transformer.tokenizer.backend_tokenizer.normalizer = None
    folder = save_dense(Pooling(32, "mean"), transformer=transformer)
    tokenizer = read(folder, "tokenizer_config.json") | {"do_lower_case": False}
    write(folder, "tokenizer_config.json", tokenizer)
    write(folder, "sentence_bert_config.json", {"max_seq_length": 40, "do_lower_case": True})
    encoder = load(dense_record(), checkpoint=folder)
    assert_same(encoder.encode(["PARIS"]), encoder.encode(["paris"]))
    assert_parity(encoder, folder, ["PARIS in France", "the QUERY"])


def test_the_folder_of_an_older_checkpoint_whose_transformer_lies_apart(
    save_dense: Save, dense_record: Record, texts: list[str]
) -> None:
    folder = save_dense(Pooling(32, "cls"))
    apart = folder / "0_Transformer"
    apart.mkdir()
    for path in [*folder.glob("token*"), folder / "config.json", folder / "model.safetensors"]:
        path.rename(apart / path.name)
    (folder / "sentence_bert_config.json").unlink()
    write(apart, "sentence_bert_config.json", {"max_seq_length": 32, "do_lower_case": False})
    modules = [
        {
            "idx": 0,
            "name": "0",
            "path": "0_Transformer",
            "type": "sentence_transformers.models.Transformer",
        },
        {
            "idx": 1,
            "name": "1",
            "path": "1_Pooling",
            "type": "sentence_transformers.models.Pooling",
        },
    ]
    write(folder, "modules.json", modules)
    encoder = load(dense_record(), checkpoint=folder)
    assert encoder.max_length == 32
    with pytest.raises(
        CatalogueMismatchError, match=r"0_Transformer/sentence_bert_config\.json says"
    ):
        load(dense_record(context_length=512), checkpoint=folder)
    assert_parity(encoder, folder, texts)


def test_a_plain_transformer_is_run_as_the_record_says(
    bert_folder: Path, dense_record: Record, texts: list[str]
) -> None:
    record = dense_record(pooling="cls", normalize=True, context_length=64)
    encoder = load(record, checkpoint=bert_folder)
    assert encoder.max_length == 64
    reference = SentenceTransformer(
        modules=[Transformer(str(bert_folder), max_seq_length=64), Pooling(32, "cls"), Normalize()],
        device="cpu",
    )
    assert_same(encoder.encode(texts, on_overflow="truncate"), reference.encode(texts))


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


def t5(folder: Path) -> int:
    tokens = ("<pad>", "</s>", "<unk>")
    word_tokenizer(
        *tokens, template="$A </s>", pad_token="<pad>", eos_token="</s>", model_max_length=24
    ).save_pretrained(folder)
    config = T5Config(
        vocab_size=len(tokens) + len(WORDS), d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4
    )
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
    dense_record: Record,
) -> None:
    (tmp_path / "base").mkdir()
    torch.manual_seed(3)
    max_length = architecture(tmp_path / "base")
    folder = save_dense(Pooling(32, pooling), transformer=Transformer(str(tmp_path / "base")))
    encoder = load(dense_record(context_length=max_length), checkpoint=folder)
    assert encoder.max_length == max_length
    texts = ["what is a query", "the document of paris is the capital", "", "unknown words", "late"]
    assert_parity(encoder, folder, texts)
    long = "the capital of france is paris " * 30
    assert encoder.encode([long], on_overflow="truncate").shape == (1, 32)
