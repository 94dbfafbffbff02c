"""The pages of docs/catalogue that derive from the catalogue and the conflicts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import catalogue_pages
from catalogue.plots import Point, scatter
from catalogue.reports import FIELDS, count, coverage, value_at

ROOT = Path(__file__).parents[3]
MODELS: list[dict[str, Any]] = json.loads((ROOT / "models.json").read_text("utf-8"))["models"]
CONFLICTS: list[dict[str, Any]] = json.loads((ROOT / "tools" / "conflicts.json").read_text("utf-8"))

KNOWN_AT_LEAST = {
    "embedding dimension": 588,
    "context length": 545,
    "licence": 616,
    "revision": 688,
    "languages": 585,
    "hidden size": 567,
    "vocabulary": 581,
    "parameters": 545,
    "type of the weights": 301,
    "network": 556,
    "pooling": 325,
    "normalisation": 239,
    "query prompt": 350,
    "code from the repository": 630,
    "activation of weights": 24,
    "activation of scores": 102,
    "labels": 36,
    "one or several labels": 40,
    "configuration file": 208,
}
"""How many text models state each field. Counts, not shares: a model of which little is known yet
takes nothing away."""
TICKS = ((1.0, "1"), (100.0, "100"))


def test_no_page_is_stale() -> None:
    assert catalogue_pages.main(["--check"]) == 0, "run: python tools/catalogue_pages.py"


def test_a_stale_page_is_told_and_not_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert catalogue_pages.main(["--check", "--folder", str(tmp_path)]) == 1
    assert "coverage.md is stale; run: python tools/catalogue_pages.py" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_pages_are_written_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "catalogue"
    assert catalogue_pages.main(["--folder", str(folder)]) == 0
    assert {path.name for path in folder.iterdir()} == set(catalogue_pages.pages(MODELS, CONFLICTS))
    capsys.readouterr()
    assert catalogue_pages.main(["--folder", str(folder)]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", KNOWN_AT_LEAST)
def test_enough_is_known_of_the_fields_that_matter(name: str) -> None:
    [(_, pointer, applies)] = [field for field in FIELDS if field[0] == name]
    of_text = [model for model in MODELS if model["capabilities"]["modalities"] == ["text"]]
    known, _ = count(of_text, pointer, applies)
    assert known >= KNOWN_AT_LEAST[name]


def test_enough_models_are_pinned() -> None:
    assert sum(model["revision"] is not None for model in MODELS) >= 862


def test_what_a_conflict_says_was_taken_is_what_the_catalogue_holds() -> None:
    models = {model["id"]: model for model in MODELS}
    for conflict in CONFLICTS:
        taken = conflict["taken"]
        held = value_at(models[conflict["id"]], conflict["field"])
        assert held == (taken and taken[0]), conflict


def test_a_plot_holds_every_point_and_names_the_best() -> None:
    points = [Point("low", "dense", 2, 12), Point("top & <best>", "colbert", 50, 38)]
    root = ElementTree.fromstring(
        scatter(points, title="A title", across="size", up="score", ticks=TICKS)
    )
    told = [element.text for element in root.iter() if element.text]
    assert {"low: 12.0", "top & <best>: 38.0", "A title", "size", "score", "1", "100"} <= set(told)
    assert "top & <best>" in told


def test_the_same_points_give_the_same_plot() -> None:
    points = [Point("a", "dense", 2, 12), Point("b", "dense", 3, 20)]
    plots = {scatter(points, title="t", across="x", up="y", ticks=TICKS) for _ in range(2)}
    assert len(plots) == 1


def test_every_model_of_the_guide_leads_to_its_section() -> None:
    text = catalogue_pages.pages(MODELS, CONFLICTS)["choose.md"]
    assert "[qwen3-embedding-8b](families/qwen.md#qwen3-embedding-8b) 62.8" in text
    rows = [line for line in text.splitlines() if line.startswith(("| up", "| 50", "| 200"))]
    assert rows
    assert not [row for row in rows if "`" in row]


def test_a_source_counts_once_in_an_entry_that_names_it_twice() -> None:
    twice = {"*": "mteb", "/specs/dtype": "mteb: two bytes"}
    models = [model | {"provenance": twice} for model in MODELS]
    assert f"| `mteb` | {len(models)} |" in coverage(models, [])
