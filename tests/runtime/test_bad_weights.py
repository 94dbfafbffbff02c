"""Weights that are damaged, incomplete or unsafe: an error that says so, and no encoder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.runtime.parity import ColbertRecord, Save, change_tensors

from holotype.encoders import load
from holotype.errors import CheckpointError, TensorError, UnsafeCheckpointError
from holotype.records import DenseModel


def test_a_missing_tensor_is_named_and_never_made_up(folder: Path, record: DenseModel[Any]) -> None:
    name = "encoder.layer.1.output.dense.weight"
    change_tensors(folder, "model.safetensors", **{name: None})
    with pytest.raises(TensorError, match="1 missing: " + name) as caught:
        load(record, checkpoint=folder)
    assert caught.value.missing == (name,)


def test_nothing_is_printed_whether_weights_fit_or_not(
    folder: Path, record: DenseModel[Any], capfd: pytest.CaptureFixture[str]
) -> None:
    load(record, checkpoint=folder)
    change_tensors(folder, "model.safetensors", **{"embeddings.LayerNorm.bias": None})
    with pytest.raises(TensorError):
        load(record, checkpoint=folder)
    assert capfd.readouterr() == ("", "")


def test_an_unexpected_tensor_is_named(folder: Path, record: DenseModel[Any]) -> None:
    change_tensors(folder, "model.safetensors", classifier__weight=torch.zeros(2, 32))
    with pytest.raises(TensorError, match=r"1 unexpected: classifier\.weight") as caught:
        load(record, checkpoint=folder)
    assert caught.value.unexpected == ("classifier.weight",)


def test_a_tensor_of_another_shape_is_named(folder: Path, record: DenseModel[Any]) -> None:
    name = "encoder.layer.1.output.dense.weight"
    change_tensors(folder, "model.safetensors", **{name: torch.zeros(7, 32)})
    with pytest.raises(TensorError, match=r"weight \(\[7, 32\], expected \[32, 64\]\)"):
        load(record, checkpoint=folder)


def test_heads_of_pre_training_and_computed_tables_are_no_part_of_the_encoder(
    folder: Path, record: DenseModel[Any]
) -> None:
    before = load(record, checkpoint=folder).encode("a text")
    change_tensors(
        folder,
        "model.safetensors",
        cls__predictions__bias=torch.zeros(116),
        cls__seq_relationship__weight=torch.zeros(2, 32),
        pooler__dense__weight=torch.zeros(32, 32),
        embeddings__position_ids=torch.arange(96).unsqueeze(0),
    )
    assert (load(record, checkpoint=folder).encode("a text") == before).all()


def test_the_weights_of_a_projection_are_checked_too(folder: Path, record: DenseModel[Any]) -> None:
    weights = "2_Dense/model.safetensors"
    change_tensors(folder, weights, linear__bias=None, extra=torch.zeros(1))
    with pytest.raises(TensorError, match=r"1 missing: linear\.bias; 1 unexpected: extra"):
        load(record, checkpoint=folder)
    change_tensors(
        folder, weights, linear__bias=torch.zeros(16), linear__weight=torch.zeros(8, 8), extra=None
    )
    with pytest.raises(TensorError, match=r"linear\.weight \(\[8, 8\], expected \[16, 32\]\)"):
        load(record, checkpoint=folder)


def test_a_stanford_checkpoint_without_its_projection(
    stanford_folder: Save, colbert_record: ColbertRecord
) -> None:
    folder = stanford_folder(query_maxlen=32)
    change_tensors(folder, "model.safetensors", linear__weight=None)
    with pytest.raises(TensorError, match=r"1 missing: linear\.weight"):
        load(colbert_record(), checkpoint=folder)


@pytest.mark.parametrize("place", ["", "2_Dense"])
def test_pickled_weights_are_refused(place: str, folder: Path, record: DenseModel[Any]) -> None:
    (folder / place / "model.safetensors").unlink()
    torch.save({}, folder / place / "pytorch_model.bin")
    with pytest.raises(UnsafeCheckpointError, match=r"only pickled weights \(pytorch_model\.bin\)"):
        load(record, checkpoint=folder)


@pytest.mark.parametrize("place", ["", "2_Dense"])
def test_weights_that_are_missing(place: str, folder: Path, record: DenseModel[Any]) -> None:
    (folder / place / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"has no model\.safetensors"):
        load(record, checkpoint=folder)


@pytest.mark.parametrize("place", ["", "2_Dense"])
@pytest.mark.parametrize("size", [0, 5, 200, -1])
def test_weights_that_are_cut_off(
    size: int, place: str, folder: Path, record: DenseModel[Any]
) -> None:
    path = folder / place / "model.safetensors"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(CheckpointError, match=r"is no whole safetensors file .* fetch it again"):
        load(record, checkpoint=folder)


def test_weights_in_shards(folder: Path, record: DenseModel[Any]) -> None:
    before = load(record, checkpoint=folder).encode("a text")
    tensors = load_file(folder / "model.safetensors")
    names = sorted(tensors)
    shards = {"model-1.safetensors": names[::2], "model-2.safetensors": names[1::2]}
    for shard, held in shards.items():
        save_file({name: tensors[name] for name in held}, folder / shard, metadata={"format": "pt"})
    places = {name: shard for shard, held in shards.items() for name in held}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    (folder / "model.safetensors").unlink()
    assert (load(record, checkpoint=folder).encode("a text") == before).all()
    (folder / "model.safetensors.index.json").write_text('{"weight_map": {"a": 1}}')
    with pytest.raises(CheckpointError, match="expected the files by tensor"):
        load(record, checkpoint=folder)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    (folder / "model-2.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"the file model-2\.safetensors is missing"):
        load(record, checkpoint=folder)
