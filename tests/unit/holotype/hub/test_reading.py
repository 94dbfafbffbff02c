"""What is read of checkpoints of every kind, and compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
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
    modules,
    record,
    safetensors,
    saved,
    sparse,
    static,
)

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.kinds.derived_record import recognise_kind
from holotype.encoders.kinds.planning import make_plan
from holotype.errors import CheckpointError, UnsupportedCheckpointError, WrongKindError
from holotype.hub.adding import statements
from holotype.hub.verifying import Finding, Report, verify_folder
from holotype.records import ClassifierModel, DenseModel

ST = "sentence_transformers"


def told(folder: Path, files: Files) -> dict[str, object]:
    opened = saved(folder, files)
    said, _ = statements(opened, "tests/tiny", recognise_kind(Checkpoint(opened.folder)))
    return {field: setting.value for field, setting in said.items()}


@pytest.mark.parametrize(
    ("files", "kind", "expected"),
    [
        (
            dense(),
            "dense",
            {"embedding_dim": 32, "pooling": "mean", "normalize": True, "context_length": 48}
            | {"has_projection": False, "parameters": N_PARAMETERS, "license": "mit"}
            | {"languages": ("en",), "tokenizer_file": "tokenizer.json"}
            | {"layers": 2, "dtype": "float32"},
        ),
        (bert(), "dense", {"embedding_dim": 32, "context_length": 64}),
        (
            colbert_pylate(),
            "colbert",
            {"embedding_dim": 16, "has_projection": True, "projection_dims": 16}
            | {"query_length": 24, "document_length": 60, "query_marker": "[Q] "}
            | {
                "query_expansion": True,
                "skiplist": "punctuation",
                "parameters": N_PARAMETERS + 512,
            },
        ),
        (
            colbert_stanford(),
            "colbert",
            {"embedding_dim": 16, "projection_dims": 16, "query_length": 32}
            | {"document_marker": "[unused1]", "skiplist": "punctuation"},
        ),
        (
            colbert_multi_vector(),
            "colbert",
            {"embedding_dim": 16, "query_length": 24, "query_expansion": False}
            | {"skiplist": (".",)},
        ),
        (
            sparse(),
            "sparse",
            {"embedding_dim": 100, "pooling": "max", "activation": "log1p-relu"}
            | {"similarity": "dot"},
        ),
        (bert(architectures=["BertForMaskedLM"]), "sparse", {"embedding_dim": 100}),
        (cross_encoder(), "cross-encoder", {"activation": "identity", "hidden_dim": 32}),
        (
            classifier(),
            "classifier",
            {"labels": ("first", "second", "last"), "multi_label": True},
        ),
        (
            model2vec(),
            "dense",
            {"architecture_type": "static", "embedding_dim": 8, "vocab_size": 100}
            | {"normalize": True, "pooling": "mean", "parameters": 800},
        ),
        (
            static(),
            "dense",
            {"architecture_type": "static", "embedding_dim": 8, "normalize": False},
        ),
    ],
)
def test_a_checkpoint_of_every_kind_is_read(
    tmp_path: Path, files: Files, kind: str, expected: dict[str, object]
) -> None:
    found = told(tmp_path, files)
    assert recognise_kind(Checkpoint(tmp_path)) == kind
    assert {field: found.get(field) for field in expected} == expected


def test_without_readable_weights_stanfords_metadata_tells_the_projection(tmp_path: Path) -> None:
    files = colbert_stanford()
    files["pytorch_model.bin"] = files.pop("model.safetensors")
    found = told(tmp_path, files)
    assert found["embedding_dim"] == 16
    assert "parameters" not in found


def test_names_that_transformers_makes_up_are_no_labels(tmp_path: Path) -> None:
    names = {"0": "LABEL_0", "1": "LABEL_1"}
    architectures = ["BertForSequenceClassification"]
    assert "labels" not in told(tmp_path, bert(architectures=architectures, id2label=names))


def test_files_that_do_not_tell_the_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedCheckpointError, match="holds no model"):
        recognise_kind(Checkpoint(tmp_path))


@pytest.mark.parametrize(
    ("architecture", "does"),
    [
        ("BertForTokenClassification", "labels each token"),
        ("DebertaV2ForQuestionAnswering", "finds the span of an answer"),
        ("XLMRobertaForMultipleChoice", "chooses between answers"),
    ],
)
def test_a_head_that_no_kind_of_model_has_is_refused_by_its_name(
    tmp_path: Path, architecture: str, does: str
) -> None:
    saved(tmp_path, bert(architectures=[architecture]))
    with pytest.raises(UnsupportedCheckpointError, match=f"is a {architecture}, which {does}"):
        recognise_kind(Checkpoint(tmp_path))


def verified(folder: Path, files: Files, **known: Any) -> Report:
    saved(folder, files)
    return verify_folder(record(**known), folder)


def finding(report: Report, field: str) -> Finding:
    return next(found for found in report.findings if found.field == field)


@pytest.mark.parametrize(
    ("known", "field", "theirs", "file"),
    [
        ({"pooling": "cls"}, "pooling", "mean", "1_Pooling/config.json"),
        ({"normalize": False}, "normalize", True, "modules.json"),
        ({"embedding_dim": 64}, "embedding_dim", 32, "config.json"),
        ({"hidden_dim": 64}, "hidden_dim", 32, "config.json"),
        ({"vocab_size": 99}, "vocab_size", 100, "config.json"),
        ({"context_length": 64}, "context_length", 48, "sentence_bert_config.json"),
        ({"max_position_embeddings": 66}, "max_position_embeddings", 64, "config.json"),
        ({"parameters": 9}, "parameters", N_PARAMETERS, "model.safetensors"),
        ({"layers": 12}, "layers", 2, "config.json"),
        ({"dtype": "float16"}, "dtype", "float32", "model.safetensors"),
        ({"architecture_type": "roberta"}, "architecture_type", "bert", "config.json"),
        ({"has_projection": True}, "has_projection", False, "modules.json"),
        ({"license": "apache-2.0"}, "license", "mit", "README.md"),
        ({"requires_remote_code": True}, "requires_remote_code", False, "config.json"),
        ({"pytorch_file": "m.bin"}, "pytorch_file", "(no such file)", "the list of files"),
    ],
)
def test_a_wrong_value_differs(
    tmp_path: Path, known: dict[str, Any], field: str, theirs: object, file: str
) -> None:
    report = verified(tmp_path, dense(), **known)
    found = finding(report, field)
    assert (found.outcome, found.theirs, found.file) == ("differ", theirs, file)
    assert [each.field for each in report.having("differ")] == [field]
    assert not report.is_good


def test_a_right_value_agrees_and_a_missing_one_is_the_checkpoints(tmp_path: Path) -> None:
    known = {"pooling": "mean", "similarity": "cosine", "onnx_file": "onnx/model.onnx"}
    report = verified(tmp_path, dense(), **known)
    assert finding(report, "pooling").outcome == "agree"
    # A folder need not hold the conversions of its repository.
    assert finding(report, "onnx_file").outcome == "not said"
    assert finding(report, "normalize").outcome == "checkpoint only"
    assert finding(report, "similarity").outcome == "not said"
    assert report.is_good


def test_prompts_are_compared_as_they_are_loaded(tmp_path: Path) -> None:
    prompts = {"query": "Instruct: find it\nQuery: ", "document": "passage: "}
    files = dense() | {"config_sentence_transformers.json": as_json({"prompts": prompts})}
    template = "Instruct: {instruction}\nQuery: "
    report = verified(tmp_path, files, query_prompt=template, document_prompt="text: ")
    assert finding(report, "query_prompt").outcome == "agree"
    assert finding(report, "document_prompt").outcome == "differ"


def test_code_of_its_own_is_noticed_and_the_rest_still_compared(tmp_path: Path) -> None:
    files = dense(auto_map={"AutoModel": "modeling.TinyModel"})
    files["modules.json"] = modules("custom_st.Transformer", f"{ST}.models.Pooling")
    report = verified(tmp_path, files, vocab_size=99)
    assert finding(report, "requires_remote_code").theirs is True
    assert finding(report, "vocab_size").outcome == "differ"
    assert report.refusal is not None
    assert "custom_st.Transformer" in report.refusal
    assert not report.is_good


def test_a_licence_that_the_hub_does_not_know_goes_by_its_name(tmp_path: Path) -> None:
    card = b"---\nlicense: other\nlicense_name: Gemma\n---\n"
    report = verified(tmp_path, dense() | {"README.md": card}, license="gemma")
    assert finding(report, "license").outcome == "agree"


@pytest.mark.parametrize("name", ["config.json", "modules.json", "1_Pooling/config.json"])
def test_a_damaged_file_is_an_error_of_its_entry(tmp_path: Path, name: str) -> None:
    report = verified(tmp_path, dense() | {name: b"<html>"})
    assert report.error is not None
    assert f"{name}: is not JSON" in report.error
    assert not report.is_good


def test_damaged_front_matter_is_told_and_nothing_is_taken_of_it(tmp_path: Path) -> None:
    report = verified(tmp_path, dense() | {"README.md": b"---\nlicense: [\n---\n"})
    assert report.error is None
    assert "README.md: its front matter is not valid YAML" in report.notes[-1]
    assert "license" not in {found.field for found in report.findings}


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    report = verify_folder(record(), tmp_path / "none")
    assert report.error == (
        f"{tmp_path / 'none'}: there is no such folder; expected one with a checkpoint"
    )


def test_labels_are_compared_in_their_order(tmp_path: Path) -> None:
    saved(tmp_path, classifier())
    known = ClassifierModel(
        id="tiny",
        type="classifier",
        name="Tiny",
        huggingface_id="tests/tiny",
        organization="Tests",
        description="A model.",
        embedding_dim=None,
        labels=("second", "first", "last"),
    )
    assert finding(verify_folder(known, tmp_path), "labels").outcome == "differ"


def test_a_dense_record_of_a_colbert_checkpoint_is_refused_as_load_refuses_it(
    tmp_path: Path,
) -> None:
    saved(tmp_path, colbert_pylate())
    values: DenseModel[Any] = record()
    refusal = verify_folder(values, tmp_path).refusal
    with pytest.raises(WrongKindError, match="is a late-interaction model") as caught:
        make_plan(values, Checkpoint(tmp_path))
    assert refusal == str(caught.value)


def test_labels_without_numbers_are_damage(tmp_path: Path) -> None:
    files = bert(architectures=["BertForSequenceClassification"], id2label={"a": "x"})
    with pytest.raises(CheckpointError, match="expected labels by their number"):
        told(tmp_path, files)


@pytest.mark.parametrize(
    "name", ["num_hidden_layers", "n_layers", "n_layer", "num_layers", "encoder_layers"]
)
def test_layers_go_by_several_names(tmp_path: Path, name: str) -> None:
    config = {"num_hidden_layers": None, name: 7}
    assert told(tmp_path, bert(**config))["layers"] == 7


def pickled(**changes: Any) -> Files:
    files = dense(**changes)
    files["pytorch_model.bin"] = files.pop("model.safetensors")
    return files


@pytest.mark.parametrize(
    ("config", "dtype"),
    [
        ({"torch_dtype": "float16"}, "float16"),
        ({"dtype": "bfloat16", "torch_dtype": "float32"}, "bfloat16"),
        ({"dtype": "torch.float32"}, "float32"),
        ({"dtype": "float8_e4m3fn"}, "float8_e4m3"),
        ({"dtype": "auto"}, None),
        ({"dtype": {"text": "float16"}}, None),
        ({}, None),
    ],
)
def test_of_pickled_weights_the_configuration_tells_the_type(
    tmp_path: Path, config: dict[str, Any], dtype: str | None
) -> None:
    assert told(tmp_path, pickled(**config)).get("dtype") == dtype


def test_what_safetensors_hold_is_believed_before_the_configuration(tmp_path: Path) -> None:
    report = verified(tmp_path, dense(torch_dtype="float16"), dtype="float32")
    assert finding(report, "dtype").outcome == "agree"


def test_weights_without_a_known_type_are_not_told_by_the_configuration(tmp_path: Path) -> None:
    files = dense(torch_dtype="float16")
    files["model.safetensors"] = safetensors({"table": ("F4", [100, 32])})
    assert "dtype" not in told(tmp_path, files)


def test_a_table_of_token_vectors_has_a_type_and_no_layers(tmp_path: Path) -> None:
    found = told(tmp_path, static())
    assert found["dtype"] == "float32"
    assert "layers" not in found
