"""Values that no model can have, or that the rest of the entry contradicts, are found."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.holotype_codegen.catalogues import (
    changed,
    problems_of,
    valid_catalogue,
    valid_entry,
)


def rules_broken_by(changes: dict[str, Any]) -> list[str]:
    entry = valid_entry()
    for pointer, value in changes.items():
        entry = changed(entry, pointer, value)
    return [problem.rule for problem in problems_of(valid_catalogue(entry))]


@pytest.mark.parametrize(
    ("network", "context", "positions"),
    [("xlm-roberta", 514, 514), ("roberta", 514, None), (None, 8194, 8194), ("mpnet", 130, None)],
)
def test_a_length_that_is_a_table_of_positions_is_refused(
    network: str | None, context: int, positions: int | None
) -> None:
    assert rules_broken_by(
        {
            "/architecture/type": network,
            "/specs/context_length": context,
            "/specs/max_position_embeddings": positions,
        }
    ) == ["contexts_leave_out_unused_positions"]


@pytest.mark.parametrize(
    ("network", "context", "positions"),
    [("xlm-roberta", 512, 514), ("bert", 514, 514), ("roberta", 130, 514), ("t5", 514, None)],
)
def test_a_length_that_a_checkpoint_can_have_is_allowed(
    network: str, context: int, positions: int | None
) -> None:
    changes = {
        "/architecture/type": network,
        "/specs/context_length": context,
        "/specs/max_position_embeddings": positions,
    }
    assert rules_broken_by(changes) == []


@pytest.mark.parametrize(
    ("pointer", "score"), [("/performance/beir_avg", 0.81), ("/performance/ms_marco_mrr10", 0.61)]
)
def test_a_score_that_no_system_reaches_is_refused(pointer: str, score: float) -> None:
    assert rules_broken_by({pointer: score}) == ["scores_are_within_reach"]


@pytest.mark.parametrize(
    ("pointer", "score"), [("/performance/beir_avg", 0.7), ("/performance/ms_marco_mrr10", 0.42)]
)
def test_a_score_of_the_best_systems_is_allowed(pointer: str, score: float) -> None:
    assert rules_broken_by({pointer: score}) == []


@pytest.mark.parametrize(
    ("name", "languages"),
    [
        ("acme-multilingual-base", ["en"]),
        ("acme-bilingual-small", ["fr", "fr-CA"]),
        ("acme-korean-base", ["en"]),
        ("labse-en-ru", ["ru"]),
        ("acme-base-zh-v1.5", ["en"]),
    ],
)
def test_languages_that_the_id_contradicts_are_refused(name: str, languages: list[str]) -> None:
    changes = {"/id": name, "/capabilities/languages": languages}
    assert rules_broken_by(changes) == ["languages_agree_with_the_name"]


@pytest.mark.parametrize(
    ("name", "languages", "base"),
    [
        ("acme-multilingual-base", ["en", "de"], None),
        ("acme-base-zh", ["zh-Hans"], None),
        ("bangla-paraphrase-multilingual", ["bn"], None),
        ("acme-from-multilingual-e5", ["nl"], "intfloat/multilingual-e5-base"),
        ("acme-it-base", ["en"], None),
        ("acme-multilingual-base", [], None),
    ],
)
def test_languages_that_agree_with_the_id_are_allowed(
    name: str, languages: list[str], base: str | None
) -> None:
    changes = {
        "/id": name,
        "/capabilities/languages": languages or None,
        "/lineage/adapted_from": base,
    }
    assert rules_broken_by(changes) == []
