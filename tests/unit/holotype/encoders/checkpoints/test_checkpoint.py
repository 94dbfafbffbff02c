from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tests.unit.holotype.hub.checkpoints import bert, safetensors, saved

from holotype.encoders.checkpoints.checkpoint import INDEX_FILE, Checkpoint
from holotype.encoders.checkpoints.modules import module_entries
from holotype.encoders.checkpoints.safetensors import read_header
from holotype.encoders.checkpoints.settings import read_truncation, tokenizer_length
from holotype.errors import CheckpointError

SHARD = safetensors({"a": ("F32", [2, 2])})


def test_the_weights_are_the_whole_file_or_else_what_the_index_names(tmp_path: Path) -> None:
    index = {"weight_map": {"a": "one.safetensors", "b": "parts/two.safetensors"}}
    (tmp_path / "parts").mkdir()
    for name in ("one.safetensors", "parts/two.safetensors", "model-00001-of-00002.safetensors"):
        (tmp_path / name).write_bytes(SHARD)
    (tmp_path / INDEX_FILE).write_text(json.dumps(index))
    checkpoint = Checkpoint(tmp_path)
    shards = ("one.safetensors", "parts/two.safetensors")
    assert checkpoint.weights() == checkpoint.weight_names() == checkpoint.all_weights == shards
    assert set(checkpoint.headers) == set(shards)
    (tmp_path / "model.safetensors").write_bytes(SHARD)
    checkpoint = Checkpoint(tmp_path)
    assert checkpoint.weights() == checkpoint.weight_names() == ("model.safetensors",)


def test_usual_names_tell_the_weights_where_the_index_is_not_at_hand(tmp_path: Path) -> None:
    shards = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
    names = frozenset((*shards, INDEX_FILE, "2_Dense/model.safetensors", "other.safetensors"))
    checkpoint = Checkpoint(tmp_path, names=names)
    assert checkpoint.weight_names() == shards
    assert checkpoint.all_weights == (*shards, "2_Dense/model.safetensors")


def test_tensors_that_are_cut_off_are_told_by_the_header(tmp_path: Path) -> None:
    header = {"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}
    text = json.dumps(header).encode()
    path = tmp_path / "model.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"\0" * 15)
    with pytest.raises(CheckpointError, match="its tensors are cut off"):
        read_header(path)
    path.write_bytes(path.read_bytes() + b"\0")
    assert read_header(path)["a"].shape == (4,)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_pipe_is_refused_at_once(tmp_path: Path, name: str) -> None:
    saved(tmp_path, bert())
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    checkpoint = Checkpoint(tmp_path)
    with pytest.raises(CheckpointError, match="no regular file"):
        checkpoint.value(name) if name.endswith(".json") else checkpoint.header(name)


def test_an_index_of_very_many_tensors_is_read_once_and_fast(tmp_path: Path) -> None:
    n_tensors = 300_000
    weight_map = {f"layers.{at}.weight": f"part-{at % 7}.safetensors" for at in range(n_tensors)}
    (tmp_path / INDEX_FILE).write_text(json.dumps({"weight_map": weight_map}))
    for at in range(7):
        (tmp_path / f"part-{at}.safetensors").write_bytes(SHARD)
    checkpoint = Checkpoint(tmp_path)
    names = tuple(f"part-{at}.safetensors" for at in range(7))
    assert checkpoint.weight_names() == checkpoint.weights() == names


def test_a_list_of_very_many_modules_is_refused_by_their_number(tmp_path: Path) -> None:
    entry = {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}
    saved(tmp_path, dict(bert()) | {"modules.json": json.dumps([entry] * 100_000).encode()})
    with pytest.raises(CheckpointError, match="lists 100,000 modules; expected at most 100"):
        module_entries(Checkpoint(tmp_path))


@pytest.mark.parametrize("value", [0, -1, True, "64", 12.5, [64]])
def test_a_truncation_that_is_no_number_of_dimensions_is_refused(
    value: object, tmp_path: Path
) -> None:
    library = {"truncate_dim": value}
    (tmp_path / "config_sentence_transformers.json").write_text(json.dumps(library))
    file = Checkpoint(tmp_path).json("config_sentence_transformers.json")
    with pytest.raises(CheckpointError, match="'truncate_dim' is"):
        read_truncation(file)


@pytest.mark.parametrize("key", ["model_max_length", "max_len"])
@pytest.mark.parametrize("value", [True, "512", 512.5, [512], float("nan")])
def test_a_length_of_the_tokenizer_that_is_no_number_of_tokens_is_refused(
    key: str, value: object, tmp_path: Path
) -> None:
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({key: value}))
    with pytest.raises(CheckpointError, match=f"'{key}' is .*; expected an integer"):
        tokenizer_length(Checkpoint(tmp_path))


@pytest.mark.parametrize("value", [None, 10**30, 1e30])
def test_a_tokenizer_may_have_no_limit(value: object, tmp_path: Path) -> None:
    settings = {"model_max_length": value, "max_len": 20}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    assert tokenizer_length(Checkpoint(tmp_path)) is None
