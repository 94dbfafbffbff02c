"""Files of a checkpoint that are damaged or missing: an error that names them, and no encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.runtime.heads import save_head
from tests.runtime.parity import change

from holotype.encoders import load
from holotype.encoders.cross_encoder import CrossEncoder
from holotype.errors import CheckpointError, CheckpointNotFoundError
from holotype.records import DenseModel

JSON_FILES = [
    "config.json",
    "modules.json",
    "config_sentence_transformers.json",
    "sentence_bert_config.json",
    "tokenizer_config.json",
    "1_Pooling/config.json",
    "2_Dense/config.json",
]


@pytest.mark.parametrize("name", JSON_FILES)
@pytest.mark.parametrize("text", ["", "{", '{"a": \n 1,}', "\ufeff", "[" * 100_000])
def test_files_that_are_not_json(
    text: str, name: str, folder: Path, record: DenseModel[Any]
) -> None:
    (folder / name).write_text(text)
    with pytest.raises(CheckpointError, match=f"{name}: is not JSON"):
        load(record, checkpoint=folder)


@pytest.mark.parametrize("name", JSON_FILES)
@pytest.mark.parametrize("text", ["7", '"text"', "null", "[1]"])
def test_files_that_hold_something_else(
    text: str, name: str, folder: Path, record: DenseModel[Any]
) -> None:
    (folder / name).write_text(text)
    with pytest.raises(CheckpointError, match=f"{name}: .*expected"):
        load(record, checkpoint=folder)


def test_bytes_that_are_no_text(folder: Path, record: DenseModel[Any]) -> None:
    (folder / "config.json").write_bytes(b"\xff\xfe\x00\xd8{}")
    with pytest.raises(CheckpointError, match=r"config\.json: (is not JSON|cannot be read)"):
        load(record, checkpoint=folder)


@pytest.mark.parametrize("name", ["config.json", "1_Pooling/config.json", "2_Dense/config.json"])
def test_files_that_are_missing(name: str, folder: Path, record: DenseModel[Any]) -> None:
    (folder / name).unlink()
    with pytest.raises(CheckpointError, match=f"the file {name} is missing"):
        load(record, checkpoint=folder)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("config.json", {"hidden_size": "wide"}, "'hidden_size' is 'wide'; expected an integer"),
        ("config.json", {"num_attention_heads": 5}, "transformers cannot build it"),
        ("config.json", {"num_attention_heads": 0}, "'num_attention_heads' is 0; expected a num"),
        ("config.json", {"num_hidden_layers": 10**6}, "'num_hidden_layers' is 1000000; expected"),
        ("config.json", {"architectures": [1]}, "expected a list of strings"),
        ("config.json", {"hidden_size": None}, "does not say how wide vectors are"),
        ("config.json", {"vocab_size": True}, "'vocab_size' is True; expected an integer"),
        ("1_Pooling/config.json", {"pooling_mode": "median"}, "'pooling_mode' is 'median'"),
        ("1_Pooling/config.json", {"pooling_mode": []}, "expected one or several of cls"),
        ("1_Pooling/config.json", {"pooling_mode": None}, "'pooling_mode' is None"),
        ("2_Dense/config.json", {"in_features": 64}, "takes 64 dimensions, but gets 32"),
        ("2_Dense/config.json", {"in_features": None}, "expected the layer's sizes"),
        ("config_sentence_transformers.json", {"prompts": [1]}, "expected an object"),
        ("config_sentence_transformers.json", {"prompts": {"query": 1}}, "expected a string"),
        (
            "config_sentence_transformers.json",
            {"default_prompt_name": "other"},
            "expected the name of one of its prompts",
        ),
    ],
)
def test_values_that_make_no_sense(
    name: str, values: dict[str, object], message: str, folder: Path, record: DenseModel[Any]
) -> None:
    change(folder, name, **values)
    with pytest.raises(CheckpointError, match=message):
        load(record, checkpoint=folder)


def test_a_tokenizer_that_is_missing(folder: Path, record: DenseModel[Any]) -> None:
    (folder / "tokenizer.json").unlink()
    with pytest.raises(CheckpointError, match=r"has no tokenizer; expected one of tokenizer\.json"):
        load(record, checkpoint=folder)


@pytest.mark.parametrize("text", ["", "{}", '{"version": "1.0"'])
def test_a_tokenizer_that_is_damaged(text: str, folder: Path, record: DenseModel[Any]) -> None:
    (folder / "tokenizer.json").write_text(text)
    with pytest.raises(CheckpointError, match="cannot be read"):
        load(record, checkpoint=folder)


def test_a_tokenizer_of_another_checkpoint(
    folder: Path, minilm_folder: Path, record: DenseModel[Any]
) -> None:
    (folder / "tokenizer.json").write_bytes((minilm_folder / "tokenizer.json").read_bytes())
    with pytest.raises(CheckpointError, match="ids up to 30521, but the model has only 116"):
        load(record, checkpoint=folder)


def test_a_folder_that_is_not_there(tmp_path: Path, record: DenseModel[Any]) -> None:
    with pytest.raises(CheckpointNotFoundError, match="there is no such folder"):
        load(record, checkpoint=tmp_path / "nowhere")
    with pytest.raises(CheckpointNotFoundError, match="expects one, without local:"):
        load(record, checkpoint="local:nowhere")
    with pytest.raises(CheckpointError, match=r"the file config\.json is missing"):
        load(record, checkpoint=tmp_path)


@pytest.mark.parametrize(
    "values",
    [
        {"return_dict": False},
        {"output_hidden_states": True, "output_attentions": True},
        {"torchscript": True},
    ],
)
def test_what_a_configuration_wants_returned_changes_nothing(
    values: dict[str, object], tmp_path: Path
) -> None:
    for name in ("plain", "changed"):
        save_head(tmp_path / name, "Bert", num_labels=1)
    change(tmp_path / "changed", "config.json", **values)
    encoders = [load(f"local:{tmp_path / name}", device="cpu") for name in ("plain", "changed")]
    plain, changed = (
        encoder.predict([("a", "b")]) for encoder in encoders if isinstance(encoder, CrossEncoder)
    )
    assert (plain == changed).all()
