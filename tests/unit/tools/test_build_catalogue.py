from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from build_catalogue import main, make

Made = Callable[[], dict[str, Any]]


@pytest.fixture
def made(
    selection: dict[str, Any],
    curated: dict[str, Any],
    encoding_line: dict[str, Any],
    mteb_line: dict[str, Any],
    score_line: dict[str, Any],
) -> Made:
    def build() -> dict[str, Any]:
        lines = (encoding_line, mteb_line, score_line)
        encoding, mteb, scores = ({line["huggingface_id"]: line} for line in lines)
        entries = make(selection, curated, encoding, mteb, scores).catalogue["models"]
        entry: dict[str, Any] = next(entry for entry in entries if entry["id"] == "tiny-embed")
        return entry

    return build


def test_a_file_of_the_repository_is_believed_before_mteb(made: Made) -> None:
    entry = made()
    assert entry["specs"]["context_length"] == 16
    assert entry["provenance"]["/specs/context_length"] == "hub: sentence_bert_config.json @ main"


def test_a_remembered_value_is_never_taken(made: Made) -> None:
    entry = made()
    assert entry["encoding"]["pooling"] is None
    assert "memory" not in json.dumps(entry)


def test_a_value_set_by_hand_wins(made: Made, curated: dict[str, Any]) -> None:
    curated["facts"]["tiny-embed"] = {"/specs/context_length": [24, "web: acme.example"]}
    entry = made()
    assert entry["specs"]["context_length"] == 24
    assert entry["provenance"]["/specs/context_length"] == "web: acme.example"


def test_null_set_by_hand_withdraws_what_the_facts_say(made: Made, curated: dict[str, Any]) -> None:
    curated["facts"]["tiny-embed"] = {"/specs/parameters": [None, "maintainers: wrong"]}
    entry = made()
    assert entry["specs"]["parameters"] is None
    assert "/specs/parameters" not in entry["provenance"]


def test_scores_come_from_the_joined_results_as_fractions(made: Made) -> None:
    assert made()["performance"] == {"beir_avg": 0.4, "ms_marco_mrr10": 0.3}


def test_points_of_a_hundred_are_never_mixed_in(made: Made, score_line: dict[str, Any]) -> None:
    score_line["beir15_avg"] = score_line["msmarco_dev_mrr_at_10"] = None
    assert made()["performance"] == {"beir_avg": None, "ms_marco_mrr10": None}


def test_a_cross_encoder_gets_no_retrieval_scores(made: Made, selection: dict[str, Any]) -> None:
    selection["models"][0]["type"] = "cross-encoder"
    entry = made()
    assert entry["performance"] == {"beir_avg": None, "ms_marco_mrr10": None}
    assert entry["specs"]["embedding_dim"] is None


def test_a_second_mode_gets_no_scores_of_the_first(
    made: Made, selection: dict[str, Any], curated: dict[str, Any]
) -> None:
    selection["models"][0] |= {"type": "colbert", "secondary_mode": True}
    curated["facts"]["tiny-embed"] = {"/specs/embedding_dim": [4, "hub: config.json"]}
    assert made()["performance"]["beir_avg"] is None


def test_every_known_value_has_a_source_that_the_catalogue_describes(
    selection: dict[str, Any],
    curated: dict[str, Any],
    mteb_line: dict[str, Any],
) -> None:
    catalogue = make(selection, curated, {}, {mteb_line["huggingface_id"]: mteb_line}, {}).catalogue
    texts = catalogue["models"][0]["provenance"].values()
    assert {text.partition(":")[0] for text in texts} == set(catalogue["sources"])


def test_a_source_that_nothing_describes_is_refused(made: Made, curated: dict[str, Any]) -> None:
    del curated["sources"]["hub"]
    with pytest.raises(ValueError, match="sources that nothing describes: hub"):
        made()


def test_facts_for_a_model_that_is_not_selected_are_refused(
    made: Made, curated: dict[str, Any]
) -> None:
    curated["facts"]["tiny-embde"] = {}
    with pytest.raises(ValueError, match="not selected: tiny-embde"):
        made()


def test_the_successor_is_named_by_its_id(
    made: Made, mteb_line: dict[str, Any], selection: dict[str, Any]
) -> None:
    mteb_line["superseded_by"] = "acme/big-embed"
    assert "superseded_by" not in made()["lineage"]
    selection["models"].append(
        {"id": "big-embed", "type": "dense", "huggingface_id": "acme/big-embed"}
    )
    assert made()["lineage"]["superseded_by"] == "big-embed"


def test_an_entry_that_was_added_by_other_means_stays_as_it_is(
    selection: dict[str, Any], curated: dict[str, Any]
) -> None:
    added = {
        "id": "ours",
        "type": "dense",
        "huggingface_id": "acme/a-first",
        "provenance": {"*": "hub: config.json"},
    }
    gone = added | {"id": "gone", "huggingface_id": "acme/gone"}
    selection["excluded"] = {"acme/gone": "why"}
    models = make(selection, curated, {}, {}, {}, [added, gone]).catalogue["models"]
    assert [model["id"] for model in models] == ["ours", "tiny-embed"]
    assert models[0] == added


def test_the_same_facts_give_the_same_bytes(
    tmp_path: Path,
    selection: dict[str, Any],
    curated: dict[str, Any],
    encoding_line: dict[str, Any],
    mteb_line: dict[str, Any],
    score_line: dict[str, Any],
) -> None:
    inputs = {
        "--encoding-facts": encoding_line,
        "--mteb-models": mteb_line,
        "--mteb-scores": score_line,
        "--models": selection,
        "--curated": curated,
    }
    arguments = []
    for name, value in inputs.items():
        path = tmp_path / f"{name.strip('-')}.json"
        path.write_text(json.dumps(value) + "\n", "utf-8")
        arguments += [name, str(path)]
    output = tmp_path / "catalogue" / "models.json"
    arguments += ["--conflicts", str(tmp_path / "conflicts.json")]
    output.parent.mkdir()
    first = (main([*arguments, "--output", str(output)]), output.read_bytes())
    assert first == (main([*arguments, "--output", str(output)]), output.read_bytes())
    assert json.loads(first[1])["models"][0]["id"] == "tiny-embed"
    assert [path.name for path in output.parent.iterdir()] == ["models.json"]
