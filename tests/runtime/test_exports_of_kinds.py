"""Exports of sparse models, cross-encoders and classifiers: what torch gives, or no export."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from sentence_transformers import SparseEncoder as ReferenceEncoder
from sentence_transformers.base.modules import Router, Transformer
from sentence_transformers.base.modules.dense import Dense
from sentence_transformers.sentence_transformer.modules import LayerNorm, Pooling
from sentence_transformers.sparse_encoder.modules import SparseStaticEmbedding, SpladePooling
from tests.runtime.bge_m3 import COLBERT, save_bge_m3
from tests.runtime.heads import (
    PAIRS,
    classifier_record,
    cross_encoder_record,
    save_head,
    save_xlnet,
    saved_modules,
)
from tests.runtime.parity import SparseRecord, assert_scores_same, read
from tests.runtime.sparse import save_language_model
from tests.runtime.test_causal_reranker import reranker

from holotype.encoders import load
from holotype.encoders.classifier import TextOrPair
from holotype.encoders.config import Backend
from holotype.encoders.exports import export
from holotype.encoders.graphs.losses import ScoreLoss, WordLoss
from holotype.encoders.graphs.manifest import MANIFEST_FILE
from holotype.encoders.sparse import SparseEncoder
from holotype.errors import CheckpointError, ExportError, TensorError, UnsupportedModelError
from holotype.records import ClassifierModel, CrossEncoderModel, SparseModel

pytestmark = pytest.mark.usefixtures("_each_network_is_traced_once")

SPLADE = {"pooling": "max", "activation": "log1p-relu"}


def n_words(folder: Path) -> int:
    found: int = read(folder, "config.json")["vocab_size"]
    return found


def assert_same_words(ours: SparseEncoder, theirs: SparseEncoder, texts: list[str]) -> None:
    """Assert that both sides have the weights of torch, whatever the batches."""
    for side in ("encode_query", "encode_document"):
        expected = getattr(theirs, side)(texts, on_overflow="truncate").to_dense()
        for batch_size in (None, 1):
            found = getattr(ours, side)(texts, batch_size=batch_size, on_overflow="truncate")
            np.testing.assert_allclose(found.to_dense(), expected, rtol=1e-5, atol=1e-5)
        assert expected.any()


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
@pytest.mark.parametrize("architecture", ["bert", "xlm-roberta", "modernbert", "electra"])
def test_sparse_models_have_the_weights_of_torch(
    architecture: str,
    backend: Backend,
    sparse_record: SparseRecord,
    texts: list[str],
    tmp_path: Path,
) -> None:
    folder = save_language_model(tmp_path / "plain", architecture)
    record = sparse_record(n_words(folder), **SPLADE)
    made = export(record, backend=backend, checkpoint=folder, to=tmp_path / "made")
    ours = load(record, backend=backend, checkpoint=made.folder)
    assert_same_words(ours, load(record, checkpoint=folder, device="cpu"), texts)
    loss = made.manifest.loss
    assert isinstance(loss, WordLoss)
    assert (loss.min_cosine > 0.99999, loss.min_words_kept) == (True, 1.0)
    stated = read(made.folder, MANIFEST_FILE)
    assert f"{Path(stated['graph']).parent}/last_layer.safetensors" in stated["files"]
    assert set(stated["loss"]["texts"][0]) == {"max_difference", "min_cosine", "min_words_kept"}


@pytest.fixture(scope="module")
def sparse_export(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A checkpoint and its export, never changed."""
    made = tmp_path_factory.mktemp("sparse")
    folder = save_language_model(made / "plain")
    record = SparseModel(
        id="tiny-sparse",
        type="sparse",
        name="Tiny",
        huggingface_id="tests/tiny-sparse",
        organization="Tests",
        description="A model of the tests.",
        embedding_dim=n_words(folder),
        pooling="max",
        activation="log1p-relu",
    )
    return folder, export(record, backend="onnx", checkpoint=folder, to=made / "made").folder


@pytest.mark.parametrize("pooling", ["max", "sum"])
@pytest.mark.parametrize("activation", ["log1p-relu", "log1p-log1p-relu"])
def test_one_graph_serves_every_pooling_and_activation(
    pooling: str,
    activation: str,
    sparse_export: tuple[Path, Path],
    sparse_record: SparseRecord,
    texts: list[str],
) -> None:
    folder, made = sparse_export
    record = sparse_record(n_words(folder), pooling=pooling, activation=activation)
    with load(record, backend="onnx", checkpoint=made) as ours:
        assert_same_words(ours, load(record, checkpoint=folder, device="cpu"), texts)
        assert ours.memory_bytes > n_words(folder) * 32 * 4


def test_a_last_layer_of_another_size_is_refused(
    sparse_export: tuple[Path, Path], sparse_record: SparseRecord, tmp_path: Path
) -> None:
    folder, made = sparse_export
    record = sparse_record(n_words(folder), **SPLADE)
    copied = tmp_path / "copied"
    subprocess.run(["cp", "-r", str(made), str(copied)], check=True)
    (copied / MANIFEST_FILE).unlink()
    layer = copied / "onnx" / "last_layer.safetensors"
    tensors = load_file(layer)
    save_file({**tensors, "linear.bias": torch.zeros(3)}, layer)
    with pytest.raises(TensorError, match=r"linear\.bias \(\[3\], expected"):
        load(record, backend="onnx", checkpoint=copied)
    save_file({**tensors, "linear.weight": torch.zeros(n_words(folder), 8)}, layer)
    with pytest.raises(CheckpointError, match="returns last_layer_inputs of 32 dimensions"):
        load(record, backend="onnx", checkpoint=copied)
    layer.unlink()
    with pytest.raises(CheckpointError, match=r"last_layer\.safetensors is missing"):
        load(record, backend="onnx", checkpoint=copied)


def test_a_graph_that_returns_all_logits_is_run_one_text_at_a_time(
    sparse_export: tuple[Path, Path], sparse_record: SparseRecord, texts: list[str], tmp_path: Path
) -> None:
    import onnx

    folder, made = sparse_export
    record = sparse_record(n_words(folder), **SPLADE)
    copied = tmp_path / "copied"
    subprocess.run(["cp", "-r", str(made), str(copied)], check=True)
    (copied / MANIFEST_FILE).unlink()
    graph_file = copied / "onnx" / "model.onnx"
    layer = load_file(copied / "onnx" / "last_layer.safetensors")
    model = onnx.load(graph_file)
    weight = layer["linear.weight"].T.contiguous().numpy()
    model.graph.initializer.append(onnx.numpy_helper.from_array(weight, "w"))
    bias = layer["linear.bias"].numpy()
    model.graph.initializer.append(onnx.numpy_helper.from_array(bias, "b"))
    nodes = [
        onnx.helper.make_node("MatMul", ["last_layer_inputs", "w"], ["product"]),
        onnx.helper.make_node("Add", ["product", "b"], ["logits"]),
    ]
    model.graph.node.extend(nodes)
    shape: list[str | int | None] = ["batch", "tokens", n_words(folder)]
    output = onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, shape)
    del model.graph.output[:]
    model.graph.output.append(output)
    onnx.save(model, graph_file)
    ours = load(record, backend="onnx", checkpoint=copied)
    assert_same_words(ours, load(record, checkpoint=folder, device="cpu"), texts)


def test_queries_from_a_table_stand_beside_the_graph(
    sparse_record: SparseRecord, texts: list[str], tmp_path: Path
) -> None:
    plain = save_language_model(tmp_path / "plain")
    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(plain)
    torch.manual_seed(3)
    table = SparseStaticEmbedding(tokenizer=tokenizer, weight=torch.rand(len(tokenizer)))
    documents: list[Any] = [
        Transformer(str(plain), transformer_task="fill-mask"),
        SpladePooling("max", "log1p_relu"),
    ]
    router = Router.for_query_document([table], documents)
    folder = tmp_path / "saved"
    ReferenceEncoder(modules=[router], device="cpu").save(str(folder), create_model_card=False)
    record = sparse_record(n_words(plain))
    made = export(record, backend="onnx", checkpoint=folder, to=tmp_path / "made").folder
    ours = load(record, backend="onnx", checkpoint=made)
    assert ours.encoding.looks_queries_up
    assert_same_words(ours, load(record, checkpoint=folder, device="cpu"), texts)


def test_the_file_of_opensearch_stands_beside_the_graph(
    sparse_export: tuple[Path, Path], sparse_record: SparseRecord, texts: list[str], tmp_path: Path
) -> None:
    folder, made = sparse_export
    record = sparse_record(n_words(folder), **SPLADE)
    both = []
    for source in (folder, made):
        copied = tmp_path / source.name
        subprocess.run(["cp", "-r", str(source), str(copied)], check=True)
        (copied / "idf.json").write_text(json.dumps({"the": 1.5, "##a": 0.25, "e": 2}))
        both.append(copied)
    ours = load(record, backend="onnx", checkpoint=both[1])
    assert_same_words(ours, load(record, checkpoint=both[0], device="cpu"), texts)


def test_lexical_weights_are_those_of_torch(
    sparse_record: SparseRecord, texts: list[str], tmp_path: Path
) -> None:
    folder = save_language_model(tmp_path / "m3", "xlm-roberta")
    transformers.AutoModel.from_pretrained(folder).save_pretrained(folder)
    torch.manual_seed(5)
    layer = {"weight": torch.randn(1, 32), "bias": torch.tensor([2.0])}
    save_file(layer, folder / "sparse_linear.safetensors")
    record = sparse_record(n_words(folder), pooling="max", activation="relu", similarity="dot")
    made = export(record, backend="openvino", checkpoint=folder, to=tmp_path / "made").folder
    ours = load(record, backend="openvino", checkpoint=made)
    assert_same_words(ours, load(record, checkpoint=folder, device="cpu"), texts)


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
def test_late_interaction_of_bge_m3_has_the_vectors_of_torch(
    backend: Backend, texts: list[str], tmp_path: Path
) -> None:
    folder = save_bge_m3(tmp_path)
    made = export(COLBERT, backend=backend, checkpoint=folder, to=tmp_path / "made").folder
    theirs = load(COLBERT, checkpoint=folder, device="cpu")
    ours = load(COLBERT, backend=backend, checkpoint=made)
    assert ours.compatible_with(theirs)
    for side in ("encode_query", "encode_document"):
        found = getattr(ours, side)(texts, on_overflow="truncate")
        expected = getattr(theirs, side)(texts, on_overflow="truncate")
        for mine, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(mine, other, atol=1e-5)


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
@pytest.mark.parametrize("architecture", ["Bert", "DebertaV2", "ModernBert-mean", "Qwen3"])
def test_cross_encoders_have_the_scores_of_torch(
    architecture: str, backend: Backend, tmp_path: Path
) -> None:
    folder = save_head(tmp_path / "plain", architecture, num_labels=1)
    record = cross_encoder_record()
    made = export(record, backend=backend, checkpoint=folder, to=tmp_path / "made")
    ours = load(record, backend=backend, checkpoint=made.folder)
    theirs = load(record, checkpoint=folder, device="cpu")
    for batch_size in (None, 1):
        assert_scores_same(
            ours.predict(PAIRS, batch_size=batch_size, on_overflow="truncate"),
            theirs.predict(PAIRS, on_overflow="truncate"),
        )
    loss = made.manifest.loss
    assert isinstance(loss, ScoreLoss)
    assert (loss.max_difference <= 1e-4, loss.agreement) == (True, 1.0)
    assert len(read(made.folder, MANIFEST_FILE)["loss"]["inputs"]) == 36


@pytest.mark.parametrize("problem", ["single_label_classification", "multi_label_classification"])
def test_classifiers_have_the_labels_of_torch(
    problem: str, texts: list[str], tmp_path: Path
) -> None:
    labels = {0: "good", 1: "bad", 2: "neither"}
    folder = save_head(
        tmp_path / "plain", "Roberta", id2label=labels, num_labels=3, problem_type=problem
    )
    record = classifier_record()
    made = export(record, backend="onnx", checkpoint=folder, to=tmp_path / "made").folder
    ours = load(record, backend="onnx", checkpoint=made)
    theirs = load(record, checkpoint=folder, device="cpu")
    inputs: list[TextOrPair] = [*texts, *PAIRS]
    assert_scores_same(
        ours.predict_scores(inputs, on_overflow="truncate"),
        theirs.predict_scores(inputs, on_overflow="truncate"),
    )
    found, expected = (
        [[label.label for label in labels] for labels in encoder.classify(texts[:8])]
        for encoder in (ours, theirs)
    )
    assert found == expected


def test_scores_of_pooled_vectors_are_those_of_torch(bert_folder: Path, tmp_path: Path) -> None:
    torch.manual_seed(1)
    dense = Dense(32, 24, activation_function=torch.nn.GELU())
    modules = [
        Transformer(str(bert_folder)),
        Pooling(32, "cls"),
        dense,
        LayerNorm(24),
        Dense(24, 1, activation_function=None, module_output_name="scores"),
    ]
    folder = saved_modules(modules, tmp_path / "saved")
    record = cross_encoder_record()
    made = export(record, backend="onnx", checkpoint=folder, to=tmp_path / "made").folder
    ours = load(record, backend="onnx", checkpoint=made)
    theirs = load(record, checkpoint=folder, device="cpu")
    assert_scores_same(
        ours.predict(PAIRS, on_overflow="truncate"), theirs.predict(PAIRS, on_overflow="truncate")
    )


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
def test_answers_of_causal_models_are_those_of_torch(backend: Backend, tmp_path: Path) -> None:
    folder = reranker(tmp_path, config={"template": None})
    record = cross_encoder_record()
    made = export(record, backend=backend, checkpoint=folder, to=tmp_path / "made").folder
    ours = load(record, backend=backend, checkpoint=made)
    theirs = load(record, checkpoint=folder, device="cpu")
    assert_scores_same(
        ours.predict(PAIRS, on_overflow="truncate"), theirs.predict(PAIRS, on_overflow="truncate")
    )


def test_what_no_graph_keeps_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    record = cross_encoder_record()
    to = tmp_path / "made"
    templated = reranker(tmp_path)
    with pytest.raises(UnsupportedModelError, match="go through a chat template"):
        export(record, backend="onnx", checkpoint=templated, to=to)
    paired = save_head(tmp_path / "bart", "Bart", num_labels=1)
    with pytest.raises(UnsupportedModelError, match="a decoder beside the encoder"):
        export(record, backend="onnx", checkpoint=paired, to=to)
    endless = save_head(tmp_path / "qwen3", "Qwen3", num_labels=1, pad_token_id=None)
    with pytest.raises(UnsupportedModelError, match="knows no padding"):
        export(record, backend="onnx", checkpoint=endless, to=to)
    summed = save_xlnet(tmp_path / "xlnet", "last")
    with pytest.raises(UnsupportedModelError, match="its head reads padding"):
        export(record, backend="onnx", checkpoint=summed, to=to)
    assert not to.exists()


def test_a_limit_is_for_what_the_model_gives(record: Any, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="gives scores; say with max_difference="):
        export(cross_encoder_record(), backend="onnx", checkpoint=folder, min_cosine=0.5)
    with pytest.raises(ValueError, match="gives vectors; say with min_cosine="):
        export(record, backend="onnx", checkpoint=folder, max_difference=0.5)


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
def test_scores_in_int8_are_kept_only_where_they_are_near_enough(
    backend: Backend, tmp_path: Path
) -> None:
    folder = save_head(tmp_path / "plain", "Bert", num_labels=1)
    options: dict[str, Any] = {
        "backend": backend,
        "dtype": "int8",
        "checkpoint": folder,
        "to": tmp_path / "made",
    }
    with pytest.raises(ExportError, match="its scores in int8 are too far"):
        export(cross_encoder_record(), **options, max_difference=1e-6)
    assert not list(tmp_path.glob("*made*"))
    made = export(cross_encoder_record(), **options, max_difference=1)
    assert isinstance(made.manifest.loss, ScoreLoss)
    assert 1e-6 < made.manifest.loss.max_difference <= 1


PROGRAM = """
import sys
from holotype import load
from holotype.records import {kind}
record = {kind}(
    id="tiny", type={type!r}, name="Tiny", huggingface_id="tests/tiny", organization="Tests",
    description="A model of the tests.", embedding_dim={dim}, {known}
)
encoder = load(record, backend={backend!r}, checkpoint=sys.argv[1])
encoder.{call}
names = {{"torch", "transformers", "huggingface_hub", "httpx", "scipy", "onnx", {other!r}}}
print(sorted(names & set(sys.modules)))
"""


def imported(folder: Path, backend: str, **told: Any) -> str:
    """Return what loading and running a model in a fresh process has imported of what it must not."""
    other = {"onnx": "openvino", "openvino": "onnxruntime"}[backend]
    program = PROGRAM.format(backend=backend, other=other, **told)
    command = [sys.executable, "-c", program, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_sparse_models_run_without_torch_and_transformers(
    sparse_export: tuple[Path, Path],
) -> None:
    folder, made = sparse_export
    told = {"kind": "SparseModel", "type": "sparse", "call": "encode('a text').values[0]"}
    known = "pooling='max', activation='log1p-relu'"
    assert imported(made, "onnx", dim=n_words(folder), known=known, **told) == "[]\n"


@pytest.mark.parametrize(
    ("record", "backend", "call"),
    [
        (cross_encoder_record(), "onnx", "predict([('a query', 'a text')])[0]"),
        (classifier_record(), "openvino", "classify('a text')[0]"),
    ],
)
def test_heads_run_without_torch_and_transformers(
    record: CrossEncoderModel | ClassifierModel, backend: Backend, call: str, tmp_path: Path
) -> None:
    folder = save_head(tmp_path / "plain", "Bert", num_labels=1)
    made = export(record, backend=backend, checkpoint=folder, to=tmp_path / "made").folder
    kind = type(record).__name__
    told = {"kind": kind, "type": str(record.type), "dim": None, "known": "", "call": call}
    assert imported(made, backend, **told) == "[]\n"
