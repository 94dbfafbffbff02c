"""The checkpoint's values in a catalogue file."""

from __future__ import annotations

import difflib
import json
from typing import Any

import pytest

from holotype.errors import CatalogueFileError
from holotype.hub.file_list import MISSING
from holotype.hub.fixing import Fix, causes_of, fixed_text
from holotype.hub.verifying import GONE, Finding, Outcome, Report

TEXT = """{
  "version": "1",
  "sources": { "card": { "title": "Card" } },
  "models": [
    {"id": "other", "specs": {"vocab_size": 1}, "provenance": {"*": "card"}},
    {
      "id": "tiny",
      "architecture": { "type": "bert", "variant": null,   "has_projection": false },
      "specs": {
        "vocab_size": 99,
        "hidden_dim": null
      },
      "revision": null,
      "encoding": {"labels": null},
      "provenance": {
        "*": "card",
        "/specs/vocab_size": "card"
      }
    }
  ]
}
"""


def report(field: str, theirs: object, file: str, outcome: Outcome = "differ") -> Report:
    found = Finding(field=field, outcome=outcome, ours=None, theirs=theirs, file=file)
    return Report(id="tiny", location="", findings=(found,))


def changed_lines(text: str) -> list[str]:
    lines = difflib.ndiff(TEXT.splitlines(), text.splitlines())
    return [line for line in lines if line[0] in "+-"]


def entry(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)["models"][1]
    return found


def test_a_value_and_its_source_are_replaced_and_nothing_else() -> None:
    text, fixes = fixed_text(TEXT, [report("vocab_size", 100, "config.json")])
    assert [(fix.id, fix.finding.field) for fix in fixes] == [("tiny", "vocab_size")]
    assert entry(text)["provenance"]["/specs/vocab_size"] == "hub: config.json"
    assert [line for line in changed_lines(text) if line[0] == "-"] == [
        '-   "sources": { "card": { "title": "Card" } },',
        '-         "vocab_size": 99,',
        '-         "/specs/vocab_size": "card"',
    ]
    assert "hub" in json.loads(text)["sources"]


def test_a_null_is_filled_and_its_source_added() -> None:
    finding = report("hidden_dim", 32, "config.json", "checkpoint only")
    text, _ = fixed_text(TEXT, [finding])
    assert entry(text)["specs"] == {"vocab_size": 99, "hidden_dim": 32}
    assert entry(text)["provenance"]["/specs/hidden_dim"] == "hub: config.json"


def test_an_optional_field_joins_its_group() -> None:
    text, _ = fixed_text(TEXT, [report("projection_dims", 16, "1_Dense/config.json")])
    assert '"has_projection": false, "projection_dims": 16 }' in text


def test_a_group_that_is_missing_is_made() -> None:
    text, _ = fixed_text(TEXT, [report("requires_remote_code", True, "config.json")])
    assert list(entry(text))[3:5] == ["dependencies", "revision"]
    assert entry(text)["dependencies"] == {"requires_remote_code": True}


def test_a_tuple_becomes_a_list() -> None:
    text, _ = fixed_text(TEXT, [report("labels", ("a", "b"), "config.json")])
    assert entry(text)["encoding"] == {"labels": ["a", "b"]}


@pytest.mark.parametrize("theirs", [MISSING, GONE])
def test_what_is_gone_is_not_written(theirs: str) -> None:
    assert fixed_text(TEXT, [report("onnx_file", theirs, "")]) == (TEXT, ())


def test_an_optional_size_that_is_not_there_is_added() -> None:
    text, _ = fixed_text(TEXT, [report("layers", 12, "config.json", "checkpoint only")])
    assert entry(text)["specs"] == {"vocab_size": 99, "hidden_dim": None, "layers": 12}


def both() -> Report:
    size = Finding(field="vocab_size", outcome="differ", ours=99, theirs=100, file="config.json")
    width = Finding(field="hidden_dim", outcome="differ", ours=8, theirs=-1, file="config.json")
    return Report(id="tiny", location="", findings=(size, width))


def test_what_is_refused_is_not_written_and_the_rest_is() -> None:
    size, width = (Fix("tiny", finding) for finding in both().findings)
    text, fixes = fixed_text(TEXT, [both()], refused=[width])
    assert fixes == (size,)
    assert entry(text)["specs"] == {"vocab_size": 100, "hidden_dim": None}
    assert fixed_text(TEXT, [both()], refused=[size, width]) == (TEXT, ())


@pytest.mark.parametrize(
    ("id", "pointer", "fields"),
    [
        ("tiny", "/models/1/specs/hidden_dim", ["hidden_dim"]),
        ("tiny", "/models/1/specs/hidden_dim/0", ["hidden_dim"]),
        ("tiny", "/models/1/architecture/has_projection", ["vocab_size", "hidden_dim"]),
        ("tiny", "", ["vocab_size", "hidden_dim"]),
        ("other", "/models/0/specs/hidden_dim", []),
        (None, "/sources", []),
    ],
)
def test_a_problem_is_blamed_on_its_value_or_else_on_all_that_was_written_of_the_entry(
    id: str | None, pointer: str, fields: list[str]
) -> None:
    _, fixes = fixed_text(TEXT, [both()])
    assert [fix.finding.field for fix in causes_of(fixes, id, pointer)] == fields


def test_what_agrees_is_left_alone() -> None:
    assert fixed_text(TEXT, [report("vocab_size", 99, "config.json", "agree")]) == (TEXT, ())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "is not JSON: .* at line 1"),
        ("[]", "is not a catalogue"),
        (f'{{"models": [{"9" * 5000}]}}', "cannot be read: .* digits"),
        # Python 3.13 reads 9,000 levels.
        ("[" * 100_000, "cannot be read: .* recursion"),
        ('{"models": []}', "there is no entry 'tiny'"),
    ],
)
def test_what_is_no_catalogue_is_refused(text: str, problem: str) -> None:
    with pytest.raises(CatalogueFileError, match=problem):
        fixed_text(text, [report("vocab_size", 100, "config.json")])
