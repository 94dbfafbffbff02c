"""Cross-encoders of several architectures and formats: the scores of sentence-transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers.base.modules import Transformer
from sentence_transformers.base.modules.dense import Dense
from sentence_transformers.sentence_transformer.modules import LayerNorm, Pooling
from tests.runtime.heads import (
    ARCHITECTURES,
    CHARACTERS,
    HUGE_PAIRS,
    N_POSITIONS,
    PAIRS,
    assert_cross_encoder_parity,
    cross_encoder_record,
    cross_encoder_reference,
    save_head,
    save_xlnet,
    saved_by_reference,
    saved_modules,
)
from tests.runtime.parity import assert_scores_same, change, subject
from torch import nn

from holotype.encoders import load

RECORD = cross_encoder_record()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT reranker as transformers saves it."""
    return save_head(tmp_path_factory.mktemp("plain"), "Bert", num_labels=1)


@pytest.mark.parametrize("architecture", [name for name in ARCHITECTURES if name != "Bart"])
def test_rerankers_of_many_architectures(architecture: str, tmp_path: Path) -> None:
    plain = save_head(tmp_path / "plain", architecture, num_labels=1)
    encoder = load(RECORD, checkpoint=plain)
    assert encoder.max_length == N_POSITIONS
    assert (encoder.activation, encoder.n_labels) == ("sigmoid", 1)
    assert_cross_encoder_parity(encoder, plain)
    folder = saved_by_reference(plain, tmp_path / "saved")
    assert_cross_encoder_parity(load(RECORD, checkpoint=folder), folder)


@pytest.mark.parametrize("architecture", ["Bert", "Roberta", "DebertaV2"])
def test_several_labels_give_several_scores(architecture: str, tmp_path: Path) -> None:
    labels = {0: "contradiction", 1: "entailment", 2: "neutral"}
    plain = save_head(tmp_path / "plain", architecture, num_labels=3, id2label=labels)
    encoder = load(RECORD, checkpoint=plain)
    assert encoder.encoding.labels == ("contradiction", "entailment", "neutral")
    assert encoder.activation == "identity"
    assert_cross_encoder_parity(encoder, plain)
    reference = cross_encoder_reference(plain)
    assert_scores_same(
        encoder.predict(PAIRS, activation="softmax", on_overflow="truncate"),
        reference.predict(PAIRS, apply_softmax=True),
    )


@pytest.mark.parametrize(
    "values",
    [
        {"sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity"}},
        {"sbert_ce_default_activation_function": "torch.nn.modules.linear.Identity"},
    ],
)
def test_older_files_name_the_activation_elsewhere(values: dict[str, Any], tmp_path: Path) -> None:
    folder = save_head(tmp_path, "Bert", num_labels=1)
    change(folder, "config.json", **values)
    encoder = load(RECORD, checkpoint=folder)
    assert encoder.activation == "identity"
    assert_cross_encoder_parity(encoder, folder)


def test_the_activation_of_the_newer_format(plain: Path, tmp_path: Path) -> None:
    folder = saved_by_reference(plain, tmp_path, activation_fn=nn.Identity())
    encoder = load(RECORD, checkpoint=folder)
    assert encoder.activation == "identity"
    assert_cross_encoder_parity(encoder, folder)


def test_the_default_prompt_stands_before_the_query(plain: Path, tmp_path: Path) -> None:
    folder = saved_by_reference(
        plain, tmp_path, prompts={"web": "query: "}, default_prompt_name="web"
    )
    encoder = load(RECORD, checkpoint=folder)
    assert encoder.encoding.query_prompt.text == "query: "
    assert_cross_encoder_parity(encoder, folder)


def test_prompts_of_the_record(plain: Path) -> None:
    record = cross_encoder_record(query_prompt="query: ", document_prompt="text: ")
    ours = load(record, checkpoint=plain).predict(PAIRS, on_overflow="truncate")
    prompted = [(f"query: {query}", f"text: {document}") for query, document in PAIRS]
    assert_scores_same(ours, cross_encoder_reference(plain).predict(prompted))


def test_documents_are_ranked_by_logits_where_the_sigmoid_saturates(tmp_path: Path) -> None:
    folder = save_head(tmp_path, "Bert", num_labels=1)
    tensors = load_file(folder / "model.safetensors")
    tensors["classifier.bias"][:] = 60
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    encoder = load(RECORD, checkpoint=folder)
    documents = list("abcdefgh")
    logits = encoder.predict([("q", one) for one in documents], activation="logits")
    worst_first = [documents[at] for at in logits.argsort()]
    ranked = encoder.rank("q", worst_first)
    assert {one.score for one in ranked} == {1.0}
    assert [one.corpus_id for one in ranked] == [7, 6, 5, 4, 3, 2, 1, 0]


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_scores_made_of_pooled_vectors(pooling: str, bert_folder: Path, tmp_path: Path) -> None:
    modules: list[Any] = [
        Transformer(str(bert_folder), max_seq_length=48),
        Pooling(32, pooling),
        Dense(32, 24, activation_function=nn.GELU(), bias=False),
        LayerNorm(24),
        Dense(24, 1, activation_function=nn.Identity(), module_output_name="scores"),
    ]
    torch.nn.init.normal_(modules[3].norm.weight)
    torch.nn.init.normal_(modules[3].norm.bias)
    folder = saved_modules(modules, tmp_path)
    encoder = load(RECORD, checkpoint=folder)
    assert (encoder.n_labels, encoder.max_length) == (1, 48)
    assert_cross_encoder_parity(encoder, folder)


def test_a_hundred_thousand_characters_on_either_side(plain: Path) -> None:
    encoder = load(RECORD, checkpoint=plain)
    ours = encoder.predict(HUGE_PAIRS, on_overflow="truncate")
    theirs = cross_encoder_reference(plain).predict(HUGE_PAIRS)
    assert_scores_same(ours, theirs, of=subject(encoder, plain))


def test_a_hundred_thousand_characters_on_both_sides(plain: Path) -> None:
    encoder = load(RECORD, checkpoint=plain)
    both = [(CHARACTERS, CHARACTERS[1:])]
    beginnings = [(CHARACTERS[:999], CHARACTERS[1:999])]
    np.testing.assert_array_equal(
        encoder.predict(both, on_overflow="truncate"),
        encoder.predict(beginnings, on_overflow="truncate"),
    )


def test_one_pair_gives_a_float(plain: Path) -> None:
    encoder = load(RECORD, checkpoint=plain)
    score = encoder.predict(PAIRS[0])
    assert isinstance(score, float)
    assert score == pytest.approx(float(encoder.predict(PAIRS[:1])[0]), abs=1e-6)


def test_no_pairs_give_no_scores(plain: Path, tmp_path: Path) -> None:
    encoder = load(RECORD, checkpoint=plain)
    assert encoder.predict([]).shape == (0,)
    assert encoder.rank("a query", []) == []
    several = load(RECORD, checkpoint=save_head(tmp_path, "Bert", num_labels=3))
    assert several.predict([]).shape == (0, 3)


def test_an_iterator_of_pairs_is_read_once(plain: Path) -> None:
    encoder = load(RECORD, checkpoint=plain)
    np.testing.assert_array_equal(
        encoder.predict(iter(PAIRS), on_overflow="truncate"),
        encoder.predict(PAIRS, on_overflow="truncate"),
    )


def test_the_best_documents_come_first(plain: Path) -> None:
    encoder = load(RECORD, checkpoint=plain)
    documents = ["a", "b", "a", "c d e", "f"]
    whole = encoder.rank("a query", documents)
    scores = [found.score for found in whole]
    assert scores == sorted(scores, reverse=True)
    assert encoder.rank("a query", documents, top_k=2) == whole[:2]
    assert {found.text for found in whole} == {None}
    positions = [found.corpus_id for found in whole]
    # Equal documents have equal scores, and stay in their order.
    assert positions.index(0) + 1 == positions.index(2)


def test_results_say_what_their_scores_are(plain: Path) -> None:
    encoder = load(cross_encoder_record(activation="identity"), checkpoint=plain)
    assert encoder.rank("a", ["b"])[0].activation == "identity"
    assert encoder.rank("a", ["b"], activation="sigmoid")[0].activation == "sigmoid"
    assert repr(encoder) == (
        "CrossEncoder('tiny-reranker', activation='identity', n_labels=1, "
        "query_prompt='', document_prompt='', max_length=96, "
        "device='cpu', dtype='float32')"
    )


def test_progress_knows_how_many_pairs_there_are(
    plain: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    encoder = load(RECORD, checkpoint=plain)
    encoder.predict(PAIRS[:4], progress=True)
    assert "4/4" in capfd.readouterr().err
    encoder.rank("a query", iter(["a", "b", "c"]), progress=True)
    assert "3/3" in capfd.readouterr().err
    encoder.predict(iter(PAIRS[:4]), progress=True)
    assert "4 texts" in capfd.readouterr().err


@pytest.mark.parametrize("summary", ["first", "last", "mean"])
def test_a_head_that_reads_padding(summary: str, tmp_path: Path) -> None:
    save_xlnet(tmp_path, summary)
    encoder = load(RECORD, checkpoint=tmp_path, device="cpu")
    theirs = cross_encoder_reference(tmp_path).predict(PAIRS, batch_size=1)
    ours = encoder.predict(PAIRS, on_overflow="truncate")
    assert_scores_same(ours, theirs, of=subject(encoder, tmp_path))
    assert_scores_same(encoder.predict(PAIRS[::-1], on_overflow="truncate")[::-1], theirs)
