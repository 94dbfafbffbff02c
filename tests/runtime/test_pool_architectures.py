"""Every word for an architecture that a deployment may state, on a checkpoint that it is true of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest
from sentence_transformers import SparseEncoder
from sentence_transformers.sentence_transformer.modules import Pooling
from sentence_transformers.sparse_encoder.modules import MLMTransformer, SpladePooling
from tests.runtime.conftest import HIDDEN_DIM
from tests.runtime.heads import save_head
from tests.runtime.image_models import blip, clip
from tests.runtime.parity import Save
from tests.runtime.sparse import save_language_model

from holotype.deployment.document import ArchitectureType
from holotype.pool import ContradictionError, Pool

HEADS = {
    "bert-sequence-classification": "Bert",
    "roberta-sequence-classification": "Roberta",
    "distilbert-sequence-classification": "DistilBert",
    "deberta-sequence-classification": "DebertaV2",
    "xlm-roberta-sequence-classification": "XLMRoberta",
    "modernbert-sequence-classification": "ModernBert",
}
IMAGE_MODELS = {"image-text": clip, "captioner": blip}
NAMES = {0: "calm", 1: "rude", 2: "toxic"}
WORDS = get_args(ArchitectureType)


def deployment(place: Path, checkpoint: Path, **architecture: object) -> Path:
    """Write a deployment of one model."""
    model = {"source": f"local:{checkpoint}/", "architecture": architecture}
    path = place / "deployment.json"
    path.write_text(json.dumps({"version": "1.0", "models": {"m": model}}))
    return path


def refused(path: Path) -> ContradictionError:
    with Pool.from_file(path) as pool, pytest.raises(ContradictionError) as caught:
        pool.load("m")
    assert repr(caught.value.expected) in str(caught.value)
    assert repr(caught.value.found) in str(caught.value)
    return caught.value


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def checkpoint_of(word: str, place: Path, save_dense: Save, save_colbert: Save) -> Path:
    if word in HEADS:
        return save_head(place / "model", HEADS[word], num_labels=3, id2label=NAMES)
    if word in IMAGE_MODELS:
        IMAGE_MODELS[word](place / "model")
        return place / "model"
    if word == "cross-encoder":
        return save_head(place / "model", "Bert", num_labels=1)
    if word == "colbert":
        return save_colbert()
    if word == "sparse":
        transformer = MLMTransformer(str(save_language_model(place / "language-model")))
        SparseEncoder(modules=[transformer, SpladePooling("max")], device="cpu").save(
            str(place / "model")
        )
        return place / "model"
    return save_dense(Pooling(HIDDEN_DIM, "mean"))


@pytest.mark.parametrize("word", WORDS)
def test_a_word_is_accepted_where_it_is_true_and_refused_where_it_is_not(
    word: str,
    tmp_path: Path,
    save_dense: Save,
    save_colbert: Save,
) -> None:
    checkpoint = checkpoint_of(word, tmp_path, save_dense, save_colbert)
    with Pool.from_file(deployment(tmp_path, checkpoint, type=word)) as pool:
        pool.load("m")
    other = WORDS[WORDS.index(word) - 1]
    error = refused(deployment(tmp_path, checkpoint, type=other))
    assert (error.what, error.expected) == ("architecture.type", other)


def test_the_labels_of_a_deployment_are_compared_with_those_of_the_checkpoint(
    tmp_path: Path,
) -> None:
    checkpoint = save_head(tmp_path / "model", "Bert", num_labels=3, id2label=NAMES)
    names = [*NAMES.values()]
    with Pool.from_file(deployment(tmp_path, checkpoint, num_labels=3, labels=names)) as pool:
        assert pool.classifier("m").labels == tuple(names)
    error = refused(deployment(tmp_path, checkpoint, num_labels=2))
    assert (error.expected, error.found) == (2, 3)
    error = refused(deployment(tmp_path, checkpoint, labels=names[::-1]))
    assert (error.expected, error.found) == (tuple(names[::-1]), tuple(names))
