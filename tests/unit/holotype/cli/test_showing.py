"""`holotype show` on the fixture catalogue."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.golden import small_models as small
from tests.unit.holotype.cli.command import run

from holotype import MODEL_REGISTRY, ModelInfo
from holotype.cli.fields import facts


@pytest.mark.parametrize(
    "name", ["tiny-dense-v1.5", "Tiny-Dense", "ACME/tiny-dense-v1.5", "tiny-DENSE-v1.5"]
)
def test_an_id_an_alias_and_a_hugging_face_id_find_a_model_in_any_case(name: str) -> None:
    answer = run("show", name)
    assert answer.exit_code == 0
    assert answer.lines[0] == ["id", "tiny-dense-v1.5", "fixture"]


def test_each_line_has_a_field_its_value_and_its_source() -> None:
    lines = {name: (value, source) for name, value, source in run("show", "tiny-dense").lines}
    assert lines["embedding_dim"] == ("768", "fixture")
    assert lines["pooling"] == ("cls", "hub: 1_Pooling/config.json")
    assert lines["normalize"] == ("yes", "fixture")
    assert lines["ms_marco_mrr10"] == ("-", "-")
    assert lines["query_prompt"] == (r"Instruct: {instruction}\nQuery: ", "fixture")
    assert lines["document_prompt"] == ("", "fixture")
    assert lines["deprecated"] == ("no", "-")


@pytest.mark.parametrize("record", small.MODEL_REGISTRY, ids=lambda record: record.id)
def test_every_field_of_every_kind_of_record_is_shown(record: ModelInfo) -> None:
    shown = {line[0] for line in run("show", record.id).lines}
    assert shown == set(type(record).__dataclass_fields__) - {"provenance"}


def test_json_is_one_object_with_the_fields_and_their_sources() -> None:
    shown = json.loads(run("show", "tiny-dense", "--json").stdout)
    assert shown["id"] == "tiny-dense-v1.5"
    assert shown["document_prompt"] == ""
    assert shown["sources"]["pooling"] == "hub: 1_Pooling/config.json"
    assert "ms_marco_mrr10" not in shown["sources"]


def test_an_unknown_name_gets_suggestions_and_exit_code_one() -> None:
    answer = run("show", "tiny-colbert")
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert "no model has the id, alias or Hugging Face id 'tiny-colbert'" in answer.stderr
    assert "did you mean tiny-colbert-v1" in answer.stderr


def test_a_name_like_no_other_gets_the_way_to_the_list() -> None:
    assert "`holotype list` shows all models" in run("show", "zzzzzz").stderr


def test_a_repository_with_several_entries_names_them() -> None:
    answer = run("show", "acme/tiny-dense-v2")
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert "has 2 entries; name one of tiny-dense-v2, tiny-dense-v2-sparse" in answer.stderr


def test_a_deprecated_model_is_shown_with_a_warning_on_stderr() -> None:
    answer = run("show", "2d-dense")
    assert answer.exit_code == 0
    assert answer.stderr == "warning: model '2d-dense' is deprecated\n"
    assert "warning" not in answer.stdout


def test_a_missing_name_is_a_wrong_call() -> None:
    assert run("show").exit_code == 2


PINNED = "5c38ec7c405ec4b44b94cc5a9bb96e735b38267a"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (f"hub: modules.json @ {PINNED}", False),
        (f"hub: modules.json @ {PINNED[:7]}", False),
        ("hub: modules.json @ 35baf7769a878409ff46ec41bf2e8f8ae9cc335a", True),
        ("hub: modules.json @ main", True),
        ("hub: modules.json", False),
        ("github: acme/tiny README.md @ 35baf7769a878409ff46ec41bf2e8f8ae9cc335a", False),
    ],
)
def test_a_source_at_another_commit_than_the_pinned_one_is_known(
    source: str, expected: bool
) -> None:
    provenance = (("*", "lab"), ("pooling", source))
    record = replace(small.TINY_DENSE_V1_5, revision=PINNED, provenance=provenance)
    (fact,) = (fact for fact in facts(record) if fact.name == "pooling")
    assert (fact.source, fact.is_of_another_commit) == (source, expected)
    (unpinned,) = (f for f in facts(replace(record, revision=None)) if f.name == "pooling")
    assert not unpinned.is_of_another_commit


def test_values_of_other_commits_are_counted_and_what_settles_them_is_named() -> None:
    record, n = next(
        (record, n)
        for record in MODEL_REGISTRY
        if (n := sum(fact.is_of_another_commit for fact in facts(record))) > 1
    )
    answer = run("show", record.id, catalogue="holotype.models")
    assert f"note: {n} values were read at another commit of the repository" in answer.stderr
    assert f"`holotype verify {record.id}` compares" in answer.stderr
    assert run("show", record.id, "--json", catalogue="holotype.models").stderr == ""
    assert run("show", "tiny-dense").stderr == ""
