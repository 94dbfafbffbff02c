"""A model that runs does not read its files any more, whoever writes over them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Transformer
from sentence_transformers.base.modules.dense import Dense
from sentence_transformers.sentence_transformer.modules import LayerNorm, Pooling
from tests.runtime.backbones import HIDDEN_DIM, save_backbone
from tests.runtime.image_models import blip
from tests.runtime.test_captioner import PICTURES, record_of

from holotype import load
from holotype.encoders.exports import export
from holotype.records import DenseModel


def write_over(folder: Path) -> None:
    """Give all weights another value, in the same file, as `cp` does."""
    for file in folder.rglob("*.safetensors"):
        content = file.read_bytes()
        start = 8 + int.from_bytes(content[:8], "little")
        with file.open("r+b") as opened:
            opened.seek(start)
            opened.write(b"\x3f" * (len(content) - start))


def vectors_of(
    name: str, folder: Path, save: Callable[[str, Path], Path] = save_backbone
) -> Callable[[], Any]:
    record: Any = DenseModel(
        id="tiny",
        type="dense",
        name="Tiny",
        huggingface_id="tests/tiny",
        organization="Tests",
        description="A model of the tests.",
        embedding_dim=HIDDEN_DIM,
        pooling="mean",
    )
    encoder = load(record, checkpoint=save(name, folder), device="cpu")
    return lambda: encoder.encode(["a text", "another one"])


def with_layers(name: str, folder: Path) -> Path:
    """Save a model with layers behind its pooling."""
    transformer = Transformer(str(save_backbone(name, folder / "transformer")))
    layers = Dense(HIDDEN_DIM, HIDDEN_DIM), LayerNorm(HIDDEN_DIM)
    modules = transformer, Pooling(HIDDEN_DIM, "mean"), *layers
    SentenceTransformer(modules=list(modules), device="cpu").save(str(folder / "whole"))
    return folder / "whole"


def captions_of(folder: Path) -> Callable[[], Any]:
    blip(folder)
    captioner = load(record_of(max_new_tokens=5), checkpoint=folder, device="cpu")
    return lambda: [(one.text, one.score) for one in captioner.caption(PICTURES[:2])]


MODELS: dict[str, Callable[[Path], Callable[[], Any]]] = {
    "bert": lambda folder: vectors_of("bert", folder),
    "deberta-v2": lambda folder: vectors_of("deberta-v2", folder),
    "modernbert": lambda folder: vectors_of("modernbert", folder),
    "qwen3": lambda folder: vectors_of("qwen3", folder),
    "layers": lambda folder: vectors_of("bert", folder, with_layers),
    "blip": captions_of,
}


@pytest.mark.parametrize("model", MODELS)
def test_weights_that_are_written_over_change_nothing(model: str, tmp_path: Path) -> None:
    run = MODELS[model](tmp_path)
    before = run()
    write_over(tmp_path)
    np.testing.assert_array_equal(run(), before)


def test_a_graph_of_openvino_that_is_written_over_or_cut_off_changes_nothing(
    folder: Path, record: DenseModel[Any], tmp_path: Path
) -> None:
    made = export(record, backend="openvino", checkpoint=folder, to=tmp_path / "made").folder
    encoder = load(record, backend="openvino", checkpoint=made)
    before = encoder.encode(["a text", "another one"])
    weights = made / "openvino" / "openvino_model.bin"
    with weights.open("r+b") as opened:
        opened.write(b"\x3f" * weights.stat().st_size)
    np.testing.assert_array_equal(encoder.encode(["a text", "another one"]), before)
    os.truncate(weights, 0)
    np.testing.assert_array_equal(encoder.encode(["a text", "another one"]), before)
