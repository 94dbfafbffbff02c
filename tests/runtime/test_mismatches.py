"""Where the record and the checkpoint disagree, nothing is loaded and everything is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sentence_transformers.base.modules import Normalize, Transformer
from sentence_transformers.base.modules.dense import Dense
from sentence_transformers.sentence_transformer.modules import Pooling
from tests.runtime.parity import ColbertRecord, DenseRecord, Save

from holotype.encoders import load
from holotype.errors import CatalogueMismatchError, UnsupportedModelError, WrongKindError

FIXED = {"strategy": "fixed", "length": 24}


def differences(record: Any, folder: Path) -> dict[str, tuple[object, object, str]]:
    with pytest.raises(CatalogueMismatchError) as caught:
        load(record, checkpoint=folder)
    return {field: (ours, theirs, file) for field, ours, theirs, file in caught.value.differences}


def test_every_field_that_differs_is_listed_with_both_values_and_the_file(
    save_dense: Save, dense_record: DenseRecord
) -> None:
    prompts = {"query": "query: ", "document": "text: "}
    folder = save_dense(Pooling(32, "mean"), prompts=prompts)
    record = dense_record(
        64,
        hidden_dim=64,
        vocab_size=30522,
        has_projection=True,
        pooling="cls",
        normalize=True,
        similarity="dot",
        query_prompt="search: ",
        document_prompt="",
        context_length=512,
    )
    library = "config_sentence_transformers.json"
    assert differences(record, folder) == {
        "hidden_dim": (64, 32, "config.json"),
        "vocab_size": (30522, 116, "config.json"),
        "pooling": ("cls", "mean", "1_Pooling/config.json"),
        "normalize": (True, False, "modules.json"),
        "has_projection": (True, False, "modules.json"),
        "embedding_dim": (64, 32, "config.json"),
        "similarity": ("dot", "cosine", library),
        "query_prompt": ("search: ", "query: ", library),
        "document_prompt": ("", "text: ", library),
        "context_length": (512, 48, "tokenizer_config.json"),
    }


def test_the_message_shows_both_values_and_what_to_do(
    save_dense: Save, dense_record: DenseRecord
) -> None:
    folder = save_dense(Pooling(32, "mean"))
    with pytest.raises(CatalogueMismatchError) as caught:
        load(dense_record(pooling="cls"), checkpoint=folder)
    assert str(caught.value) == (
        "the catalogue and the checkpoint disagree about 'tiny-dense' "
        f"({folder}):\n"
        "  pooling: the catalogue says 'cls', 1_Pooling/config.json says 'mean'\n"
        "nothing was loaded; pass the folder that the record describes as checkpoint=, or load a "
        "corrected record: dataclasses.replace(record, ...)"
    )


def test_a_projection_of_another_width(save_dense: Save, dense_record: DenseRecord) -> None:
    folder = save_dense(Pooling(32, "mean"), Dense(32, 16))
    record = dense_record(24, projection_dims=24, has_projection=False)
    assert differences(record, folder) == {
        "has_projection": (False, True, "2_Dense/config.json"),
        "projection_dims": (24, 16, "2_Dense/config.json"),
        "embedding_dim": (24, 16, "2_Dense/config.json"),
    }


def test_a_projection_that_a_plain_transformer_lacks(
    bert_folder: Path, dense_record: DenseRecord
) -> None:
    record = dense_record(pooling="mean", has_projection=True)
    assert differences(record, bert_folder) == {
        "has_projection": (True, False, "the missing modules.json")
    }


def test_a_checkpoint_that_cuts_its_vectors(save_dense: Save, dense_record: DenseRecord) -> None:
    folder = save_dense(Pooling(32, "mean"), truncate_dim=8)
    library = "config_sentence_transformers.json"
    assert differences(dense_record(32), folder) == {"embedding_dim": (32, 8, library)}
    assert load(dense_record(8), checkpoint=folder).encode("a text").shape == (8,)


def test_cosine_and_dot_agree_about_vectors_of_length_1(
    save_dense: Save, dense_record: DenseRecord
) -> None:
    folder = save_dense(Pooling(32, "mean"), Normalize(), similarity_fn_name="cosine")
    encoder = load(dense_record(similarity="dot"), checkpoint=folder)
    assert encoder.encoding.similarity == "dot"


def test_empty_prompts_that_the_library_fills_in_say_nothing(
    save_dense: Save, dense_record: DenseRecord
) -> None:
    folder = save_dense(Pooling(32, "mean"))
    library = json.loads((folder / "config_sentence_transformers.json").read_text())
    assert library["prompts"] == {"query": "", "document": ""}
    encoder = load(dense_record(query_prompt="query: "), checkpoint=folder)
    assert encoder.encoding.query_prompt.text == "query: "


def test_an_empty_prompt_beside_another_says_something(
    save_dense: Save, dense_record: DenseRecord
) -> None:
    folder = save_dense(Pooling(32, "mean"), prompts={"query": "query: ", "document": ""})
    library = "config_sentence_transformers.json"
    assert differences(dense_record(document_prompt="passage: "), folder) == {
        "document_prompt": ("passage: ", "", library)
    }


def test_a_template_whose_text_differs_from_the_checkpoints_prompt(
    save_dense: Save, dense_record: DenseRecord
) -> None:
    folder = save_dense(Pooling(32, "mean"), prompts={"query": "Instruct: x\nQuery: "})
    record = dense_record(query_prompt="Task: {instruction}\nQuery: ")
    assert list(differences(record, folder)) == ["query_prompt"]


@pytest.mark.parametrize(
    ("stated", "catalogue", "read"),
    [(40, None, 40), (40, 40, 40), (None, 20, 20), (None, None, 48)],
)
def test_the_length_is_what_one_of_them_says(
    stated: int | None,
    catalogue: int | None,
    read: int,
    save_dense: Save,
    dense_record: DenseRecord,
) -> None:
    folder = save_dense(Pooling(32, "mean"))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": stated}))
    assert load(dense_record(context_length=catalogue), checkpoint=folder).max_length == read


def test_a_length_beyond_what_the_transformer_can_read(
    save_dense: Save, dense_record: DenseRecord, bert_folder: Path
) -> None:
    record = dense_record(context_length=512, pooling="cls")
    assert differences(record, bert_folder) == {"context_length": (512, 96, "config.json")}
    folder = save_dense(Pooling(32, "mean"))
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 512}')
    assert load(dense_record(), checkpoint=folder).max_length == 96


def test_pooling_that_nobody_knows_is_never_guessed(
    bert_folder: Path, dense_record: DenseRecord
) -> None:
    with pytest.raises(UnsupportedModelError, match="how token vectors are pooled"):
        load(dense_record(), checkpoint=bert_folder)


def test_attention_that_pools_is_refused_and_not_replaced(
    bert_folder: Path, save_dense: Save, dense_record: DenseRecord
) -> None:
    record = dense_record(pooling="attention")
    with pytest.raises(UnsupportedModelError, match="learnt attention pools"):
        load(record, checkpoint=bert_folder)
    folder = save_dense(Pooling(32, "mean"))
    assert differences(record, folder) == {
        "pooling": ("attention", "mean", "1_Pooling/config.json")
    }


def test_every_setting_of_late_interaction_is_compared(
    pylate_folder: Save, colbert_record: ColbertRecord
) -> None:
    folder = pylate_folder(
        query_prefix="[unused0]",
        document_prefix="[unused1]",
        query_length=32,
        document_length=40,
        do_query_expansion=True,
        attend_to_expansion_tokens=False,
        skiplist_words=["."],
        prompts={"query": "query: ", "document": ""},
    )
    record = colbert_record(
        8,
        query_marker="[Q] ",
        document_marker="[D] ",
        query_length=48,
        document_length=300,
        query_expansion=True,
        attend_to_expansion_tokens=True,
        skiplist="punctuation",
        query_prompt="search: ",
        similarity="maxsim",
    )
    library = "config_sentence_transformers.json"
    assert differences(record, folder) == {
        "embedding_dim": (8, 16, "1_Dense/config.json"),
        "query_length": (48, 32, library),
        "attend_to_expansion_tokens": (True, False, library),
        "document_length": (300, 40, library),
        "query_marker": ("[Q] ", "[unused0]", library),
        "query_prompt": ("search: ", "query: ", library),
        "document_marker": ("[D] ", "[unused1]", library),
        "skiplist": ("punctuation", (".",), library),
    }


def test_expansion_is_compared_in_both_directions(
    save_colbert: Save, colbert_record: ColbertRecord
) -> None:
    folder = save_colbert(query_length=24)
    record = colbert_record(query_expansion=True)
    file = "sentence_bert_config.json"
    assert differences(record, folder) == {"query_expansion": (True, False, file)}
    folder = save_colbert(query_expansion=FIXED)
    record = colbert_record(query_expansion=False)
    assert differences(record, folder) == {"query_expansion": (False, True, file)}


def test_a_marker_is_looked_for_in_the_prompts_of_the_newer_format(
    save_colbert: Save, colbert_record: ColbertRecord
) -> None:
    folder = save_colbert(prompts={"query": "[unused0] query: ", "document": "[unused1] "})
    library = "config_sentence_transformers.json"
    agreeing = colbert_record(query_marker="[unused0]", query_prompt="query: ")
    load(agreeing, checkpoint=folder)
    assert differences(colbert_record(query_marker="[Q] "), folder) == {
        "query_marker": ("[Q] ", "[unused0] query: ", library)
    }
    template = colbert_record(query_marker="[unused0]", query_prompt=" {instruction}: ")
    prompt = load(template, checkpoint=folder).encoding.query.prompt
    assert prompt.fill("tiny", None) == "[unused0] query: "
    assert prompt.fill("tiny", "sort") == "[unused0] sort: "
    other_prompt = colbert_record(query_marker="[unused0]", query_prompt="search: ")
    assert differences(other_prompt, folder) == {"query_prompt": ("search: ", " query: ", library)}


def test_the_projection_of_a_stanford_checkpoint_is_compared(
    stanford_folder: Save, colbert_record: ColbertRecord
) -> None:
    folder = stanford_folder(query_maxlen=32)
    assert differences(colbert_record(128), folder) == {
        "embedding_dim": (128, 16, "model.safetensors")
    }


def test_a_similarity_other_than_maxsim(save_colbert: Save, colbert_record: ColbertRecord) -> None:
    folder = save_colbert(query_expansion=FIXED)
    library = folder / "config_sentence_transformers.json"
    values = json.loads(library.read_text()) | {"similarity_fn_name": "meanmaxsim"}
    library.write_text(json.dumps(values))
    assert differences(colbert_record(), folder) == {
        "similarity": ("maxsim", "meanmaxsim", library.name)
    }


def test_no_kind_is_loaded_as_another(
    save_dense: Save,
    save_colbert: Save,
    dense_record: DenseRecord,
    colbert_record: ColbertRecord,
    bert_folder: Path,
) -> None:
    dense, colbert = save_dense(Pooling(32, "mean")), save_colbert(query_expansion=FIXED)
    with pytest.raises(WrongKindError, match=r"is a late-interaction model .* use the record"):
        load(dense_record(16), checkpoint=colbert)
    with pytest.raises(WrongKindError, match="is no late-interaction model"):
        load(colbert_record(32), checkpoint=dense)
    with pytest.raises(WrongKindError, match="projection that it lacks is never made up"):
        load(colbert_record(32), checkpoint=bert_folder)


@pytest.mark.parametrize("kind", ["SparseEncoder", "CrossEncoder"])
def test_a_checkpoint_that_names_another_kind(
    kind: str, save_dense: Save, dense_record: DenseRecord
) -> None:
    folder = save_dense(Pooling(32, "mean"))
    (folder / "config_sentence_transformers.json").write_text(json.dumps({"model_type": kind}))
    with pytest.raises(WrongKindError, match=f"says that it is a {kind}"):
        load(dense_record(), checkpoint=folder)


def test_a_transformer_for_another_task(
    save_dense: Save, dense_record: DenseRecord, bert_folder: Path
) -> None:
    folder = save_dense(Pooling(32, "mean"), transformer=Transformer(str(bert_folder)))
    (folder / "sentence_bert_config.json").write_text('{"transformer_task": "fill-mask"}')
    with pytest.raises(WrongKindError, match="is run for 'fill-mask'"):
        load(dense_record(), checkpoint=folder)
