"""ColBERT checkpoints as PyLate and as Stanford write them, against `MultiVectorEncoder`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers.base.modules import Transformer
from tests.runtime.parity import (
    ColbertRecord,
    Save,
    assert_all_same,
    assert_colbert_parity,
    colbert_reference,
    read,
)
from tokenizers import AddedToken, Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import BpeTrainer
from transformers import ModernBertConfig, ModernBertModel, PreTrainedTokenizerFast

from holotype.encoders import load
from holotype.errors import CheckpointError

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
    options: dict[str, Any], pylate_folder: Save, colbert_record: ColbertRecord, texts: list[str]
) -> None:
    keys: dict[str, Any] = {"document_length": 40, "query_length": 32}
    keys |= {"query_prefix": "[unused0]", "document_prefix": "[unused1]"} | options
    folder = pylate_folder(**keys)
    encoder = load(colbert_record(normalize=True, similarity="maxsim"), checkpoint=folder)
    assert encoder.document_length == keys["document_length"]
    assert_colbert_parity(encoder, folder, texts)


def test_an_older_checkpoint_of_pylate_that_does_not_name_itself(
    pylate_folder: Save, colbert_record: ColbertRecord, texts: list[str]
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
    assert_colbert_parity(load(colbert_record(), checkpoint=folder), folder, texts)


def test_a_checkpoint_of_pylate_without_markers(
    pylate_folder: Save, colbert_record: ColbertRecord, texts: list[str]
) -> None:
    folder = pylate_folder(query_prefix="", document_prefix="", query_length=9, document_length=30)
    assert_colbert_parity(load(colbert_record(), checkpoint=folder), folder, texts)


def test_the_usual_lengths_of_pylate_where_nothing_is_said(
    pylate_folder: Save, colbert_record: ColbertRecord
) -> None:
    folder = pylate_folder(query_prefix="[unused0]", document_prefix="[unused1]")
    encoder = load(colbert_record(), checkpoint=folder)
    # 180 by itself, and the transformer reads 96.
    assert (encoder.query_length, encoder.document_length) == (32, 96)


def test_a_marker_that_is_no_token_is_never_made_up(
    pylate_folder: Save, colbert_record: ColbertRecord
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
    options: dict[str, Any], stanford_folder: Save, colbert_record: ColbertRecord, texts: list[str]
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
    assert_colbert_parity(load(record, checkpoint=folder), folder, texts)


@pytest.mark.parametrize("format", ["stanford", "pylate"])
def test_a_prompt_that_is_chosen_follows_the_marker(
    format: str, stanford_folder: Save, pylate_folder: Save, colbert_record: ColbertRecord
) -> None:
    if format == "stanford":
        folder = stanford_folder(query_token_id="[unused0]", doc_token_id="[unused1]", dim=16)
    else:
        folder = pylate_folder(query_prefix="[unused0]", document_prefix="[unused1]")
    record = colbert_record(normalize=True)
    plain = load(record, checkpoint=folder)
    prompted = load(
        record, checkpoint=folder, query_prompt="what is ", document_prompt="a document with "
    )
    assert "query_prompt='what is ', document_prompt='a document with ', query_ex" in repr(prompted)
    queries = prompted.encode_query("late interaction")
    np.testing.assert_array_equal(queries, plain.encode_query("what is late interaction"))
    once = plain.encode_query("late interaction", prompt="what is ")
    np.testing.assert_array_equal(queries, once)
    documents = plain.encode_document("a capital", prompt="a document with ")
    np.testing.assert_array_equal(prompted.encode_document("a capital"), documents)


def test_the_prompt_of_plain_texts_is_shown(
    pylate_folder: Save, colbert_record: ColbertRecord
) -> None:
    folder = pylate_folder(
        query_prefix="[unused0]",
        document_prefix="[unused1]",
        prompts={"web": "a page: "},
        default_prompt_name="web",
    )
    shown = repr(load(colbert_record(), checkpoint=folder))
    assert "document_prompt='', default_prompt='a page: ', query_expansion=" in shown


def test_a_checkpoint_of_stanford_without_metadata(
    stanford_folder: Save, colbert_record: ColbertRecord, texts: list[str]
) -> None:
    folder = stanford_folder()
    encoder = load(colbert_record(document_length=96), checkpoint=folder)
    assert_colbert_parity(encoder, folder, texts)


def test_a_stanford_checkpoint_that_pylate_saved_again_beside_the_old_projection(
    stanford_folder: Save, pylate_folder: Save, colbert_record: ColbertRecord, texts: list[str]
) -> None:
    folder = pylate_folder(
        query_prefix="[unused0]", document_prefix="[unused1]", query_length=32, document_length=50
    )
    old = stanford_folder(query_maxlen=32)
    for name in ("config.json", "model.safetensors"):
        (folder / name).write_bytes((old / name).read_bytes())
    encoder = load(colbert_record(), checkpoint=folder)
    assert_colbert_parity(encoder, folder, texts)
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
    modernbert_folder: Path, pylate_folder: Save, colbert_record: ColbertRecord, texts: list[str]
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
    assert_colbert_parity(load(record, checkpoint=folder), folder, texts)


def test_a_dump_of_the_reference_over_a_pylate_checkpoint_reads_the_same(
    pylate_folder: Save, colbert_record: ColbertRecord, tmp_path: Path, texts: list[str]
) -> None:
    folder = pylate_folder(
        query_prefix="[unused0]", document_prefix="[unused1]", query_length=20, document_length=40
    )
    colbert_reference(folder).save(str(tmp_path / "again"), create_model_card=False)
    library = read(tmp_path / "again", "config_sentence_transformers.json")
    assert library["model_type"] == "MultiVectorEncoder"
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
    assert_all_same(
        before.encode_query(texts, on_overflow="truncate"),
        after.encode_query(texts, on_overflow="truncate"),
    )
    assert_colbert_parity(after, tmp_path / "again", texts)


def test_attention_to_the_expansion_changes_the_vectors(
    pylate_folder: Save, colbert_record: ColbertRecord
) -> None:
    folder = pylate_folder(query_prefix="[unused0]", document_prefix="[unused1]", query_length=24)
    quiet = load(colbert_record(attend_to_expansion_tokens=False), checkpoint=folder)
    loud = load(colbert_record(attend_to_expansion_tokens=True), checkpoint=folder)
    difference = np.abs(quiet.encode_query("a query") - loud.encode_query("a query"))
    assert difference.max() > 0.01
