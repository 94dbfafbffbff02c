"""All problems of a catalogue are reported at once, in file order, each with its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.unit.holotype_codegen.catalogues import (
    KINDS,
    changed,
    problems_of,
    text_of,
    valid_catalogue,
    valid_entry,
)

from holotype_codegen.report import CatalogueError, format_json
from holotype_codegen.source import parse_source
from holotype_codegen.validate import find_problems, load_catalogue

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("kind", KINDS)
def test_a_complete_entry_of_each_kind_has_no_problem(kind: str) -> None:
    assert problems_of(valid_catalogue(valid_entry(kind))) == ()


@pytest.mark.parametrize("file", ["models.json", "tests/fixtures/small/models.json"])
def test_our_own_catalogues_have_no_problem(file: str) -> None:
    assert find_problems(load_catalogue(ROOT / file)) == ()


def test_all_problems_are_reported_at_once_in_file_order() -> None:
    broken = valid_catalogue(valid_entry(number=1), valid_entry(number=2), valid_entry(number=3))
    for pointer, value in [
        ("/models/2/revision", "main"),
        ("/models/0/specs/embedding_dim", 0),
        ("/models/1/license", "free"),
        ("/models/0/name", 3),
        ("/models/1/typo", 1),
        ("/models/2/id", "tiny-dense-v1"),
        ("/sources/lab/retrieved", "May"),
    ]:
        broken = changed(broken, pointer, value)
    problems = problems_of(broken)
    assert [problem.pointer for problem in problems] == [
        "/sources/lab/retrieved",
        "/models/0/name",
        "/models/0/specs/embedding_dim",
        "/models/1/license",
        "/models/1/typo",
        "/models/2/id",
        "/models/2/revision",
    ]
    places = [(problem.line, problem.column) for problem in problems]
    assert places == sorted(places)


def test_a_breach_of_the_schema_hides_no_broken_rule_of_the_same_entry() -> None:
    entry = changed(valid_entry("colbert"), "/encoding", [])
    entry = changed(entry, "/architecture/projection_dims", 96)
    entry = changed(entry, "/capabilities/languages", ["eng", 5])
    assert {problem.rule for problem in problems_of(valid_catalogue(entry))} == {
        "type",
        "projections_end_in_the_embedding",
        "languages_are_tags",
    }


def test_a_problem_of_an_entry_without_an_id_names_none() -> None:
    problems = problems_of(valid_catalogue(changed(valid_entry(), "/id", ...)))
    assert [problem.id for problem in problems] == [None]


def test_an_invalid_count_in_an_entry_without_an_id_is_still_found() -> None:
    entry = changed(changed(valid_entry(), "/id", ...), "/specs/vocab_size", 0)
    found = [problem.found for problem in problems_of(valid_catalogue(entry))]
    assert "The entry has invalid vocab_size: 0" in found


def test_a_problem_reads_as_file_line_column_id_pointer_and_three_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    catalogue = valid_catalogue(changed(valid_entry(), "/specs/embedding_dim", 0))
    (tmp_path / "models.json").write_text(text_of(catalogue), encoding="utf-8")
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(Path("models.json"))
    assert str(caught.value).splitlines() == [
        "models.json:26:22: tiny-dense-v1: /models/0/specs/embedding_dim: "
        "Model tiny-dense-v1 has invalid embedding_dim: 0; expected a whole number above 0; "
        "write the true number",
        "1 problem in models.json",
    ]
    (reported,) = json.loads(format_json(caught.value.problems))["problems"]
    assert (reported["line"], reported["column"]) == (26, 22)
    assert reported["rule"] == "exclusiveMinimum"


def test_columns_count_characters_and_lines_count_as_editors_do() -> None:
    text = '{"version": "é😀", "models": 5,\r\n "sources": {}, "é": 1}'
    problems = find_problems(parse_source(text.encode()))
    assert [(problem.line, problem.column) for problem in problems] == [(1, 29), (2, 17)]
