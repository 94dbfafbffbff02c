"""Tiny dense checkpoints of every sort: the same vectors as sentence-transformers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Normalize, Transformer
from sentence_transformers.base.modules.dense import Dense
from sentence_transformers.sentence_transformer.modules import Dropout, LayerNorm, Pooling
from tests.runtime.parity import (
    DenseRecord,
    Save,
    assert_dense_parity,
    assert_same,
    change,
    change_tensors,
    dense_reference,
    read,
    write,
)

from holotype.encoders import load
from holotype.errors import (
    CatalogueMismatchError,
    CheckpointError,
    InstructionError,
    InvalidDimensionError,
    TensorError,
)
from holotype.models import INSTRUCTOR_BASE, INSTRUCTOR_LARGE, INSTRUCTOR_XL
from holotype.records import DenseModel

POOLINGS = {
    "cls": "cls",
    "max": "max",
    "mean": "mean",
    "mean_sqrt_len_tokens": "mean-sqrt-len",
    "weightedmean": "weighted-mean",
    "lasttoken": "last-token",
}


@pytest.mark.parametrize("mode", POOLINGS)
def test_every_pooling(
    mode: str, save_dense: Save, dense_record: DenseRecord, texts: list[str]
) -> None:
    folder = save_dense(Pooling(32, mode))
    encoder = load(dense_record(), checkpoint=folder)
    assert f"pooling='{POOLINGS[mode]}'" in repr(encoder)
    assert_dense_parity(encoder, folder, texts)


def test_several_poolings_are_concatenated(
    save_dense: Save, dense_record: DenseRecord, texts: list[str]
) -> None:
    folder = save_dense(Pooling(32, ("lasttoken", "cls", "mean")))
    assert_dense_parity(load(dense_record(96), checkpoint=folder), folder, texts)


@pytest.mark.parametrize("mode", ["cls", "mean", "lasttoken"])
def test_a_pooling_that_leaves_the_prompt_out(
    mode: str, save_dense: Save, dense_record: DenseRecord, texts: list[str]
) -> None:
    prompts = {"query": "a query: ", "document": "the text "}
    folder = save_dense(Pooling(32, mode, include_prompt=False), prompts=prompts)
    assert_dense_parity(load(dense_record(), checkpoint=folder), folder, texts)


@pytest.mark.parametrize(
    "model", [INSTRUCTOR_BASE, INSTRUCTOR_LARGE, INSTRUCTOR_XL], ids=lambda model: model.id
)
def test_a_prompt_that_the_library_leaves_out_by_the_name_of_the_model(
    model: DenseModel[Any], save_dense: Save, dense_record: DenseRecord, texts: list[str]
) -> None:
    prompts = {"query": "what is ", "document": "a text: "}
    folder = save_dense(Pooling(32, "mean"), prompts=prompts)
    reference = dense_reference(folder)
    reference.set_pooling_include_prompt(include_prompt=False)
    record = replace(dense_record(), huggingface_id=model.huggingface_id)
    encoder = load(record, checkpoint=folder)
    assert_same(encoder.encode_query(texts, on_overflow="truncate"), reference.encode_query(texts))
    assert_same(
        encoder.encode_document(texts, on_overflow="truncate"), reference.encode_document(texts)
    )


@pytest.mark.parametrize("mode", ["cls", "mean", "lasttoken"])
@pytest.mark.parametrize("end", ["\u2603", "[SEP]", "[SEP] a", "the text " * 40])
def test_a_prompt_left_out_that_ends_in_a_special_token_or_is_too_long(
    mode: str, end: str, save_dense: Save, dense_record: DenseRecord, texts: list[str]
) -> None:
    folder = save_dense(
        Pooling(32, mode, include_prompt=False), prompts={"query": f"a query {end}"}
    )
    assert_dense_parity(load(dense_record(), checkpoint=folder), folder, texts)


@pytest.mark.parametrize("flag", ["cls_token", "max_tokens", "mean_tokens", "lasttoken"])
def test_the_flags_of_older_pooling_files(
    flag: str, save_dense: Save, dense_record: DenseRecord, texts: list[str]
) -> None:
    folder = save_dense(Pooling(32, "mean"))
    flags = ["cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "lasttoken"]
    config = {f"pooling_mode_{name}": name == flag for name in flags}
    write(folder, "1_Pooling/config.json", {"word_embedding_dimension": 32, **config})
    assert_dense_parity(load(dense_record(), checkpoint=folder), folder, texts)


@pytest.mark.parametrize(
    "activation",
    [torch.nn.Identity(), torch.nn.Tanh(), torch.nn.GELU(), torch.nn.ReLU(), torch.nn.SiLU()],
)
def test_every_activation_of_a_dense_module(
    activation: torch.nn.Module, save_dense: Save, dense_record: DenseRecord, texts: list[str]
) -> None:
    dense = Dense(32, 24, activation_function=activation)
    folder = save_dense(Pooling(32, "mean"), dense)
    assert_dense_parity(load(dense_record(24), checkpoint=folder), folder, texts)


def test_a_chain_of_dense_modules_in_its_order(
    save_dense: Save, dense_record: DenseRecord, texts: list[str]
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
    assert_dense_parity(load(record, checkpoint=folder), folder, texts)


def test_a_layer_norm_after_pooling(
    save_dense: Save, dense_record: DenseRecord, texts: list[str]
) -> None:
    layer = LayerNorm(32)
    torch.nn.init.normal_(layer.norm.weight)
    torch.nn.init.normal_(layer.norm.bias)
    folder = save_dense(Pooling(32, "mean"), layer)
    assert_dense_parity(load(dense_record(), checkpoint=folder), folder, texts)
    change_tensors(folder, "2_LayerNorm/model.safetensors", norm__bias=None)
    with pytest.raises(TensorError, match=r"missing: norm\.bias"):
        load(dense_record(), checkpoint=folder)
    change(folder, "2_LayerNorm/config.json", dimension=16)
    with pytest.raises(CheckpointError, match="takes 16 dimensions, but gets 32"):
        load(dense_record(), checkpoint=folder)


def test_a_dense_module_on_the_tokens_before_pooling(
    save_dense: Save,
    dense_record: DenseRecord,
    make_token_linear: Callable[..., Dense],
    texts: list[str],
) -> None:
    folder = save_dense(make_token_linear(32, 24), Pooling(24, "max"))
    assert_dense_parity(load(dense_record(24), checkpoint=folder), folder, texts)


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
@pytest.mark.parametrize("normalized", [True, False])
def test_similarity_and_normalisation(
    similarity: str, normalized: bool, save_dense: Save, dense_record: DenseRecord, texts: list[str]
) -> None:
    steps = [Pooling(32, "mean"), *([Normalize()] if normalized else [])]
    folder = save_dense(*steps, similarity_fn_name=similarity)
    encoder = load(dense_record(normalize=normalized, similarity=similarity), checkpoint=folder)
    assert_dense_parity(encoder, folder, texts)
    vectors = encoder.encode(texts, on_overflow="truncate")
    reference = dense_reference(folder)
    theirs = reference.similarity(vectors, vectors).numpy()
    np.testing.assert_allclose(encoder.similarity(vectors, vectors), theirs, rtol=1e-5, atol=1e-5)


def test_prompts_of_the_checkpoint(
    save_dense: Save, dense_record: DenseRecord, texts: list[str]
) -> None:
    prompts = {"query": "query: ", "document": "a text: ", "other": "what is "}
    folder = save_dense(Pooling(32, "mean"), prompts=prompts, default_prompt_name="other")
    encoder = load(dense_record(query_prompt="query: "), checkpoint=folder)
    shown = "query_prompt='query: ', document_prompt='a text: ', default_prompt='what is '"
    assert shown in repr(encoder)
    assert_dense_parity(encoder, folder, texts)
    reference = dense_reference(folder)
    assert_same(
        encoder.encode(texts, prompt="", on_overflow="truncate"), reference.encode(texts, prompt="")
    )


def test_prompts_of_the_record_where_the_checkpoint_is_silent(
    save_dense: Save, dense_record: DenseRecord
) -> None:
    folder = save_dense(Pooling(32, "mean"))
    record = dense_record(query_prompt="query: ", document_prompt="passage: ")
    encoder = load(record, checkpoint=folder)
    reference = dense_reference(folder)
    assert_same(encoder.encode_query(["a b"]), reference.encode(["query: a b"]))
    assert_same(encoder.encode_document(["a b"]), reference.encode(["passage: a b"]))


@pytest.mark.parametrize("name", ["document", "passage", "corpus"])
def test_the_prompt_of_documents_under_each_of_its_names(
    name: str, save_dense: Save, dense_record: DenseRecord
) -> None:
    folder = save_dense(Pooling(32, "mean"))
    library = read(folder, "config_sentence_transformers.json")
    write(
        folder,
        "config_sentence_transformers.json",
        library | {"prompts": {"query": "query: ", name: "text: "}},
    )
    encoder = load(dense_record(), checkpoint=folder)
    reference = dense_reference(folder)
    assert_same(encoder.encode_document(["a b"]), reference.encode(["text: a b"]))


def test_an_instruction_replaces_the_checkpoints_own(
    save_dense: Save, dense_record: DenseRecord
) -> None:
    own = "Instruct: find a text\nQuery: "
    folder = save_dense(Pooling(32, "mean"), prompts={"query": own, "document": ""})
    record = dense_record(query_prompt="Instruct: {instruction}\nQuery: ", document_prompt="")
    encoder = load(record, checkpoint=folder)
    reference = dense_reference(folder)
    assert_same(encoder.encode_query(["a"]), reference.encode_query(["a"]))
    assert_same(
        encoder.encode_query(["a"], instruction="sort"),
        reference.encode(["Instruct: sort\nQuery: a"]),
    )
    with pytest.raises(InstructionError, match="takes no instruction, but got 'sort'"):
        encoder.encode_document("a", instruction="sort")


def test_an_instruction_that_nobody_knows_must_be_given(
    save_dense: Save, dense_record: DenseRecord
) -> None:
    folder = save_dense(Pooling(32, "mean"))
    encoder = load(dense_record(query_prompt="Instruct: {instruction}\n"), checkpoint=folder)
    assert encoder.encode_query("a", instruction="sort").shape == (32,)
    with pytest.raises(InstructionError, match="pass instruction="):
        encoder.encode_query("a")


@pytest.mark.parametrize("normalized", [True, False])
def test_matryoshka_vectors_are_cut_and_keep_their_length(
    normalized: bool, save_dense: Save, dense_record: DenseRecord, texts: list[str]
) -> None:
    folder = save_dense(Pooling(32, "mean"), *([Normalize()] if normalized else []))
    record = dense_record(matryoshka_dims=(8, 16, 32))
    encoder = load(record, checkpoint=folder, dim=8)
    assert encoder.dim == 8
    reference = dense_reference(folder, truncate_dim=8)
    theirs = reference.encode(texts, normalize_embeddings=normalized)
    assert_same(encoder.encode(texts, on_overflow="truncate"), theirs)
    with pytest.raises(InvalidDimensionError, match="one of dim=8, 16, 32"):
        load(record, checkpoint=folder, dim=12)


def test_text_is_put_in_lower_case_where_the_checkpoint_says(
    bert_folder: Path, save_dense: Save, dense_record: DenseRecord
) -> None:
    transformer = Transformer(str(bert_folder))
    transformer.tokenizer.backend_tokenizer.normalizer = None
    folder = save_dense(Pooling(32, "mean"), transformer=transformer)
    tokenizer = read(folder, "tokenizer_config.json") | {"do_lower_case": False}
    write(folder, "tokenizer_config.json", tokenizer)
    write(folder, "sentence_bert_config.json", {"max_seq_length": 40, "do_lower_case": True})
    encoder = load(dense_record(), checkpoint=folder)
    assert_same(encoder.encode(["PARIS"]), encoder.encode(["paris"]))
    assert_dense_parity(encoder, folder, ["PARIS in France", "the QUERY"])


def test_the_length_under_its_older_name(
    save_dense: Save, dense_record: DenseRecord, texts: list[str]
) -> None:
    folder = save_dense(Pooling(32, "mean"))
    settings = read(folder, "tokenizer_config.json")
    del settings["model_max_length"]
    write(folder, "tokenizer_config.json", settings | {"max_len": 20})
    encoder = load(dense_record(), checkpoint=folder)
    assert encoder.max_length == 20
    assert_dense_parity(encoder, folder, texts)
    # The newer name decides, also where it says that there is no limit.
    change(folder, "tokenizer_config.json", model_max_length=None)
    encoder = load(dense_record(), checkpoint=folder)
    assert encoder.max_length == 96
    assert_dense_parity(encoder, folder, texts)


def test_a_file_of_the_transformer_that_says_nothing_is_passed_over(
    save_dense: Save, dense_record: DenseRecord, texts: list[str]
) -> None:
    folder = save_dense(Pooling(32, "mean"))
    write(folder, "sentence_bert_config.json", {})
    write(folder, "sentence_roberta_config.json", {"max_seq_length": 12})
    # What comes after the one that says something is not read.
    (folder / "sentence_albert_config.json").write_text("{")
    encoder = load(dense_record(), checkpoint=folder)
    assert encoder.max_length == 12
    assert_dense_parity(encoder, folder, texts)


def test_the_folder_of_an_older_checkpoint_whose_transformer_lies_apart(
    save_dense: Save, dense_record: DenseRecord, texts: list[str]
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
    assert_dense_parity(encoder, folder, texts)


def test_a_plain_transformer_is_run_as_the_record_says(
    bert_folder: Path, dense_record: DenseRecord, texts: list[str]
) -> None:
    record = dense_record(pooling="cls", normalize=True, context_length=64)
    encoder = load(record, checkpoint=bert_folder)
    assert encoder.max_length == 64
    reference = SentenceTransformer(
        modules=[Transformer(str(bert_folder), max_seq_length=64), Pooling(32, "cls"), Normalize()],
        device="cpu",
    )
    assert_same(encoder.encode(texts, on_overflow="truncate"), reference.encode(texts))
