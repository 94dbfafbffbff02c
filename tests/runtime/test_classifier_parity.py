"""Classifiers of several architectures: the labels and scores of transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.runtime.conftest import TEXTS
from tests.runtime.heads import (
    ARCHITECTURES,
    CHARACTERS,
    N_POSITIONS,
    PAIRS,
    classifier_record,
    save_head,
)
from tests.runtime.parity import assert_scores_same, subject
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

from holotype.encoders import load
from holotype.encoders.classifier import Classifier, TextOrPair
from holotype.encoders.running.scores import Scores
from holotype.errors import TextOverflowError, TextOverflowWarning

NAMES = {0: "negative", 1: "neutral", 2: "positive"}
LABELS = tuple(NAMES.values())


def reference_logits(folder: Path, inputs: list[TextOrPair]) -> Scores:
    """Return the logits of transformers' own model, one input at a time."""
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    rows = []
    for given in inputs:
        # As a batch of one: a pair that is passed alone loses an empty second text.
        tokens = tokenizer([given], truncation=True, max_length=N_POSITIONS, return_tensors="pt")
        with torch.inference_mode():
            rows.append(model(**tokens).logits[0].numpy())
    return np.stack(rows)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier of three labels."""
    made = tmp_path_factory.mktemp("classifier")
    return save_head(made, "Bert", num_labels=3, id2label=NAMES)


@pytest.fixture(scope="module")
def classifier(folder: Path) -> Classifier:
    """A classifier of three labels, of which a text has one."""
    return load(classifier_record(), checkpoint=folder)


@pytest.fixture(scope="module")
def multi_label(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    """A classifier of three labels, of which a text may have any."""
    problem = "multi_label_classification"
    made = tmp_path_factory.mktemp("multi")
    save_head(made, "Roberta", num_labels=3, id2label=NAMES, problem_type=problem)
    return load(classifier_record(), checkpoint=made)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_logits_of_texts_and_pairs(architecture: str, tmp_path: Path) -> None:
    inputs: list[TextOrPair] = [*TEXTS, *PAIRS]
    folder = save_head(tmp_path, architecture, num_labels=3, id2label=NAMES)
    classifier = load(classifier_record(), checkpoint=folder)
    assert (classifier.labels, classifier.max_length) == (LABELS, N_POSITIONS)
    theirs, of = reference_logits(folder, inputs), subject(classifier, folder, "transformers")
    for batch_size in (None, 4):
        ours = classifier.predict_scores(
            inputs, activation="logits", batch_size=batch_size, on_overflow="truncate"
        )
        assert_scores_same(ours, theirs, of=of)


def test_a_head_that_knows_no_padding_reads_one_text_at_a_time(tmp_path: Path) -> None:
    inputs: list[TextOrPair] = ["late", *PAIRS[:6]]
    folder = save_head(tmp_path, "Qwen3", num_labels=3, pad_token_id=None)
    ours = load(classifier_record(), checkpoint=folder).predict_scores(
        inputs, activation="logits", batch_size=4
    )
    assert_scores_same(ours, reference_logits(folder, inputs))


@pytest.mark.parametrize(
    "config",
    [
        {"num_labels": 3},
        {"num_labels": 3, "problem_type": "single_label_classification"},
        {"num_labels": 3, "problem_type": "multi_label_classification"},
        {"num_labels": 1},
        {"num_labels": 1, "problem_type": "regression"},
        {"num_labels": 2},
    ],
)
def test_scores_are_those_of_the_pipeline(config: dict[str, Any], tmp_path: Path) -> None:
    folder = save_head(tmp_path, "Bert", **config)
    run: Any = pipeline("text-classification", model=str(folder), device="cpu")
    classifier = load(classifier_record(), checkpoint=folder)
    texts = [text for text in TEXTS if len(text) < 80]
    theirs, of = run(texts, top_k=None), subject(classifier, folder, "transformers")
    ours = classifier.predict_scores(texts)
    assert ours.shape == (len(texts), config["num_labels"])
    for row, expected in zip(ours, theirs, strict=True):
        by_label = {found["label"]: found["score"] for found in expected}
        wanted = np.array([by_label[label] for label in classifier.labels], dtype=np.float32)
        assert_scores_same(row, wanted, of=of)
    best = [found[0].label for found in classifier.classify(texts, top_k=1)]
    assert best == [found[0]["label"] for found in theirs]


def test_a_text_of_a_hundred_thousand_characters(folder: Path, classifier: Classifier) -> None:
    inputs: list[TextOrPair] = [CHARACTERS, "x"]
    ours = classifier.predict_scores(inputs, activation="logits", on_overflow="truncate")
    of = subject(classifier, folder, "transformers")
    assert_scores_same(ours, reference_logits(folder, inputs), of=of)


def test_a_text_has_its_best_label(classifier: Classifier) -> None:
    scores = classifier.predict_scores(["a text", "another"])
    found = classifier.classify(["a text", "another"])
    assert [labels[0].label for labels in found] == [
        LABELS[at] for at in scores.argmax(axis=1).tolist()
    ]
    assert [len(labels) for labels in found] == [1, 1]
    assert scores.sum(axis=1) == pytest.approx([1, 1], abs=1e-6)


def test_more_labels_come_best_first(classifier: Classifier) -> None:
    found = classifier.classify("a text", top_k=3)
    assert {label.label for label in found} == set(LABELS)
    assert [label.score for label in found] == sorted(
        (label.score for label in found), reverse=True
    )
    assert classifier.classify("a text", top_k=2) == found[:2]


def test_a_label_that_is_not_sure_enough_does_not_apply(classifier: Classifier) -> None:
    best = classifier.classify("a text")[0]
    assert classifier.classify("a text", threshold=best.score) == (best,)
    assert classifier.classify("a text", threshold=1.0) == ()
    second = classifier.classify("a text", thresholds={best.label: 1.0})
    assert second == classifier.classify("a text", top_k=3)[1:2]


def test_a_text_may_have_several_labels(multi_label: Classifier) -> None:
    assert (multi_label.multi_label, multi_label.activation) == (True, "sigmoid")
    scores = multi_label.predict_scores(TEXTS[:3])
    found = multi_label.classify(TEXTS[:3])
    assert [{label.label for label in labels} for labels in found] == [
        {LABELS[at] for at in np.flatnonzero(row >= 0.5)} for row in scores
    ]
    alone = multi_label.predict_scores(TEXTS[0])
    least = {label: float(score) for label, score in zip(LABELS, alone, strict=True)}
    assert len(multi_label.classify(TEXTS[0], thresholds=least)) == 3
    assert len(multi_label.classify(TEXTS[0], threshold=0.0)) == 3
    assert len(multi_label.classify(TEXTS[0], top_k=2)) == 2


def test_thresholds_of_labels_that_do_not_exist(classifier: Classifier) -> None:
    with pytest.raises(ValueError, match="thresholds names 'toxic', but the labels are 'negative'"):
        classifier.classify("a text", thresholds={"toxic": 0.5})


def test_one_text_and_one_pair_are_no_list(classifier: Classifier) -> None:
    assert classifier.predict_scores("a text").shape == (3,)
    assert classifier.predict_scores(("a premise", "a hypothesis")).shape == (3,)
    assert classifier.predict_scores(["a text", "another"]).shape == (2, 3)
    assert classifier.predict_scores([("a premise", "a hypothesis")]).shape == (1, 3)
    assert classifier.predict_scores([]).shape == (0, 3)
    assert classifier.classify([]) == []
    with pytest.raises(TypeError, match="of 3 parts; expected two texts"):
        classifier.classify(("a", "b", "c"))


def test_texts_that_are_cut_are_told(classifier: Classifier) -> None:
    with pytest.warns(TextOverflowWarning, match="1 of 2 texts is longer than the 96 tokens"):
        classifier.classify(["short", "long " * 100])
    with pytest.raises(TextOverflowError):
        classifier.classify([("short", "long " * 100)], on_overflow="error")


def test_the_representation_names_labels_and_activation(classifier: Classifier) -> None:
    assert repr(classifier) == (
        "Classifier('tiny-classifier', labels=('negative', 'neutral', 'positive'), "
        "multi_label=False, activation='softmax', max_length=96, device='cpu', dtype='float32')"
    )


@pytest.mark.parametrize("candidates", [["sport", "politics", "France"], ["sport"]])
@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize(
    "names",
    [
        {0: "contradiction", 1: "entailment", 2: "neutral"},
        {0: "entailment", 1: "neutral", 2: "contradiction"},
        {0: "entailment", 1: "not_entailment"},
    ],
)
def test_labels_of_ones_own_are_scored_as_the_pipeline_does(
    names: dict[int, str], multi_label: bool, candidates: list[str], tmp_path: Path
) -> None:
    numbers = {name: at for at, name in names.items()}
    folder = save_head(tmp_path, "Roberta", id2label=names, label2id=numbers)
    run: Any = pipeline("zero-shot-classification", model=str(folder), device="cpu")
    classifier = load(classifier_record(), checkpoint=folder)
    texts = ["Paris is the capital of France.", "late interaction"]
    found = classifier.classify_zero_shot(texts, candidates, multi_label=multi_label)
    for ours, theirs in zip(found, run(texts, candidates, multi_label=multi_label), strict=True):
        assert [label.label for label in ours] == theirs["labels"]
        assert [label.score for label in ours] == pytest.approx(theirs["scores"], abs=1e-5)
    alone = classifier.classify_zero_shot(texts[0], candidates, hypothesis="It is {}.")
    theirs = run(texts[0], candidates, hypothesis_template="It is {}.")
    assert [label.score for label in alone] == pytest.approx(theirs["scores"], abs=1e-5)


def test_labels_of_ones_own_need_inference(classifier: Classifier, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="do not say what entails and what contradicts"):
        classifier.classify_zero_shot("a text", ["sport"])
    names = {0: "entailment", 1: "not_entailment"}
    folder = save_head(tmp_path, "Bert", num_labels=2, id2label=names)
    inference = load(classifier_record(), checkpoint=folder)
    assert inference.classify_zero_shot([], ["sport"]) == []
    with pytest.raises(ValueError, match="expected different labels, at least one"):
        inference.classify_zero_shot("a text", ["sport", "sport"])
    with pytest.raises(ValueError, match=r"has no .\{\}. where a label would stand"):
        inference.classify_zero_shot("a text", ["sport"], hypothesis="It is sport.")
    untyped: Any = inference
    for labels, problem in [
        ({"x": "sport"}, "labels is of type dict"),
        ({"sport"}, "labels is of type set"),
        (None, "labels is None"),
        (["sport", None], "the label at index 1 is None"),
    ]:
        with pytest.raises(TypeError, match=problem):
            untyped.classify_zero_shot("a text", labels)
    with pytest.raises(TypeError, match="the template is None; expected str"):
        untyped.classify_zero_shot("a text", ["sport"], hypothesis=None)
    expected = inference.classify_zero_shot("a text", ["sport", "art"])
    for given in (iter(["sport", "art"]), np.array(["sport", "art"])):
        assert untyped.classify_zero_shot("a text", given) == expected


def test_progress_knows_how_many_texts_there_are(
    classifier: Classifier, capfd: pytest.CaptureFixture[str]
) -> None:
    classifier.classify(["a", "b", "c"], progress=True)
    assert "3/3" in capfd.readouterr().err
    classifier.predict_scores(iter(["a", "b"]), progress=True)
    assert "2 texts" in capfd.readouterr().err
