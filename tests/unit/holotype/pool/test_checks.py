"""What a loaded model must be."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from holotype.errors import NotFiniteError
from holotype.pool.checks import check_successor, check_unit, facts_of, run_probe
from holotype.pool.errors import ContradictionError, ModelLoadError
from holotype.pool.generation import Facts
from holotype.pool.sizes import Need
from holotype.pool.slot import Unit


def facts(**values: Any) -> Facts:
    known: dict[str, Any] = {
        "kind": "dense",
        "architecture": "bert",
        "labels": (),
        "dim": 4,
        "max_length": 128,
        "fingerprint": "f",
    }
    return Facts(**{**known, **values})


def unit(**values: Any) -> Unit:
    return Unit(
        identity="i",
        size_key="s",
        reference="fake:a",
        device="cpu",
        open=lambda: None,
        prepare=lambda: None,
        need=lambda: Need(n_bytes=0, origin="unknown"),
        **values,
    )


CLASSIFIER = facts(kind="classifier", labels=("a", "b"), dim=None)


@pytest.mark.parametrize(
    ("stated", "found", "what"),
    [
        ({"type": "colbert"}, facts(), "architecture.type"),
        ({"type": "bert-sequence-classification"}, facts(), "architecture.type"),
        ({"type": "roberta-sequence-classification"}, CLASSIFIER, "architecture.type"),
        ({"n_labels": 3}, CLASSIFIER, "num_labels"),
        ({"labels": ("b", "a")}, CLASSIFIER, "labels"),
        ({"dim": 8}, facts(), "dimensions"),
        ({"max_length": 64}, facts(), "max_length"),
    ],
)
def test_a_contradiction_shows_both_values(stated: dict[str, Any], found: Facts, what: str) -> None:
    with pytest.raises(ContradictionError) as caught:
        check_unit("m", unit(**stated), found)
    assert caught.value.what == what
    assert repr(caught.value.expected) in str(caught.value)
    assert repr(caught.value.found) in str(caught.value)


@pytest.mark.parametrize(
    ("stated", "found"),
    [
        ({}, facts()),
        ({"type": "sentence-transformer", "dim": 4, "max_length": 128}, facts()),
        ({"type": "bert-sequence-classification", "labels": ("a", "b"), "n_labels": 2}, CLASSIFIER),
        (
            {"type": "xlm-roberta-sequence-classification"},
            facts(kind="classifier", architecture="xlm_roberta"),
        ),
        (
            {"type": "deberta-sequence-classification"},
            facts(kind="classifier", architecture="deberta-v2"),
        ),
        ({"dim": 4}, facts(dim=None)),
    ],
)
def test_what_the_deployment_says_or_leaves_open_is_accepted(
    stated: dict[str, Any], found: Facts
) -> None:
    check_unit("m", unit(**stated), found)


def test_equal_fingerprints_may_replace_each_other() -> None:
    assert not check_successor("m", facts(), facts(), allow_different_vectors=False)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (facts(), facts(fingerprint="g"), "fingerprint"),
        (facts(), facts(dim=8, fingerprint="g"), "dimensions"),
        (facts(fingerprint=None), facts(fingerprint=None), "fingerprint"),
        (CLASSIFIER, facts(kind="classifier", labels=("a", "c")), "labels"),
    ],
)
def test_what_differs_is_refused_unless_it_is_meant(old: Facts, new: Facts, what: str) -> None:
    with pytest.raises(ContradictionError) as caught:
        check_successor("m", old, new, allow_different_vectors=False)
    assert caught.value.what == what
    assert check_successor("m", old, new, allow_different_vectors=True)


def test_another_kind_is_refused_even_where_other_vectors_are_meant() -> None:
    with pytest.raises(ContradictionError, match="kind"):
        check_successor("m", facts(), CLASSIFIER, allow_different_vectors=True)


def test_the_fingerprint_of_a_classifier_does_not_matter() -> None:
    other = facts(kind="classifier", labels=("a", "b"), fingerprint="g")
    assert not check_successor("m", CLASSIFIER, other, allow_different_vectors=False)


def test_what_can_neither_encode_nor_classify_is_refused() -> None:
    with pytest.raises(ModelLoadError, match="SimpleNamespace has neither encode"):
        facts_of(SimpleNamespace(), "m")


def test_the_kind_of_a_custom_class_follows_from_its_methods() -> None:
    classifier = SimpleNamespace(classify=print, encode=print, labels=["a"])
    assert facts_of(classifier, "m").kind == "classifier"
    assert facts_of(classifier, "m").labels == ("a",)
    assert facts_of(SimpleNamespace(encode=print), "m").kind == "dense"


@pytest.mark.parametrize("values", [[[np.nan, 1.0]], [[np.inf, 1.0]]])
def test_a_probe_refuses_what_is_not_finite(values: Any) -> None:
    model = SimpleNamespace(encode=lambda texts: np.array(values))
    with pytest.raises(NotFiniteError):
        run_probe(model, "m", facts(dim=2))


def test_a_probe_refuses_another_shape_than_the_model_states() -> None:
    model = SimpleNamespace(encode=lambda texts: np.zeros((1, 3)))
    with pytest.raises(ContradictionError, match="shape of vectors"):
        run_probe(model, "m", facts(dim=2))
    run_probe(model, "m", facts(dim=3))


def test_a_probe_runs_every_kind() -> None:
    score = SimpleNamespace(score=float("nan"))
    with pytest.raises(NotFiniteError):
        run_probe(SimpleNamespace(classify=lambda texts: [[score]]), "m", CLASSIFIER)
    reranker = facts(kind="cross-encoder", dim=None)
    run_probe(SimpleNamespace(predict=lambda pairs: np.zeros(1)), "m", reranker)
    with pytest.raises(NotFiniteError):
        run_probe(SimpleNamespace(predict=lambda pairs: np.array([np.nan])), "m", reranker)
    run_probe(SimpleNamespace(encode=lambda texts: object()), "m", facts(kind="sparse"))
