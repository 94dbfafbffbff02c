"""Records and checkpoints of cross-encoders and classifiers that do not fit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sentence_transformers.base.modules.dense import Dense
from sentence_transformers.sentence_transformer.modules import Pooling
from tests.runtime.heads import (
    PAIRS,
    classifier_record,
    cross_encoder_record,
    cross_encoder_reference,
    save_head,
    saved_by_reference,
)
from tests.runtime.parity import ColbertRecord, DenseRecord, Save, change, change_tensors, read
from tests.runtime.parity import write as write_file
from transformers import BertConfig, BertModel

from holotype.encoders import load
from holotype.errors import (
    CatalogueMismatchError,
    CheckpointError,
    ClosedEncoderError,
    InstructionError,
    InvalidArgumentError,
    TensorError,
    TextOverflowError,
    TextOverflowWarning,
    UnsafeCheckpointError,
    UnsupportedCheckpointError,
    WrongKindError,
)

NAMES = {0: "negative", 1: "neutral", 2: "positive"}


@pytest.fixture
def reranker(tmp_path: Path) -> Path:
    """A sound reranker."""
    return save_head(tmp_path / "reranker", "Bert", num_labels=1)


@pytest.fixture
def classifier(tmp_path: Path) -> Path:
    """A sound classifier of three labels."""
    return save_head(tmp_path / "classifier", "Bert", num_labels=3, id2label=NAMES)


def differences(record: Any, folder: Path) -> dict[str, tuple[object, object, str]]:
    with pytest.raises(CatalogueMismatchError) as caught:
        load(record, checkpoint=folder)
    return {field: (ours, theirs, file) for field, ours, theirs, file in caught.value.differences}


def test_every_field_of_a_cross_encoder_is_compared(reranker: Path, tmp_path: Path) -> None:
    folder = saved_by_reference(
        reranker, tmp_path / "saved", prompts={"web": "query: "}, default_prompt_name="web"
    )
    record = cross_encoder_record(
        activation="identity",
        query_prompt="search: ",
        hidden_dim=64,
        vocab_size=7,
        context_length=512,
    )
    vocab_size = read(folder, "config.json")["vocab_size"]
    library = "config_sentence_transformers.json"
    assert differences(record, folder) == {
        "hidden_dim": (64, 32, "config.json"),
        "vocab_size": (7, vocab_size, "config.json"),
        "query_prompt": ("search: ", "query: ", library),
        "activation": ("identity", "sigmoid", library),
        "context_length": (512, 96, "tokenizer_config.json"),
    }


def test_every_field_of_a_classifier_is_compared(classifier: Path) -> None:
    change(classifier, "config.json", problem_type="single_label_classification")
    record = classifier_record(
        labels=("negative", "positive"), multi_label=True, activation="identity"
    )
    names = ("negative", "neutral", "positive")
    assert differences(record, classifier) == {
        "labels": (("negative", "positive"), names, "config.json"),
        "multi_label": (True, False, "config.json"),
        "activation": ("identity", "sigmoid", "config.json"),
    }


def test_placeholders_are_no_labels(tmp_path: Path) -> None:
    folder = save_head(tmp_path, "Bert", num_labels=3)
    assert load(classifier_record(), checkpoint=folder).labels == ("LABEL_0", "LABEL_1", "LABEL_2")
    named = load(classifier_record(labels=("a", "b", "c")), checkpoint=folder)
    assert named.labels == ("a", "b", "c")
    assert named.classify("a text")[0].label in ("a", "b", "c")
    placeholders = ("LABEL_0", "LABEL_1", "LABEL_2")
    assert differences(classifier_record(labels=("a", "b")), folder) == {
        "labels": (("a", "b"), placeholders, "config.json")
    }


def test_a_config_without_labels_has_two(tmp_path: Path) -> None:
    folder = save_head(tmp_path, "Bert", num_labels=2)
    values = read(folder, "config.json")
    write_file(
        folder,
        "config.json",
        {key: value for key, value in values.items() if key not in ("id2label", "label2id")},
    )
    assert load(classifier_record(), checkpoint=folder).labels == ("LABEL_0", "LABEL_1")


@pytest.mark.parametrize(
    "names", [{"0": "a", "2": "b", "3": "c"}, {"0": "a", "1": 7, "2": "c"}, {}]
)
def test_labels_that_are_not_numbered(names: dict[str, Any], classifier: Path) -> None:
    change(classifier, "config.json", id2label=names)
    with pytest.raises(CheckpointError, match="names by numbers from 0 on"):
        load(classifier_record(), checkpoint=classifier)


def test_two_labels_of_one_name(classifier: Path) -> None:
    change(classifier, "config.json", id2label={"0": "a", "1": "a", "2": "b"})
    with pytest.raises(CheckpointError, match="two of its labels have one name"):
        load(classifier_record(), checkpoint=classifier)


def test_a_record_makes_several_labels_possible(classifier: Path) -> None:
    loaded = load(classifier_record(multi_label=True), checkpoint=classifier)
    assert (loaded.multi_label, loaded.activation) == (True, "sigmoid")
    by_scores = load(classifier_record(activation="sigmoid"), checkpoint=classifier)
    assert (by_scores.multi_label, by_scores.activation) == (True, "sigmoid")


@pytest.mark.parametrize("name", ["classifier.weight", "bert.pooler.dense.bias"])
def test_no_weight_of_a_head_is_made_up(name: str, reranker: Path) -> None:
    change_tensors(reranker, "model.safetensors", **{name.replace(".", "__"): None})
    for record in (cross_encoder_record(), classifier_record()):
        with pytest.raises(TensorError) as caught:
            load(record, checkpoint=reranker)
        assert caught.value.missing == (name,)


def test_a_tensor_without_a_place(reranker: Path) -> None:
    change_tensors(reranker, "model.safetensors", second__weight=torch.zeros(2))
    with pytest.raises(TensorError) as caught:
        load(cross_encoder_record(), checkpoint=reranker)
    assert caught.value.unexpected == ("second.weight",)


def test_a_head_of_another_width(classifier: Path) -> None:
    change_tensors(classifier, "model.safetensors", classifier__weight=torch.zeros(2, 32))
    with pytest.raises(TensorError, match=r"classifier\.weight \(\[2, 32\], expected \[3, 32\]\)"):
        load(classifier_record(), checkpoint=classifier)


def test_heads_of_pretraining_may_be_left_over(tmp_path: Path) -> None:
    folder = save_head(tmp_path, "Roberta", num_labels=1)
    change_tensors(
        folder,
        "model.safetensors",
        roberta__pooler__dense__weight=torch.zeros(32, 32),
        lm_head__bias=torch.zeros(7),
    )
    assert isinstance(load(cross_encoder_record(), checkpoint=folder).predict(("a", "b")), float)


def test_a_transformer_without_a_head(tmp_path: Path, reranker: Path) -> None:
    config = BertConfig(**{k: v for k, v in read(reranker, "config.json").items() if k != "dtype"})
    BertModel(config).save_pretrained(reranker)
    for record in (cross_encoder_record(), classifier_record()):
        with pytest.raises(WrongKindError, match="BertModel; expected an architecture that ends"):
            load(record, checkpoint=reranker)


def test_no_kind_is_loaded_as_another(
    reranker: Path,
    save_dense: Save,
    save_colbert: Save,
    dense_record: DenseRecord,
    colbert_record: ColbertRecord,
) -> None:
    dense, colbert = save_dense(Pooling(32, "mean")), save_colbert()
    for folder, kind in ((dense, "SentenceTransformer"), (colbert, "MultiVectorEncoder")):
        for record in (cross_encoder_record(), classifier_record()):
            with pytest.raises(WrongKindError, match=f"says that it is a {kind}"):
                load(record, checkpoint=folder)
    with pytest.raises(WrongKindError, match="which scores or classifies"):
        load(dense_record(pooling="mean"), checkpoint=reranker)
    with pytest.raises(WrongKindError, match="which scores or classifies"):
        load(colbert_record(32), checkpoint=reranker)


def test_a_dense_model_of_an_older_library_gives_no_scores(save_dense: Save) -> None:
    folder = save_dense(Pooling(32, "mean"), Dense(32, 1))
    (folder / "config_sentence_transformers.json").unlink()
    for record in (cross_encoder_record(), classifier_record()):
        with pytest.raises(WrongKindError, match="makes vectors, and no config_sentence"):
            load(record, checkpoint=folder)


def test_pooled_vectors_are_no_scores(save_dense: Save) -> None:
    folder = save_dense(Pooling(32, "mean"))
    change(folder, "config_sentence_transformers.json", model_type="CrossEncoder")
    with pytest.raises(CheckpointError, match="no linear layer that gives scores"):
        load(cross_encoder_record(), checkpoint=folder)


def test_scores_made_of_pooled_vectors_are_no_labels(save_dense: Save) -> None:
    folder = save_dense(Pooling(32, "mean"), Dense(32, 3))
    change(folder, "config_sentence_transformers.json", model_type="CrossEncoder")
    with pytest.raises(UnsupportedCheckpointError, match="use a record of the kind cross-encoder"):
        load(classifier_record(), checkpoint=folder)


def test_an_unknown_activation_is_refused(reranker: Path) -> None:
    named = {"activation_fn": "torch.nn.modules.activation.Tanh"}
    change(reranker, "config.json", sentence_transformers=named)
    with pytest.raises(
        UnsupportedCheckpointError,
        match=r"reranker/config\.json: says in activation_fn that '.*Tanh' turns",
    ):
        load(cross_encoder_record(), checkpoint=reranker)


def test_an_unknown_problem_is_refused(classifier: Path) -> None:
    change(classifier, "config.json", problem_type="ranking")
    with pytest.raises(UnsupportedCheckpointError, match="problem_type is 'ranking'"):
        load(classifier_record(), checkpoint=classifier)


def test_pickled_weights_are_refused(reranker: Path) -> None:
    torch.save(load_file(reranker / "model.safetensors"), reranker / "pytorch_model.bin")
    (reranker / "model.safetensors").unlink()
    with pytest.raises(UnsafeCheckpointError, match="only pickled weights"):
        load(cross_encoder_record(), checkpoint=reranker)


def test_quantised_weights_and_adapters_are_refused(reranker: Path) -> None:
    change(reranker, "config.json", quantization_config={"bits": 4})
    with pytest.raises(UnsupportedCheckpointError, match="quantised"):
        load(cross_encoder_record(), checkpoint=reranker)
    (reranker / "adapter_config.json").write_text("{}")
    with pytest.raises(UnsupportedCheckpointError, match="adapter"):
        load(cross_encoder_record(), checkpoint=reranker)


def test_code_of_the_checkpoint_is_refused(reranker: Path) -> None:
    auto_map = {"AutoModelForSequenceClassification": "modeling.Model"}
    change(reranker, "config.json", auto_map=auto_map)
    with pytest.raises(UnsafeCheckpointError, match="AutoModelForSequenceClassification is Python"):
        load(cross_encoder_record(), checkpoint=reranker)
    load(cross_encoder_record(requires_remote_code=False), checkpoint=reranker)


def test_a_length_without_room_for_two_texts(reranker: Path) -> None:
    with pytest.raises(ValueError, match="leaves no room for two texts"):
        load(cross_encoder_record(context_length=4), checkpoint=without_length(reranker))


def without_length(folder: Path) -> Path:
    """Let the tokenizer and the library say no length, so that the record may."""
    values = read(folder, "tokenizer_config.json")
    write_file(folder, "tokenizer_config.json", values | {"model_max_length": int(1e30)})
    return folder


def test_calls_that_make_no_sense(reranker: Path, classifier: Path) -> None:
    encoder: Any = load(cross_encoder_record(), checkpoint=reranker)
    with pytest.raises(TypeError, match="the pair at index 1 is of 3 parts"):
        encoder.predict([("a", "b"), ("a", "b", "c")])
    with pytest.raises(TypeError, match="the second text of the pair at index 0 is of type int"):
        encoder.predict([("a", 3)])
    with pytest.raises(TypeError, match="got a single text"):
        encoder.predict("a text")
    with pytest.raises(TypeError, match="documents is a single text"):
        encoder.rank("a query", "a document")
    with pytest.raises(ValueError, match="activation is 'tanh'; expected one of record, logits"):
        encoder.predict([("a", "b")], activation="tanh")
    with pytest.raises(ValueError, match="softmax turns a single score into 1"):
        encoder.predict([("a", "b")], activation="softmax")
    for top_k in (-1, 0):
        with pytest.raises(InvalidArgumentError, match=f"top_k is {top_k}; expected a whole"):
            encoder.rank("a", ["b"], top_k=top_k)
    with pytest.raises(InstructionError):
        encoder.predict([("a", "b")], instruction="Find code.")
    several = load(cross_encoder_record(), checkpoint=classifier)
    with pytest.raises(ValueError, match="by which documents cannot be ranked"):
        several.rank("a", ["b"])
    with pytest.raises(ValueError, match="pass a list of one pair"):
        several.predict(("a", "b"))


def test_cuts_are_told_with_their_numbers(reranker: Path) -> None:
    encoder = load(cross_encoder_record(), checkpoint=reranker)
    long = ("a " * 80, "b " * 80)
    with pytest.raises(TextOverflowError) as caught:
        encoder.predict([("a", "b"), long], on_overflow="error")
    tokens = len(cross_encoder_reference(reranker).tokenizer(*long)["input_ids"])
    error = caught.value
    assert (error.n_texts, error.n_tokens, error.first_index) == (1, tokens - 96, 1)
    with pytest.warns(TextOverflowWarning, match="2 of 3 texts"):
        encoder.predict([long, ("a", "b"), (long[0], "b")])


def test_a_closed_encoder_says_so(reranker: Path, classifier: Path) -> None:
    encoder, labels = (
        load(cross_encoder_record(), checkpoint=reranker),
        load(classifier_record(), checkpoint=classifier),
    )
    assert encoder.memory_bytes > 10_000
    encoder.close()
    labels.close()
    with pytest.raises(ClosedEncoderError):
        encoder.predict([("a", "b")])
    with pytest.raises(ClosedEncoderError):
        labels.classify("a")


def test_sixteen_threads_get_what_one_gets(reranker: Path) -> None:
    encoder = load(cross_encoder_record(), checkpoint=reranker)
    alone = encoder.predict(PAIRS, on_overflow="truncate")
    with ThreadPoolExecutor(16) as threads:
        calls = [threads.submit(encoder.predict, PAIRS, on_overflow="truncate") for _ in range(32)]
    for call in calls:
        assert np.abs(call.result() - alone).max() <= 1e-6


def test_half_precision_gives_nearly_the_same_scores(reranker: Path) -> None:
    whole = load(cross_encoder_record(), checkpoint=reranker).predict(PAIRS[:5])
    half = load(cross_encoder_record(), checkpoint=reranker, dtype="bfloat16")
    scores = half.predict(PAIRS[:5])
    assert half.dtype == "bfloat16"
    assert scores.dtype == np.float32
    assert np.abs(scores - whole).max() < 0.1
