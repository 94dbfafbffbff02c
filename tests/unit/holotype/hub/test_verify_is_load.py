"""Where `load` refuses, `verify` differs: the same fields, with the same two values."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.unit.holotype.hub.checkpoints import (
    N_PARAMETERS,
    Files,
    as_json,
    bert,
    classifier,
    colbert_multi_vector,
    colbert_pylate,
    colbert_stanford,
    cross_encoder,
    dense,
    model2vec,
    saved,
    sparse,
    static,
)

from holotype.encoders import _load
from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.kinds.derived_record import recognise_kind
from holotype.errors import CatalogueMismatchError, HolotypeError
from holotype.hub.adding import statements
from holotype.hub.checkpoint_files import open_folder
from holotype.hub.fields import empty_record
from holotype.hub.verifying import Report, verify_folder
from holotype.records import ModelInfo

CHECKPOINTS: dict[str, Files] = {
    "dense": dense(),
    "plain": bert(),
    "model2vec": model2vec(),
    "static": static(),
    "stanford": colbert_stanford(),
    "pylate": colbert_pylate(),
    "multi-vector": colbert_multi_vector(),
    "sparse": sparse(),
    "masked": bert(architectures=["BertForMaskedLM"]),
    "cross-encoder": cross_encoder(),
    "classifier": classifier(),
    "regression": classifier()
    | {
        "config.json": as_json(
            {"architectures": ["BertForSequenceClassification"], "model_type": "bert"}
            | {"hidden_size": 32, "vocab_size": 100, "max_position_embeddings": 64}
            | {"id2label": {"0": "less", "1": "more"}, "problem_type": "regression"}
        )
    },
}
BESIDE = {
    *("dtype", "tokenizer_file", "config_file", "safetensors_file", "pytorch_file", "onnx_file"),
    *("license", "languages", "revision"),
}
"""What says nothing of how a model is run, and only `verify` compares."""
# What no checkpoint speaks of, or names the model and not what it is.
_NAMES = {
    *("id", "type", "name", "huggingface_id", "organization", "description", "provenance"),
    *("variants", "aliases", "matryoshka_dims"),
}
_TEXTS = (
    *("mean", "cls", "max", "sum", "cosine", "dot", "maxsim", "softmax", "sigmoid", "identity"),
    *("log1p-relu", "relu", "query: ", "", "[Q] ", "[D] ", "[unused0]", "static", "bert", "mit"),
)
_INTEGERS = (
    1,
    2,
    7,
    8,
    16,
    24,
    32,
    40,
    48,
    60,
    64,
    65,
    100,
    101,
    800,
    N_PARAMETERS,
    N_PARAMETERS + 999,
)
_TUPLES = ((), ("a",), ("first", "second", "last"), (".",), ("less", "more"))


def values_of(annotation: str) -> st.SearchStrategy[Any]:
    """Values that a field may have, by its type."""
    chosen: list[Any] = [] if annotation == "int" else [None]
    if "tuple" in annotation:
        return st.sampled_from([*_TUPLES, *chosen] if "None" in annotation else list(_TUPLES))
    if "int" in annotation.split(" "):
        chosen += _INTEGERS
    elif "bool" in annotation:
        chosen += [True, False]
    else:
        chosen += _TEXTS
    return st.sampled_from(chosen)


class _BuildingError(Exception):
    """`load` has accepted the files, and is about to read weights."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {name: tmp_path_factory.mktemp(name) for name in CHECKPOINTS}
    for name, files in CHECKPOINTS.items():
        saved(made[name], files)
    return made


def told(folder: Path) -> ModelInfo:
    """The record of all that a checkpoint says of itself."""
    kind = recognise_kind(Checkpoint(folder))
    said, _ = statements(open_folder(folder), "tests/tiny", kind)
    values = {field: setting.value for field, setting in said.items()}
    return dataclasses.replace(empty_record("tests/tiny", kind), **values)


def refused(record: ModelInfo, folder: Path) -> tuple[dict[str, Any], str | None]:
    """The differences for which `load` refuses a record, and why it refuses else."""

    def build(*_: object) -> None:
        raise _BuildingError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_load, "build_towers", build)
        try:
            _load.load(record, checkpoint=folder, device="cpu")
        except CatalogueMismatchError as error:
            return {field: (ours, theirs) for field, ours, theirs, _ in error.differences}, None
        except _BuildingError:
            return {}, None
        except HolotypeError as error:
            return {}, str(error)
    raise AssertionError


def differing(report: Report) -> dict[str, Any]:
    return {
        found.field: (found.ours, found.theirs)
        for found in report.having("differ")
        if found.field not in BESIDE
    }


def assert_same(record: ModelInfo, folder: Path) -> None:
    differences, refusal = refused(record, folder)
    report = verify_folder(record, folder)
    assert report.refusal == refusal
    if refusal is None:
        assert differing(report) == differences
    assert report.is_good == (
        not differences and refusal is None and report.error is None and not report.having("differ")
    )


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_record_that_says_what_the_checkpoint_says_is_accepted_by_both(
    name: str, folders: dict[str, Path]
) -> None:
    record = told(folders[name])
    differences, refusal = refused(record, folders[name])
    assert not differences
    assert not differing(verify_folder(record, folders[name]))
    assert (refusal is None) == (name not in ("plain", "masked"))


@pytest.mark.parametrize("name", CHECKPOINTS)
@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_verify_differs_exactly_where_load_refuses(
    name: str, folders: dict[str, Path], data: st.DataObject
) -> None:
    record = told(folders[name])
    fields = [field for field in dataclasses.fields(record) if field.name not in _NAMES]
    field = data.draw(st.sampled_from(fields))
    value = data.draw(values_of(str(field.type)))
    assert_same(dataclasses.replace(record, **{field.name: value}), folders[name])


@given(layers=st.integers(1, 100))
@example(layers=12)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_network_of_other_layers_is_refused(layers: int, folders: dict[str, Path]) -> None:
    record = dataclasses.replace(told(folders["dense"]), layers=layers)
    differences, _ = refused(record, folders["dense"])
    assert differences == ({} if layers == 2 else {"layers": (layers, 2)})


def test_a_shorter_length_than_the_tokenizers_is_no_difference(tmp_path: Path) -> None:
    files = {name: body for name, body in dense().items() if name != "sentence_bert_config.json"}
    saved(tmp_path, files)
    record = dataclasses.replace(told(tmp_path), context_length=40)
    assert refused(record, tmp_path) == ({}, None)
    assert verify_folder(record, tmp_path).is_good


def test_an_unknown_problem_type_is_refused_by_both_in_the_same_words(tmp_path: Path) -> None:
    files = bert(architectures=["BertForSequenceClassification"], problem_type="ordinal")
    saved(tmp_path, files)
    record = told(tmp_path)
    _, refusal = refused(record, tmp_path)
    assert refusal is not None
    assert "problem_type is 'ordinal'" in refusal
    assert verify_folder(record, tmp_path).refusal == refusal


def test_an_activation_that_nobody_knows_is_refused_by_both_in_the_same_words(
    tmp_path: Path,
) -> None:
    activation = {"activation_fn": "torch.nn.modules.activation.Hardtanh"}
    files = bert(
        architectures=["BertForSequenceClassification"],
        id2label={"0": "LABEL_0"},
        sentence_transformers=activation,
    )
    saved(tmp_path, files)
    record = told(tmp_path)
    _, refusal = refused(record, tmp_path)
    assert refusal is not None
    assert "Hardtanh" in refusal
    assert verify_folder(record, tmp_path).refusal == refusal
