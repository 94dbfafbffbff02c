"""What is verified and added is what loads: real weights, and checkpoints of the libraries."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sentence_transformers import CrossEncoder, SparseEncoder
from sentence_transformers.base.modules.dense import Dense
from sentence_transformers.sentence_transformer.modules import Pooling, StaticEmbedding
from sentence_transformers.sparse_encoder.modules import MLMTransformer, SpladePooling
from tests.runtime.parity import Save
from transformers import BertConfig, BertForMaskedLM, BertForSequenceClassification

from holotype import get_model
from holotype.encoders import load
from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.inputs.tokenizer_classes import VOCABULARIES
from holotype.encoders.kinds.derived_record import derive_record
from holotype.errors import CheckpointError
from holotype.hub.adding import make_entry
from holotype.hub.checkpoint_files import open_folder
from holotype.hub.verifying import verify_folder
from holotype.records import ModelInfo


def entry(folder: Path) -> dict[str, Any]:
    opened = open_folder(folder)
    made = make_entry(opened, "tests/tiny", id="tiny", kind=None, revision=None)
    return dict(made.values)


def known(record: ModelInfo, values: dict[str, Any]) -> dict[str, Any]:
    """The values of an entry's encoding and sizes that a record has room for."""
    projection = {
        name: value for name, value in values["architecture"].items() if "projection" in name
    }
    flat = values["specs"] | values["encoding"] | projection
    fields = {name for name in flat if hasattr(record, name)}
    return {name: flat[name] for name in fields}


def test_the_entry_of_minilm_agrees_with_its_checkpoint(minilm_folder: Path) -> None:
    report = verify_folder(get_model("all-minilm-l6-v2"), minilm_folder)
    assert report.error is None
    assert report.notes == ()
    assert report.having("differ", "checkpoint only") == ()
    assert {found.field for found in report.having("not said")} == {
        # The folder has no conversion of the weights, which its repository has.
        "onnx_file",
        "similarity",
        "query_prompt",
        "document_prompt",
    }
    assert len(report.having("agree")) >= 14


def test_an_entry_made_of_minilm_says_what_the_catalogue_says(minilm_folder: Path) -> None:
    made, record = entry(minilm_folder), get_model("all-minilm-l6-v2")
    assert made["specs"] == {name: getattr(record, name) for name in made["specs"]}
    assert made["license"] == record.license
    assert made["encoding"]["pooling"] == record.pooling


def test_a_dense_model_that_is_added_loads_and_agrees(save_dense: Save, dense_record: Any) -> None:
    folder = save_dense(Pooling(32, "cls"), Dense(32, 16), prompts={"query": "query: "})
    made = entry(folder)
    assert made["encoding"]["query_prompt"] == "query: "
    assert made["architecture"]["projection_dims"] == 16
    record = dense_record(16)
    record = replace(record, **known(record, made))
    assert load(record, checkpoint=folder).encode("a text").shape == (16,)
    assert verify_folder(record, folder).having("differ") == ()


@pytest.mark.parametrize("format", ["pylate", "stanford", "multi-vector"])
def test_a_colbert_model_of_every_format_that_is_added_loads_and_agrees(
    format: str,
    pylate_folder: Save,
    stanford_folder: Save,
    save_colbert: Save,
    colbert_record: Any,
) -> None:
    if format == "pylate":
        markers = {"query_prefix": "[unused0]", "document_prefix": "[unused1]"}
        folder = pylate_folder(query_length=24, document_length=40, **markers)
    elif format == "stanford":
        folder = stanford_folder(
            query_token_id="[unused0]", doc_token_id="[unused1]", query_maxlen=24, doc_maxlen=40
        )
    else:
        folder = save_colbert(query_length=24, document_length=40)
    made = entry(folder)
    assert made["type"] == "colbert"
    assert (made["specs"]["embedding_dim"], made["encoding"]["query_length"]) == (16, 24)
    record = colbert_record()
    values = known(record, made)
    if isinstance(values["skiplist"], list):
        values["skiplist"] = tuple(values["skiplist"])
    record = replace(record, **values)
    assert load(record, checkpoint=folder).encode_document("a document").shape[-1] == 16
    report = verify_folder(record, folder)
    assert report.notes == ()
    assert report.having("differ") == ()


def _config(**options: Any) -> BertConfig:
    return BertConfig(
        vocab_size=100,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=96,
        **options,
    )


def _with_tokenizer(bert_folder: Path, folder: Path) -> Path:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((bert_folder / name).read_bytes())
    return folder


def test_a_sparse_model_is_recognised(bert_folder: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    BertForMaskedLM(_config()).save_pretrained(plain)
    _with_tokenizer(bert_folder, plain)
    modules: list[Any] = [MLMTransformer(str(plain)), SpladePooling("max")]
    SparseEncoder(modules=modules, device="cpu").save(
        str(tmp_path / "sparse"), create_model_card=False
    )
    made = entry(tmp_path / "sparse")
    assert (made["type"], made["specs"]["embedding_dim"]) == ("sparse", 100)
    assert made["encoding"]["pooling"] == "max"
    assert made["encoding"]["activation"] == "log1p-relu"


@pytest.mark.parametrize(("n_labels", "kind"), [(1, "cross-encoder"), (3, "classifier")])
def test_cross_encoders_and_classifiers_are_told_apart(
    bert_folder: Path, tmp_path: Path, n_labels: int, kind: str
) -> None:
    plain = tmp_path / "plain"
    BertForSequenceClassification(_config(num_labels=n_labels)).save_pretrained(plain)
    assert entry(_with_tokenizer(bert_folder, plain))["type"] == kind
    encoder = CrossEncoder(str(plain), device="cpu")
    encoder.save_pretrained(str(tmp_path / "saved"), create_model_card=False)
    made = entry(tmp_path / "saved")
    assert made["type"] == kind
    assert made["specs"]["context_length"] == 96
    assert made["specs"]["parameters"] == sum(
        parameter.numel() for parameter in encoder.model.parameters()
    )


def test_a_static_model_is_recognised(bert_folder: Path, tmp_path: Path, save_dense: Save) -> None:
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(bert_folder / "tokenizer.json"))
    modules: list[Any] = [StaticEmbedding(tokenizer, embedding_dim=8)]
    SentenceTransformer(modules=modules, device="cpu").save(
        str(tmp_path / "static"), create_model_card=False
    )
    made = entry(tmp_path / "static")
    assert (made["type"], made["architecture"]["type"]) == ("dense", "static")
    assert made["specs"]["embedding_dim"] == 8
    assert made["specs"]["vocab_size"] == tokenizer.get_vocab_size()


def taken_out(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).unlink()


def replaced_by_pickle(folder: Path, *names: str) -> None:
    taken_out(folder, *names)
    (folder / "pytorch_model.bin").write_bytes(b"pickled")


@pytest.mark.parametrize("fault", [taken_out, replaced_by_pickle])
def test_weights_that_are_missing_are_told_in_the_words_of_load(
    minilm_folder: Path, tmp_path: Path, fault: Any
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(minilm_folder, folder)
    fault(folder, "model.safetensors")
    assert_told_as_load_does(folder, "has no model.safetensors|has only pickled weights")


def test_a_tokenizer_that_is_missing_is_told_in_the_words_of_load(
    minilm_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(minilm_folder, folder)
    taken_out(folder, *(name for name in VOCABULARIES if (folder / name).exists()))
    assert_told_as_load_does(folder, "has no tokenizer; expected one of tokenizer.json")


def test_a_layer_without_its_weights_is_told_in_the_words_of_load(folder_010: Path) -> None:
    (folder_010 / "2_Dense/model.safetensors").unlink()
    checkpoint = Checkpoint(folder_010)
    record = derive_record(checkpoint, name="tiny")
    with pytest.raises(CheckpointError, match=r"has no model\.safetensors") as caught:
        load(record, checkpoint=folder_010, device="cpu")
    assert verify_folder(record, folder_010).refusal == str(caught.value)


@pytest.fixture
def folder_010(tmp_path: Path) -> Path:
    """A dense model with a projection, whose weights are real."""
    made = Path(__file__).parent.parent / "fixtures/made_by_0_1_0/checkpoint"
    shutil.copytree(made, tmp_path / "copy")
    return tmp_path / "copy"


def assert_told_as_load_does(folder: Path, words: str) -> None:
    record = get_model("all-minilm-l6-v2")
    with pytest.raises(CheckpointError, match=words) as caught:
        load(record, checkpoint=folder, device="cpu")
    report = verify_folder(record, folder)
    assert report.refusal == str(caught.value)
    assert report.having("differ") == ()
    assert not report.is_good
