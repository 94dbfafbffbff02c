"""The two older formats are read as they stand, and written in the current one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.holotype.deployment.made import only_model, only_problem, problems_of

from holotype.deployment.document import (
    CustomSource,
    ModelSpec,
    ReferenceSource,
    SagemakerSource,
    VariantSpec,
)
from holotype.deployment.reading import Document, read_documents, read_text
from holotype.deployment.writing import to_yaml

OLDER_YAML = """\
models:
  toxicity:
    source: {type: huggingface, repo: org/toxic-bert}
    architecture: {type: bert-sequence-classification, num_labels: 2, labels: [toxic, insult]}
    inference: {device: cpu, threshold: 0.5, max_length: 512}
  local: {source: {type: local, path: ./models/a}}
"""


def flat(**values: Any) -> str:
    return json.dumps({"m": {"type": "sentence_transformer", "model_path": "org/model"} | values})


def source_of(model: ModelSpec) -> Any:
    (variant,) = model.variants
    return (
        str(variant.source.ref) if isinstance(variant.source, ReferenceSource) else variant.source
    )


def test_the_older_yaml_is_read_with_sources_that_move() -> None:
    reading = read_documents([Document(name="old.yaml", text=OLDER_YAML)])
    assert reading.older == ("old.yaml",)
    model, local = reading.deployment.models
    assert source_of(model) == "hf:org/toxic-bert"
    assert model.allow_moving
    assert model.architecture.labels == ("toxic", "insult")
    assert (model.inference.threshold, model.inference.device) == (0.5, "cpu")
    assert source_of(local) == "local:models/a"


def test_a_current_file_that_forgets_its_version_is_not_taken_for_an_older_one() -> None:
    problem = only_problem("models: {m: {source: 's3://bkt/x', preload: true}}")
    assert problem.found == 'the key "version" is missing'


@pytest.mark.parametrize(
    ("values", "source"),
    [
        ({"model_path": "org/model"}, "hf:org/model"),
        ({"model_path": "all-MiniLM-L6-v2"}, "hf:sentence-transformers/all-MiniLM-L6-v2"),
        ({"model_path": "./models/a"}, "local:models/a"),
        ({"model_path": "/srv/models/a"}, "local:/srv/models/a"),
        ({"model_path": "srv/models/a"}, "local:srv/models/a"),
        ({"model_path": "s3://bucket/models/a"}, "s3://bucket/models/a"),
        ({"type": "s3", "model_path": "s3://bucket/models/a/"}, "s3://bucket/models/a"),
        ({"type": "s3", "model_path": "s3://bucket/models/a/model.onnx"}, "s3://bucket/models/a"),
        ({"type": "bert", "model_path": "org/model"}, "hf:org/model"),
        ({"type": "bert", "model_path": "mine"}, "local:mine"),
        ({"type": "onnx", "model_path": "./a/onnx/model.onnx"}, "local:a"),
        ({"type": "onnx", "model_path": "./a/model.onnx"}, "local:a"),
        ({"type": "onnx", "model_path": "model.onnx"}, "local:."),
        ({"type": "onnx", "model_path": "org/model"}, "hf:org/model"),
        ({"type": "sagemaker", "model_path": "emb"}, SagemakerSource(endpoint="emb")),
        ({"type": "custom", "model_path": "acme.deep:Enc"}, CustomSource(factory="acme.deep:Enc")),
        ({"type": "custom", "model_path": "acme.deep.Enc"}, CustomSource(factory="acme.deep:Enc")),
    ],
)
def test_a_flat_model_becomes_a_source(values: dict[str, Any], source: Any) -> None:
    assert source_of(only_model(flat(**values))) == source


def test_a_path_that_is_there_is_no_repository(tmp_path: Path) -> None:
    (tmp_path / "org/model").mkdir(parents=True)
    (model,) = read_text(flat(), folder=str(tmp_path)).models
    assert source_of(model) == f"local:{tmp_path}/org/model"


def test_a_flat_model_says_its_memory_and_whether_it_is_preloaded() -> None:
    model = only_model(flat(RAM=0.5, preload=True))
    assert (model.memory_bytes, model.preload) == (2**29, True)
    assert only_model(flat(RAM=0)).memory_bytes is None


def test_a_flat_model_says_what_it_is_and_what_runs_it() -> None:
    assert only_model(flat()).architecture.type == "sentence-transformer"
    assert only_model(flat(type="bert")).architecture.type == "bert-sequence-classification"
    onnx = only_model(flat(type="s3", model_path="s3://bucket/a/model.onnx"))
    assert (onnx.architecture.type, onnx.variants[0].inference.backend) == (None, "onnx")


@pytest.mark.parametrize(
    ("values", "pointer", "action"),
    [
        ({"type": "sentence-transformer"}, "/m/type", "write sentence_transformer"),
        ({"ram": 0.5}, "/m/ram", 'did you mean "RAM"?'),
        ({"RAM": "0.5"}, "/m/RAM", "write 0.5, without quotes"),
        ({"preload": "yes"}, "/m/preload", "write true"),
        ({"type": "s3"}, "/m/model_path", "write the bucket"),
        ({"type": "onnx", "model_path": "a/other.onnx"}, "/m/model_path", "onnx/model.onnx"),
        ({"type": "bert", "model_path": "s3://B/x"}, "/m/model_path", "S3://BUCKET"),
        ({"api_key": "x"}, "/m/api_key", "revoke it"),
    ],
)
def test_a_wrong_flat_model_is_refused_at_its_own_place(
    values: dict[str, Any], pointer: str, action: str
) -> None:
    problem = only_problem(flat(**values))
    assert (problem.id, problem.pointer) == ("m", pointer)
    assert action.lower() in problem.action.lower()


def test_every_problem_of_a_flat_file_is_told() -> None:
    text = json.dumps(
        {
            "a": {"type": "brt", "model_path": "x"},
            "b": {"type": "bert"},
            "c": {"type": "bert", "model_path": 5},
            "d": 7,
        },
        indent=1,
    )
    assert [each.pointer for each in problems_of(text)] == ["/a/type", "/b", "/c/model_path", "/d"]


def test_a_store_gives_no_code_in_the_flat_format_either() -> None:
    text = flat(type="custom", model_path="acme:Encoder")
    assert only_problem(text, allow_code=False).rule == "code"


@pytest.mark.parametrize(
    "text",
    [
        OLDER_YAML,
        flat(),
        flat(RAM=0.9, preload=True),
        flat(type="s3", model_path="s3://bucket/a/model.onnx"),
    ],
)
def test_what_is_converted_says_the_same_and_is_not_older(text: str) -> None:
    old = read_text(text)
    reading = read_documents([Document(name="new.yaml", text=to_yaml(old))])
    assert (reading.deployment, reading.older) == (old, ())


def test_a_converted_model_shows_that_its_source_moves() -> None:
    assert "allow_moving: true" in to_yaml(read_text(flat()))
    assert VariantSpec.__slots__[0] == "name"
