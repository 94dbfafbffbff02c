"""The headers of safetensors files."""

from __future__ import annotations

from pathlib import Path

import pytest
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
        ((7).to_bytes(8, "little") + b"garbage", "header is no JSON of tensors"),
        ((2).to_bytes(8, "little") + b"[]", "header is no JSON of tensors"),
    ],
)
def test_a_damaged_file_is_told(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=problem):
        read_header(path)
