"""What models share with others."""

from __future__ import annotations

from typing import Any

import pytest

from catalogue.facts import Fact
from catalogue.families import (
    Body,
    bodies,
    from_bodies,
    inherited,
    is_larger,
    without_changed_modules,
)

Line = dict[str, Any]
BODY = Body(86_000_064, 768, 30522, 12, "bert", "acme/base")
NONE: frozenset[int] = frozenset()


@pytest.fixture
def line(mteb_line: Line) -> Line:
    table = 50_000 * 768
    return mteb_line | {
        "embed_dim": 768,
        "n_parameters": BODY.size + table,
        "n_embedding_parameters": table,
    }


def test_a_body_of_the_same_size_is_the_same_transformer(line: Line) -> None:
    found = from_bodies(line, [BODY], NONE, NONE)
    source = "parameter-count: as acme/base"
    assert found["/specs/hidden_dim"] == [Fact(768, source)]
    assert found["/specs/vocab_size"] == [Fact(50_000, source)]
    assert found["/specs/layers"] == [Fact(12, source)]


def test_another_vocabulary_leaves_the_network_open(line: Line) -> None:
    assert "/architecture/type" not in from_bodies(line, [BODY], NONE, NONE)


def test_a_body_of_another_size_proves_nothing(line: Line) -> None:
    line["n_parameters"] += 1
    assert from_bodies(line, [BODY], NONE, NONE) == {}


def test_a_known_vocabulary_tells_the_width(line: Line) -> None:
    line["n_parameters"] = line["n_embedding_parameters"] + 1000 * 768
    found = from_bodies(line, [], frozenset({50_000}), NONE)
    assert found["/specs/hidden_dim"][0].value == 768


def test_nothing_but_token_vectors_is_static(line: Line) -> None:
    line |= {"n_parameters": 1_000_064, "n_embedding_parameters": 1_000_064, "embed_dim": 8}
    found = from_bodies(line, [], NONE, NONE)
    assert found["/architecture/type"][0].value == "static"
    assert found["/encoding/pooling"][0].value == "mean"
    assert found["/specs/vocab_size"][0].value == 1_000_064 // 8


def test_a_remembered_width_gives_no_body(line: Line, encoding_line: Line) -> None:
    encoding_line["sources"]["hidden_size"] = "memory"
    assert bodies({"acme/tiny-embed": encoding_line}, {"acme/tiny-embed": line}) == []


def test_a_fine_tuned_model_pools_as_its_base(line: Line) -> None:
    facts = {"/encoding/pooling": Fact("cls", "hub: 1_Pooling/config.json")}
    found = inherited(line, "acme/base", dict(line), facts)
    assert found["/encoding/pooling"] == [Fact("cls", "model-family: acme/base")]


def test_a_model_of_another_size_keeps_nothing_of_its_base(line: Line) -> None:
    base = line | {"n_parameters": line["n_parameters"] * 2}
    facts = {"/encoding/pooling": Fact("cls", "hub: 1_Pooling/config.json")}
    assert inherited(line, "acme/base", base, facts) == {}


def test_a_loader_of_its_own_may_pool_otherwise(line: Line) -> None:
    facts = {"/encoding/pooling": Fact("cls", "hub: 1_Pooling/config.json")}
    found = inherited(line | {"loader": "Own"}, "acme/base", dict(line), facts)
    assert "/encoding/pooling" not in found


def test_a_model_that_reads_further_than_its_base_may_pool_otherwise(line: Line) -> None:
    base = line | {"max_tokens": line["max_tokens"] // 2}
    cls = {"/encoding/pooling": Fact("cls", "hub: 1_Pooling/config.json")}
    last = {"/encoding/pooling": Fact("last-token", "hub: 1_Pooling/config.json")}
    assert "/encoding/pooling" not in inherited(line, "acme/base", base, cls)
    assert inherited(line, "acme/base", base, last)["/encoding/pooling"][0].value == "last-token"


def test_a_model_that_reads_further_than_its_base_normalises_as_it_does(line: Line) -> None:
    base = line | {"max_tokens": line["max_tokens"] // 2}
    normalised = {"/encoding/normalize": Fact(True, "hub: modules.json")}
    cls = {"/encoding/pooling": Fact("cls", "hub: 1_Pooling/config.json")}
    last = {"/encoding/pooling": Fact("last-token", "hub: 1_Pooling/config.json")}
    found = inherited(line, "acme/base", base, normalised | cls)
    assert found["/encoding/normalize"] == [Fact(True, "model-family: acme/base")]
    assert "/encoding/normalize" not in inherited(line, "acme/base", base, normalised | last)


def test_models_of_one_size_that_name_different_numbers_of_layers_prove_none(
    line: Line, encoding_line: Line
) -> None:
    encoding_line["hidden_size"] = 768
    encoding_line["sources"]["num_hidden_layers"] = "hf:config.json"
    rows = {"acme/a": encoding_line | {"num_hidden_layers": 12}}
    lines = {"acme/a": line, "acme/b": line}
    assert [body.layers for body in bodies(rows, lines)] == [12]
    rows["acme/b"] = encoding_line | {"num_hidden_layers": 6}
    assert [body.layers for body in bodies(rows, lines)] == [None]


def test_a_fine_tuned_model_keeps_the_layers_of_its_base(line: Line) -> None:
    facts = {"/specs/layers": Fact(12, "hub: config.json")}
    found = inherited(line, "acme/base", line, facts)
    assert found == {"/specs/layers": [Fact(12, "model-family: acme/base")]}


def test_a_model_that_departed_from_its_base_does_not_hand_that_on() -> None:
    own, kept = Fact(False, "hub: file list @ 1234567"), Fact("mean", "model-family: acme/base")
    width = Fact(768, "hub: config.json @ 1234567")
    said = {
        "/encoding/normalize": [own, Fact(True, "model-family: acme/base")],
        "/encoding/pooling": [kept],
        "/specs/hidden_dim": [width, Fact(384, "model-family: acme/base")],
    }
    facts = {"/encoding/normalize": own, "/encoding/pooling": kept, "/specs/hidden_dim": width}
    found = without_changed_modules(facts, said)
    assert found == {"/encoding/pooling": kept, "/specs/hidden_dim": width}


@pytest.mark.parametrize(
    ("width", "layers", "base", "larger"),
    [
        (1024, 22, "acme/base", True),
        (768, 28, "acme/base", True),
        (768, 22, "acme/base", False),
        (384, 6, "acme/base", False),
        (1024, 12, "google/bert_uncased_L-12_H-768_A-12", True),
        (128, 2, "google/bert_uncased_L-2_H-128_A-2", False),
        (1024, 24, "acme/unknown", False),
    ],
)
def test_a_network_outgrows_no_base(width: int, layers: int, base: str, larger: bool) -> None:
    facts = {"/specs/hidden_dim": [Fact(width, "x")], "/specs/layers": [Fact(layers, "x")]}
    shape = {"/specs/hidden_dim": Fact(768, "y"), "/specs/layers": Fact(22, "y")}
    assert is_larger(facts, base, shape if base == "acme/base" else {}) is larger


def test_a_network_of_unknown_size_may_have_any_base() -> None:
    assert not is_larger({}, "google/bert_uncased_L-12_H-768_A-12", {})
