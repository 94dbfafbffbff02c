from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.unit.holotype.hub.checkpoints import (
    Files,
    as_json,
    bert,
    bert_tensors,
    classifier,
    colbert_multi_vector,
    colbert_pylate,
    colbert_stanford,
    cross_encoder,
    dense,
    model2vec,
    safetensors,
    saved,
    sparse,
    static,
    table,
    templated_reranker,
)

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.completeness import check_complete, check_weights
from holotype.encoders.kinds.derived_record import derive_record
from holotype.encoders.kinds.plan import AnyPlan
from holotype.encoders.kinds.planning import make_plan
from holotype.errors import CheckpointError, HolotypeError, TensorError
from holotype.publishing import create_artifact

SOUND = {
    "dense": dense,
    "pylate": colbert_pylate,
    "multi-vector": colbert_multi_vector,
    "stanford": colbert_stanford,
    "sparse": sparse,
    "cross-encoder": cross_encoder,
    "classifier": classifier,
    "model2vec": model2vec,
    "static": static,
}
WORDS = "embeddings.word_embeddings.weight"
WEIGHTS, PROJECTION = "model.safetensors", "1_Dense/model.safetensors"


def plan_of(folder: Path) -> AnyPlan:
    checkpoint = Checkpoint(folder)
    return make_plan(derive_record(checkpoint, name="tiny"), checkpoint)


def check(folder: Path) -> None:
    check_complete(plan_of(folder))


@pytest.mark.parametrize("kind", SOUND)
def test_a_whole_checkpoint_of_every_kind_is_complete(tmp_path: Path, kind: str) -> None:
    saved(tmp_path, SOUND[kind]())
    check(tmp_path)


@pytest.mark.parametrize("kind", SOUND)
@pytest.mark.parametrize("lacking", [WEIGHTS, "tokenizer.json"])
def test_nothing_loads_without_weights_or_tokenizer(
    tmp_path: Path, kind: str, lacking: str
) -> None:
    saved(tmp_path, SOUND[kind]())
    (tmp_path / lacking).unlink()
    with pytest.raises(CheckpointError):
        check(tmp_path)


def without(files: Files, name: str) -> Files:
    return {path: body for path, body in files.items() if path != name}


def dense_layer(activation: str) -> bytes:
    sizes = {"in_features": 32, "out_features": 16, "bias": False}
    return as_json({**sizes, "activation_function": activation})


def without_text() -> bytes:
    """A tokenizer whose post-processor leaves texts out."""
    special = {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]}}
    pieces = [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}]
    around = {"type": "TemplateProcessing", "single": pieces, "pair": pieces}
    file = json.loads(dense()["tokenizer.json"])
    return as_json(file | {"post_processor": around | {"special_tokens": special}})


BROKEN: dict[str, tuple[Files, str]] = {
    "a layer without weights": (without(colbert_pylate(), PROJECTION), "has no model.safetensors"),
    "a layer of another shape": (
        colbert_pylate() | {PROJECTION: safetensors({"linear.weight": ("F32", [8, 32])})},
        "linear.weight",
    ),
    "a layer of integers": (
        colbert_pylate() | {PROJECTION: safetensors({"linear.weight": ("I8", [16, 32])})},
        "holds linear.weight as I8; expected floats",
    ),
    "weights with bytes behind them": (
        dense() | {WEIGHTS: dense()[WEIGHTS] + b"x"},
        "1 bytes follow its tensors",
    ),
    "weights that are cut off": (dense() | {WEIGHTS: dense()[WEIGHTS][:40]}, "cut off"),
    "weights of nothing": (dense() | {WEIGHTS: safetensors({})}, "all of its tensors"),
    "a tokenizer that is damaged": (dense() | {"tokenizer.json": b"{}"}, "as a tokenizer"),
    "a tokenizer of another checkpoint": (
        dense(vocab_size=3) | {WEIGHTS: safetensors(bert_tensors() | {WORDS: ("F32", [3, 32])})},
        "token ids up to 5",
    ),
    "another vocabulary": (dense(vocab_size=90), "'vocab_size' is 90; expected 100"),
    "an activation that is not known": (
        colbert_pylate() | {"1_Dense/config.json": dense_layer("os.system")},
        "uses the activation 'os.system'",
    ),
    "an adapter": (dense() | {"adapter_config.json": b"{}"}, "is an adapter on another model"),
    "no room for text": (
        dense() | {"sentence_bert_config.json": b'{"max_seq_length": 0}'},
        "a length of 0 tokens leaves no room",
    ),
    "a tokenizer that drops texts": (
        dense()
        | {"tokenizer.json": without_text()}
        | {"tokenizer_config.json": as_json({"tokenizer_class": "PreTrainedTokenizerFast"})},
        "expected the text once",
    ),
    "a classifier without its head": (
        classifier() | {WEIGHTS: bert()[WEIGHTS]},
        "a head of 3 outputs",
    ),
    "a language model without its head": (sparse() | {WEIGHTS: bert()[WEIGHTS]}, "logits of words"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_load_becomes_no_artifact(tmp_path: Path, name: str) -> None:
    files, message = BROKEN[name]
    for path, body in files.items():
        (tmp_path / "checkpoint" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "checkpoint" / path).write_bytes(body)
    with pytest.raises(HolotypeError, match=message):
        create_artifact(f"local:{tmp_path}/checkpoint", tmp_path / "artifact")
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]


def test_a_reranker_without_its_template_is_refused(tmp_path: Path) -> None:
    files = templated_reranker()
    for path, body in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(body)
    with pytest.raises(CheckpointError, match="puts pairs through a chat template, but has none"):
        check(tmp_path)
    (tmp_path / "chat_template.jinja").write_text("{{ messages }}")
    check(tmp_path)
    (tmp_path / "1_LogitScore/config.json").write_text(
        json.dumps({"true_token_id": 5, "false_token_id": 5})
    )
    with pytest.raises(CheckpointError, match="another token than true_token_id"):
        check(tmp_path)


@pytest.mark.parametrize(
    "missing",
    ["encoder.layer.0.attention.self.key.weight", "encoder.layer.1.output.LayerNorm.bias"],
)
def test_a_layer_has_what_the_others_have(tmp_path: Path, missing: str) -> None:
    tensors = bert_tensors()
    del tensors[missing]
    saved(tmp_path, dense() | {WEIGHTS: safetensors(tensors)})
    with pytest.raises(TensorError, match=f"1 missing: {missing}"):
        check(tmp_path)


def test_layers_that_differ_are_whole_where_their_architecture_has_such(tmp_path: Path) -> None:
    tensors = bert_tensors()
    del tensors["encoder.layer.0.attention.self.key.weight"]
    saved(tmp_path, dense(model_type="jamba") | {WEIGHTS: safetensors(tensors)})
    check(tmp_path)


@pytest.mark.parametrize("kind", SOUND)
def test_torch_finds_every_tensor_of_a_whole_checkpoint(
    tmp_path: Path, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    saved(tmp_path, SOUND[kind]())
    check_weights(plan_of(tmp_path))
    assert capfd.readouterr() == ("", "")


HEADS = {
    "dense": "embeddings.LayerNorm.weight",
    "stanford": "embeddings.LayerNorm.weight",
    "sparse": "cls.predictions.transform.dense.bias",
    "cross-encoder": "pooler.dense.weight",
    "classifier": "classifier.bias",
}


@pytest.mark.parametrize("kind", HEADS)
def test_torch_misses_a_tensor_of_every_kind_of_model(
    tmp_path: Path, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    files = SOUND[kind]()
    saved(tmp_path, files)
    header = Checkpoint(tmp_path).header(WEIGHTS)
    tensors = {name: (tensor.dtype, [*tensor.shape]) for name, tensor in header.items()}
    del tensors[next(name for name in tensors if name.endswith(HEADS[kind]))]
    (tmp_path / WEIGHTS).write_bytes(safetensors(tensors))
    with pytest.raises(TensorError, match=f"1 missing: .*{HEADS[kind]}"):
        check_weights(plan_of(tmp_path))
    assert capfd.readouterr() == ("", "")


def test_without_torch_no_tensor_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tensors = bert_tensors()
    del tensors["embeddings.LayerNorm.weight"]
    saved(tmp_path, dense() | {WEIGHTS: safetensors(tensors)})
    monkeypatch.setattr("holotype.encoders.completeness.find_spec", lambda _: None)
    check_weights(plan_of(tmp_path))


TABLES: dict[str, tuple[Files, str]] = {
    "another tensor": (model2vec() | {WEIGHTS: table("embedding")}, "embeddings"),
    "no room for text": (
        model2vec() | {"config.json": as_json({"model_type": "model2vec", "max_length": 0})},
        "leaves no room for text",
    ),
    "values that are cut off": (model2vec() | {WEIGHTS: table("embeddings")[:-8]}, "cut off"),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_cannot_load_becomes_no_artifact(tmp_path: Path, name: str) -> None:
    files, message = TABLES[name]
    for path, body in files.items():
        (tmp_path / path).write_bytes(body)
    with pytest.raises(HolotypeError, match=message):
        create_artifact(f"local:{tmp_path}", tmp_path.parent / "artifact")
    assert not (tmp_path.parent / "artifact").exists()
