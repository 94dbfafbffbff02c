"""Problems of a deployment have the form of those of a catalogue."""

from __future__ import annotations

import dataclasses
import json

from hypothesis import given
from hypothesis import strategies as st

from holotype.deployment import problems
from holotype_codegen import report as generator
from holotype_codegen import wording

TEXT = st.text(st.characters(categories=("L", "N", "P", "S")), max_size=20)
FOUND = st.fixed_dictionaries(
    {
        "file": TEXT,
        "line": st.integers(1),
        "column": st.integers(1),
        "id": st.none() | TEXT,
        "pointer": TEXT,
        "found": TEXT,
        "expected": TEXT,
        "action": TEXT,
        "rule": TEXT,
    }
)


def test_a_problem_has_the_same_fields_for_both() -> None:
    own = [(each.name, each.type) for each in dataclasses.fields(problems.Problem)]
    assert own == [(each.name, each.type) for each in dataclasses.fields(generator.Problem)]


@given(FOUND)
def test_a_problem_has_the_same_line_and_the_same_json_for_both(values: dict[str, object]) -> None:
    own, other = problems.Problem(**values), generator.Problem(**values)  # type: ignore[arg-type]
    assert problems.format_text([own]) == generator.format_text([other])
    assert problems.format_json([own]) == generator.format_json([other])


@given(TEXT, st.lists(TEXT, max_size=4))
def test_both_suggest_the_same_name(name: str, known: list[str]) -> None:
    assert problems.nearest(name, known) == wording.nearest(name, known)


@given(TEXT | st.integers() | st.lists(TEXT) | st.none())
def test_both_quote_a_value_alike(value: object) -> None:
    assert problems.quote(value) == generator.quote_json(value)


def test_an_error_counts_its_problems_and_names_their_files() -> None:
    found = [
        problems.Problem(
            file=file,
            line=1,
            column=2,
            id=None,
            pointer="",
            found="a",
            expected="b",
            action="c",
            rule="file",
        )
        for file in ("x", "y")
    ]
    error = problems.DeploymentError(found)
    assert str(error) == "x:1:2: -: /: a; b; c\ny:1:2: -: /: a; b; c\n2 problems in x, y"
    assert len(json.loads(problems.format_json(found))["problems"]) == 2
