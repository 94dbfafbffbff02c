"""`holotype export` says what was lost, whatever the model gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.unit.holotype.cli.command import run

from holotype.encoders import exports
from holotype.encoders.graphs.losses import (
    Loss,
    ScoreLoss,
    TextLoss,
    TextWordLoss,
    VectorLoss,
    WordLoss,
)
from holotype.encoders.graphs.manifest import Manifest

VECTORS = VectorLoss(
    max_difference=2e-7,
    min_cosine=0.9999999,
    texts=(TextLoss(max_difference=2e-7, min_cosine=0.9999999),),
)
WORDS = WordLoss(
    max_difference=0.05,
    min_cosine=0.99,
    min_words_kept=0.875,
    texts=(TextWordLoss(max_difference=0.05, min_cosine=0.99, min_words_kept=0.875),) * 2,
)
SCORES = ScoreLoss(max_difference=0.004, agreement=0.95, inputs=(0.004, 0.001, 0.0))


def test_a_limit_is_called_as_the_option_is() -> None:
    words = ("export", "all-minilm-l6-v2", "--backend", "onnx", "--max-difference", "0.5")
    answer = run(*words, catalogue="holotype.models")
    assert answer.exit_code == 1
    assert "say with --min-cosine what is near enough" in answer.stderr


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (
            ("--backend", "onx"),
            "there is no export for 'onx'; did you mean 'onnx'? expected one of onnx, openvino",
        ),
        (
            ("--backend", "torch"),
            "'torch': torch runs the checkpoint itself; expected one of onnx, openvino",
        ),
        (
            ("--backend", "onnx", "--dtype", "int4"),
            "unknown dtype 'int4'; did you mean 'int8'? expected one of float32, float16, int8",
        ),
        (
            ("--backend", "onnx", "--dtype", "bfloat16"),
            "backend onnx does not take the dtype 'bfloat16'; expected one of float32, float16, int8",
        ),
    ],
)
def test_what_cannot_be_exported_is_refused_with_what_can(
    options: tuple[str, ...], why: str
) -> None:
    answer = run("export", "all-minilm-l6-v2", *options, catalogue="holotype.models")
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert why in answer.stderr
    assert "None" not in answer.stderr


@pytest.mark.parametrize(
    ("loss", "told"),
    [
        (VECTORS, "max_difference\t2.00e-07\nmin_cosine\t0.9999999\ntexts\t1\n"),
        (
            WORDS,
            "max_difference\t5.00e-02\nmin_cosine\t0.9900000\nmin_words_kept\t0.8750000\n"
            "texts\t2\n",
        ),
        (SCORES, "max_difference\t4.00e-03\nagreement\t0.9500000\ninputs\t3\n"),
    ],
)
def test_the_loss_of_every_kind_is_printed(
    loss: Loss, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def export(record: Any, **options: Any) -> exports.Export:
        asked.update(options, id=record.id)
        manifest = Manifest(
            model_id=record.id,
            huggingface_id=record.huggingface_id,
            revision=None,
            backend="onnx",
            dtype="float32",
            graph="onnx/model.onnx",
            files={},
            transformer="",
            weights={},
            tools={},
            loss=loss,
        )
        return exports.Export(folder=Path("made"), manifest=manifest)

    monkeypatch.setattr(exports, "export", export)
    words = ("export", "all-minilm-l6-v2", "--backend", "onnx", "--max-difference", "0.5")
    assert (
        run(*words, catalogue="holotype.models").stdout
        == f"folder\tmade\nbackend\tonnx\ndtype\tfloat32\n{told}"
    )
    assert (asked["id"], asked["max_difference"]) == ("all-minilm-l6-v2", 0.5)
