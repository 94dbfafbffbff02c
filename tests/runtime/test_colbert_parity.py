"""Tiny ColBERT checkpoints in all three formats: the same vectors and scores as the reference.

The reference is sentence-transformers' `MultiVectorEncoder`, which reads every one of them.
"""

from __future__ import annotations

import json
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import MultiVectorEncoder
from sentence_transformers.base.modules import Transformer
from sentence_transformers.base.modules.dense import Dense
from tokenizers import AddedToken, Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import BpeTrainer
from transformers import ModernBertConfig, ModernBertModel, PreTrainedTokenizerFast

from holotype.encoders import load
from holotype.encoders.colbert import ColbertEncoder, TokenVectors
from holotype.errors import CheckpointError, TextOverflowWarning
from holotype.records import ColbertModel

Record = Callable[..., ColbertModel[Any]]
Save = Callable[..., Path]

MARKERS = {"query": "[unused0] ", "document": "[unused1] "}
FIXED = {"strategy": "fixed", "length": 24}


def reference_of(folder: Path) -> MultiVectorEncoder:
    return MultiVectorEncoder(str(folder), device="cpu")


def assert_same(ours: list[TokenVectors], theirs: list[TokenVectors]) -> None:
    assert [vectors.shape for vectors in ours] == [vectors.shape for vectors in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.dtype == np.float32
        assert np.abs(mine - other).max(initial=0) <= 1e-5 * max(1.0, np.abs(other).max(initial=0))
        lengths = np.linalg.norm(mine, axis=1) * np.linalg.norm(other, axis=1)
        assert ((mine * other).sum(1) / lengths).min(initial=1) >= 1 - 1e-6


def assert_parity(encoder: ColbertEncoder, folder: Path, texts: list[str]) -> None:
    reference = reference_of(folder)
    queries = encoder.encode_query(texts, batch_size=3, on_overflow="truncate")
    their_queries = reference.encode_query(texts, convert_to_numpy=True)
    assert_same(queries, list(their_queries))
    documents = encoder.encode_document(texts, batch_size=5, on_overflow="truncate")
    their_documents = reference.encode_document(texts, convert_to_numpy=True)
    assert_same(documents, list(their_documents))
    scores = reference.similarity(list(their_queries), list(their_documents)).numpy()
    ours = encoder.similarity(queries, documents)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, scores, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("attend", [False, True])
@pytest.mark.parametrize("strategy", ["fixed", "min"])
def test_query_expansion(
    attend: bool, strategy: str, save_colbert: Save, colbert_record: Record, texts: list[str]
) -> None:
    expansion = {"strategy": strategy, "length": 24, "attend": attend}
    folder = save_colbert(query_expansion=expansion, document_length=40, prompts=MARKERS)
    record = colbert_record(
        query_length=24,
        document_length=40,
        query_expansion=True,
        attend_to_expansion_tokens=attend,
        query_marker="[unused0]",
        document_marker="[unused1]",
    )
    encoder = load(record, checkpoint=folder)
    assert_parity(encoder, folder, texts)
    assert len(encoder.encode_query("a")) == 24


def test_a_ceiling_above_the_floor_of_an_expansion(
    save_colbert: Save, colbert_record: Record, texts: list[str]
) -> None:
    expansion = {"strategy": "min", "length": 10}
    folder = save_colbert(query_expansion=expansion, query_length=30)
    encoder = load(colbert_record(), checkpoint=folder)
    assert encoder.query_length == 30
    assert_parity(encoder, folder, texts)


def test_an_expansion_by_another_token(
    save_colbert: Save, colbert_record: Record, texts: list[str]
) -> None:
    folder = save_colbert(query_expansion={**FIXED, "token": "text"}, document_length=40)
    assert_parity(load(colbert_record(), checkpoint=folder), folder, texts)


def test_attention_to_the_expansion_changes_the_vectors(
    pylate_folder: Save, colbert_record: Record
) -> None:
    folder = pylate_folder(query_prefix="[unused0]", document_prefix="[unused1]", query_length=24)
    quiet = load(colbert_record(attend_to_expansion_tokens=False), checkpoint=folder)
    loud = load(colbert_record(attend_to_expansion_tokens=True), checkpoint=folder)
    difference = np.abs(quiet.encode_query("a query") - loud.encode_query("a query"))
    assert difference.max() > 0.01


@pytest.mark.parametrize("lengths", [{}, {"query_length": 12, "document_length": 20}])
def test_queries_that_are_not_expanded(
    lengths: dict[str, int], save_colbert: Save, colbert_record: Record, texts: list[str]
) -> None:
    folder = save_colbert(prompts=MARKERS, **lengths)
    record = colbert_record(query_expansion=False, **lengths)
    assert_parity(load(record, checkpoint=folder), folder, texts)


@pytest.mark.parametrize(
    "mask",
    [
        {},
        {"skiplist_words": list(string.punctuation)},
        {"skiplist_words": ["the", "a", "not-a-token"], "skiplist_tasks": ["query", "document"]},
        {"skiplist_words": [".", "[MASK]"], "skiplist_tasks": ["query"]},
        {"keep_only_token_ids": [2, 3, 8, 9, 10]},
    ],
)
def test_tokens_that_are_left_out(
    mask: dict[str, Any], save_colbert: Save, colbert_record: Record, texts: list[str]
) -> None:
    folder = save_colbert(query_expansion=FIXED, document_length=64, **mask)
    encoder = load(colbert_record(), checkpoint=folder)
    assert_parity(encoder, folder, texts)
    plain = encoder.encode(texts, on_overflow="truncate")
    assert_same(plain, list(reference_of(folder).encode(texts, convert_to_numpy=True)))


@pytest.mark.parametrize("normalize", [True, False])
def test_several_projections(
    normalize: bool,
    make_token_linear: Callable[..., Dense],
    save_colbert: Save,
    colbert_record: Record,
    texts: list[str],
) -> None:
    linears = [
        make_token_linear(32, 48, activation_function=torch.nn.GELU(), bias=True),
        make_token_linear(48, 48, use_residual=True),
        make_token_linear(48, 12, use_residual=True),
    ]
    folder = save_colbert(linears=linears, normalize=normalize, query_expansion=FIXED)
    record = colbert_record(12, normalize=normalize, projection_dims=12, has_projection=True)
    assert_parity(load(record, checkpoint=folder), folder, texts)


def test_a_query_and_a_document_alone(save_colbert: Save, colbert_record: Record) -> None:
    folder = save_colbert(query_expansion=FIXED, document_length=64)
    encoder = load(colbert_record(), checkpoint=folder)
    query, document = encoder.encode_query("what is a query"), encoder.encode_document("a text")
    assert query.shape == (24, 16)
    assert document.shape == (4, 16)
    assert encoder.similarity(query, document).shape == (1, 1)
    assert encoder.encode_query([]) == []
    assert encoder.similarity([query], []).shape == (1, 0)


def test_matryoshka_token_vectors_are_cut_and_keep_their_length(
    save_colbert: Save, colbert_record: Record
) -> None:
    folder = save_colbert(query_expansion=FIXED, document_length=64)
    record = colbert_record(matryoshka_dims=(4, 16))
    whole = load(record, checkpoint=folder).encode_document("late interaction")
    cut = load(record, checkpoint=folder, dim=4).encode_document("late interaction")
    expected = whole[:, :4] / np.linalg.norm(whole[:, :4], axis=1, keepdims=True)
    np.testing.assert_allclose(cut, expected, atol=1e-6)


def test_queries_and_documents_that_are_cut_are_reported(
    save_colbert: Save, colbert_record: Record
) -> None:
    folder = save_colbert(query_expansion=FIXED, document_length=40)
    encoder = load(colbert_record(), checkpoint=folder)
    with pytest.warns(TextOverflowWarning, match="1 of 2 texts .* 24 tokens .* 8 tokens were cut"):
        encoder.encode_query(["the " * 30, "short"])
    with pytest.warns(TextOverflowWarning, match="1 of 1 texts .* 40 tokens .* 2 tokens were cut"):
        encoder.encode_document("the " * 40)


PYLATE_OPTIONS: list[dict[str, Any]] = [
    {},
    {"do_query_expansion": False, "query_length": 20},
    {"attend_to_expansion_tokens": True, "query_length": 24},
    {"skiplist_words": [], "document_length": 48},
    {"skiplist_words": ["the", "."]},
    {"prompts": {"query": "a query: ", "document": "a document "}},
    {"prompts": {"query": "[unused0]what is ", "document": "[unused1]"}},
]


@pytest.mark.parametrize("options", PYLATE_OPTIONS)
def test_checkpoints_of_pylate(
    options: dict[str, Any], pylate_folder: Save, colbert_record: Record, texts: list[str]
) -> None:
    keys: dict[str, Any] = {"document_length": 40, "query_length": 32}
    keys |= {"query_prefix": "[unused0]", "document_prefix": "[unused1]"} | options
    folder = pylate_folder(**keys)
    encoder = load(colbert_record(normalize=True, similarity="maxsim"), checkpoint=folder)
    assert encoder.document_length == keys["document_length"]
    assert_parity(encoder, folder, texts)


def test_an_older_checkpoint_of_pylate_that_does_not_name_itself(
    pylate_folder: Save, colbert_record: Record, texts: list[str]
) -> None:
    folder = pylate_folder(
        query_prefix="[unused0]",
        document_prefix="[unused1]",
        query_length=32,
        document_length=40,
        skiplist_words=["."],
        model_type=None,
        similarity_fn_name="cosine",
    )
    assert_parity(load(colbert_record(), checkpoint=folder), folder, texts)


def test_a_checkpoint_of_pylate_without_markers(
    pylate_folder: Save, colbert_record: Record, texts: list[str]
) -> None:
    folder = pylate_folder(query_prefix="", document_prefix="", query_length=9, document_length=30)
    assert_parity(load(colbert_record(), checkpoint=folder), folder, texts)


def test_the_usual_lengths_of_pylate_where_nothing_is_said(
    pylate_folder: Save, colbert_record: Record
) -> None:
    folder = pylate_folder(query_prefix="[unused0]", document_prefix="[unused1]")
    encoder = load(colbert_record(), checkpoint=folder)
    # 180 by itself, and the transformer reads 96.
    assert (encoder.query_length, encoder.document_length) == (32, 96)


def test_a_marker_that_is_no_token_is_never_made_up(
    pylate_folder: Save, colbert_record: Record
) -> None:
    folder = pylate_folder(query_prefix="[Q] ", document_prefix="[D] ")
    with pytest.raises(CheckpointError, match=r"lacks the token '\[Q\] '.*markers are tokens"):
        load(colbert_record(), checkpoint=folder)


STANFORD_OPTIONS: list[dict[str, Any]] = [
    {},
    {"attend_to_mask_tokens": True},
    {"mask_punctuation": False},
    {"query_maxlen": 12, "doc_maxlen": 30},
]


@pytest.mark.parametrize("options", STANFORD_OPTIONS)
def test_checkpoints_of_stanford(
    options: dict[str, Any], stanford_folder: Save, colbert_record: Record, texts: list[str]
) -> None:
    metadata = {
        "query_token_id": "[unused0]",
        "doc_token_id": "[unused1]",
        "query_maxlen": 32,
        "doc_maxlen": 50,
        "attend_to_mask_tokens": False,
        "mask_punctuation": True,
        "dim": 16,
    }
    folder = stanford_folder(**metadata | options)
    record = colbert_record(has_projection=True, projection_dims=16, normalize=True)
    assert_parity(load(record, checkpoint=folder), folder, texts)


def test_a_checkpoint_of_stanford_without_metadata(
    stanford_folder: Save, colbert_record: Record, texts: list[str]
) -> None:
    folder = stanford_folder()
    encoder = load(colbert_record(document_length=96), checkpoint=folder)
    assert_parity(encoder, folder, texts)


def test_a_stanford_checkpoint_that_pylate_saved_again_beside_the_old_projection(
    stanford_folder: Save, pylate_folder: Save, colbert_record: Record, texts: list[str]
) -> None:
    folder = pylate_folder(
        query_prefix="[unused0]", document_prefix="[unused1]", query_length=32, document_length=50
    )
    old = stanford_folder(query_maxlen=32)
    for name in ("config.json", "model.safetensors"):
        (folder / name).write_bytes((old / name).read_bytes())
    encoder = load(colbert_record(), checkpoint=folder)
    assert_parity(encoder, folder, texts)
    assert (
        np.abs(
            encoder.encode_query("a") - load(colbert_record(), checkpoint=old).encode_query("a")
        ).max()
        > 0.01
    )


@pytest.fixture
def modernbert_folder(tmp_path: Path) -> Path:
    """A ModernBERT whose markers are added tokens with a space at the end, as PyLate makes them."""
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tokenizer.decoder = ByteLevelDecoder()
    special = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
    trainer = BpeTrainer(
        vocab_size=330,
        special_tokens=special,
        initial_alphabet=ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(["what is late interaction, a query and a document"], trainer)
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    tokenizer.add_tokens(
        [AddedToken("[Q] ", normalized=False), AddedToken("[D] ", normalized=True)]
    )
    make: Any = PreTrainedTokenizerFast
    wrapper = make(
        tokenizer_object=tokenizer,
        cls_token="[CLS]",
        sep_token="[SEP]",
        pad_token="[PAD]",
        mask_token="[MASK]",
        unk_token="[UNK]",
    )
    folder = tmp_path / "modernbert"
    wrapper.save_pretrained(folder)
    torch.manual_seed(5)
    config = ModernBertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=128,
        local_attention=16,
        initializer_range=0.4,
        pad_token_id=3,
    )
    ModernBertModel(config).save_pretrained(folder)
    return folder


def test_markers_that_end_in_a_space(
    modernbert_folder: Path, pylate_folder: Save, colbert_record: Record, texts: list[str]
) -> None:
    folder = pylate_folder(
        save={"transformer": Transformer(str(modernbert_folder))},
        query_prefix="[Q] ",
        document_prefix="[D] ",
        query_length=48,
        document_length=100,
        do_query_expansion=False,
        prompts={"query": "search_query: ", "document": "search_document: "},
    )
    record = colbert_record(query_marker="[Q] ", query_prompt="search_query: ", query_length=48)
    assert_parity(load(record, checkpoint=folder), folder, texts)


def test_a_dump_of_the_reference_over_a_pylate_checkpoint_reads_the_same(
    pylate_folder: Save, colbert_record: Record, tmp_path: Path, texts: list[str]
) -> None:
    folder = pylate_folder(
        query_prefix="[unused0]", document_prefix="[unused1]", query_length=20, document_length=40
    )
    reference_of(folder).save(str(tmp_path / "again"), create_model_card=False)
    assert json.loads((tmp_path / "again/config_sentence_transformers.json").read_text())[
        "model_type"
    ] == ("MultiVectorEncoder")
    record = colbert_record(
        query_marker="[unused0]",
        document_marker="[unused1]",
        query_length=20,
        document_length=40,
        skiplist="punctuation",
        query_expansion=True,
    )
    before = load(record, checkpoint=folder)
    after = load(record, checkpoint=tmp_path / "again")
    assert_same(
        before.encode_query(texts, on_overflow="truncate"),
        after.encode_query(texts, on_overflow="truncate"),
    )
    assert_parity(after, tmp_path / "again", texts)


def test_an_encoder_says_what_it_runs(save_colbert: Save, colbert_record: Record) -> None:
    folder = save_colbert(query_expansion=FIXED, document_length=40)
    encoder = load(colbert_record(context_length=90), checkpoint=folder)
    assert (encoder.query_length, encoder.document_length, encoder.max_length) == (24, 40, 90)
    assert repr(encoder) == (
        "ColbertEncoder('tiny-colbert', dim=16, query_length=24, document_length=40, "
        "query_expansion=24, normalized=True, device='cpu', dtype='float32')"
    )
