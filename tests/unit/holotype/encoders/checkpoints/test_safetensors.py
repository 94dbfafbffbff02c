"""The headers of safetensors files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from safetensors import SafetensorError, deserialize
from tests.unit.holotype.hub.checkpoints import safetensors

from holotype.encoders.checkpoints.safetensors import (
    Tensor,
    count_parameters,
    read_header,
    some_are_pickled,
    stored_dtype,
    weight_files,
)
from holotype.errors import CheckpointError


def test_integers_such_as_position_ids_are_no_parameters() -> None:
    header = {"weight": Tensor("BF16", (3, 4)), "position_ids": Tensor("I64", (1, 512))}
    assert count_parameters([header, {"bias": Tensor("F32", (5,))}]) == 17


def test_packed_numbers_are_not_counted() -> None:
    assert count_parameters([{"weight": Tensor("U8", (3, 4))}]) is None
    assert count_parameters([]) is None


def test_the_type_is_that_of_most_numbers() -> None:
    head = {"head": Tensor("F32", (5,)), "position_ids": Tensor("I64", (1, 8))}
    assert stored_dtype([{"weight": Tensor("BF16", (3, 4))}, head]) == "bfloat16"
    assert stored_dtype([{"packed": Tensor("F4", (64,))}, head]) is None
    assert stored_dtype([]) is None


def test_the_weights_are_the_shards_and_the_folders_of_modules() -> None:
    names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    others = ["2_Dense/model.safetensors", "onnx/model.safetensors", "adapter.safetensors"]
    assert weight_files([*names, *others]) == ("2_Dense/model.safetensors", *names)


def test_a_whole_file_counts_and_shards_beside_it_do_not() -> None:
    names = ["model.safetensors", "model-00001-of-00001.safetensors"]
    assert weight_files(names) == ("model.safetensors",)


def test_a_module_with_pickled_weights_only_is_noticed() -> None:
    assert some_are_pickled(["model.safetensors", "2_Dense/pytorch_model.bin"])
    assert not some_are_pickled(["model.safetensors", "pytorch_model.bin"])


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "it has no header"),
        (b"version https://git-lfs.github.com/spec/v1\n", "it has no header"),
        (safetensors({"weight": ("F32", [1])})[:20], "header is cut off"),
        ((7).to_bytes(8, "little") + b"garbage", "header is not a JSON object"),
        ((2).to_bytes(8, "little") + b"[]", "header is not a JSON object"),
    ],
)
def test_a_damaged_file_is_told(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=problem):
        read_header(path)


def described(**changes: Any) -> dict[str, Any]:
    return {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} | changes


HEADERS: dict[str, tuple[dict[str, Any], int]] = {
    "whole": ({"a": described(), "b": described(data_offsets=[8, 16])}, 16),
    "in another order": ({"b": described(data_offsets=[8, 16]), "a": described()}, 16),
    "nothing": ({}, 0),
    "no numbers": ({"a": described(), "b": described(shape=[0], data_offsets=[8, 8])}, 8),
    "half bytes": ({"a": described(dtype="F4", shape=[4], data_offsets=[0, 2])}, 2),
    "bytes behind": ({"a": described()}, 9),
    "cut off": ({"a": described()}, 7),
    "a hole before": ({"a": described(data_offsets=[4, 12])}, 12),
    "a hole between": ({"a": described(), "b": described(data_offsets=[9, 17])}, 17),
    "twice the same": ({"a": described(), "b": described()}, 8),
    "below nothing": ({"a": described(data_offsets=[-8, 0])}, 0),
    "backwards": ({"a": described(data_offsets=[8, 0])}, 8),
    "fewer bytes": ({"a": described(shape=[3])}, 8),
    "more bytes": ({"a": described(shape=[1])}, 8),
    "another type": ({"a": described(dtype="F64")}, 8),
    "an unknown type": ({"a": described(dtype="F12")}, 8),
    "a text as size": ({"a": described(shape=["2"])}, 8),
    "a fraction as size": ({"a": described(shape=[2.0])}, 8),
    "a text as offset": ({"a": described(data_offsets=["0", "8"])}, 8),
    "three offsets": ({"a": described(data_offsets=[0, 8, 8])}, 8),
    "one offset": ({"a": described(data_offsets=[8])}, 8),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_file_is_whole_exactly_where_safetensors_can_read_it(tmp_path: Path, name: str) -> None:
    header, n_bytes = HEADERS[name]
    text = json.dumps(header).encode()
    content = len(text).to_bytes(8, "little") + text + bytes(n_bytes)
    (tmp_path / "model.safetensors").write_bytes(content)
    parse: Any = deserialize
    try:
        parse(content)
    except SafetensorError:
        with pytest.raises(CheckpointError, match="is no whole safetensors file"):
            read_header(tmp_path / "model.safetensors")
    else:
        assert list(read_header(tmp_path / "model.safetensors")) == list(header)
